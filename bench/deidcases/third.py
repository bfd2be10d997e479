"""The third set: texts of a practice and a hospital, by an independent author who saw neither detector nor other texts.

Whoever improves the detector may read the texts of an even place in their group, and neither those of
an odd place nor the values.
"""

from __future__ import annotations

from deidcases.halved import HalvedSet
from deidcases.third_values import Draws

THIRD = HalvedSet(
    "third",
    Draws,
    (
        "third_queries.txt", "third_notes.txt", "third_letters.txt", "third_office.txt", "third_dialogues.txt",
        "third_harmless.txt",
    ),
)  # fmt: skip
