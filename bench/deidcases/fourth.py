"""The fourth set: texts of wards, practices, homes and offices, by another author who saw neither detector nor texts.

The even half is opened: it was read for improvements, so its figures are of a set that was seen. The odd half and the
values are unread; who opens them for improvements says so here first.
"""

from __future__ import annotations

from deidcases.fourth_values import Draws
from deidcases.halved import HalvedSet

FOURTH = HalvedSet(
    "fourth",
    Draws,
    ("fourth_acute.txt", "fourth_clinic.txt", "fourth_office.txt", "fourth_dialogues.txt", "fourth_harmless.txt"),
)
