"""The fourth set: texts of wards, practices, homes and offices, by another author who saw neither detector nor texts.

The even half was opened for improvements after it was measured once. Whoever improves the detector does not read the
odd half, nor the values; who opens it for improvements says so here first.
"""

from __future__ import annotations

from deidcases.fourth_values import Draws
from deidcases.halved import HalvedSet

FOURTH = HalvedSet(
    "fourth",
    Draws,
    ("fourth_acute.txt", "fourth_clinic.txt", "fourth_office.txt", "fourth_dialogues.txt", "fourth_harmless.txt"),
)
