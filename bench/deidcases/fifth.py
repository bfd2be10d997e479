"""The fifth set: notes, letters, calls and office texts, by an author who saw neither detector nor other texts.

It is unread: nobody who makes or changes rules of the detector may read its templates or its values.
Who opens a half for improvements says so here first, with the figure at first sight.
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
