"""The sixth set: texts of clinics, wards, homes and offices, by an author who saw neither detector nor other texts.

The whole set is open: its texts were read for improvements from the start, so its figures are of texts that were seen.
"""

from __future__ import annotations

from deidcases.halved import HalvedSet
from deidcases.sixth_values import Draws

SIXTH = HalvedSet(
    "sixth",
    Draws,
    (
        "sixth_notes.txt", "sixth_wards.txt", "sixth_letters.txt", "sixth_office.txt", "sixth_messages.txt",
        "sixth_dialogues.txt", "sixth_talk.txt", "sixth_transcripts.txt", "sixth_queries.txt", "sixth_harmless.txt",
    ),
)  # fmt: skip
