"""The fourth set: texts of wards, practices, homes and offices, by another author who saw neither detector nor texts.

Both halves are opened (the odd one on 2026-11-27): they were read for improvements, so their figures are of a set that
was seen. The values are unread.
"""

from __future__ import annotations

from deidcases.fourth_values import Draws
from deidcases.halved import HalvedSet

FOURTH = HalvedSet(
    "fourth",
    Draws,
    ("fourth_acute.txt", "fourth_clinic.txt", "fourth_office.txt", "fourth_dialogues.txt", "fourth_harmless.txt"),
)
