"""The fifth set: notes, letters, calls and office texts, by an author who saw neither detector nor other texts.

Found whole at first sight, on 2026-11-27: 4,219 of 4,662, names 0.898 (3 fills). The even half was opened then: misses
of institutions, places and numbers were read, those of names were not. The odd half and the values are unread.
"""

from __future__ import annotations

from deidcases.fifth_values import Draws
from deidcases.halved import HalvedSet

FIFTH = HalvedSet(
    "fifth",
    Draws,
    (
        "fifth_wards.txt", "fifth_visits.txt", "fifth_abroad.txt", "fifth_desk.txt", "fifth_lists.txt",
        "fifth_calls.txt", "fifth_dialogues.txt", "fifth_speech.txt", "fifth_harmless.txt",
    ),
)  # fmt: skip
