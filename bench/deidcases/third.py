"""The third set: texts of a practice and a hospital, by an independent author who saw neither detector nor other texts.

Texts of an even place in their group were read first; those of an odd place were opened on 2026-11-27, after rules
had been counted on them several times (names 0.938 at first sight, 0.960 when they were opened). So both halves are
seen now; the values stay unread.
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
