"""Places over a de-identified text: there and back, and never into the middle of an identifier."""

from __future__ import annotations

from hypothesis import given, settings

from appliance.deid.deidentify import Deidentifier
from appliance.deid.offsets import Offsets
from tests.fakes.deid import FakeDetector
from tests.fakes.deid_texts import IDENTIFIERS, TEXTS

FAKE = FakeDetector(IDENTIFIERS)


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_what_was_not_changed_lies_where_the_offsets_say(text: str) -> None:
    (made,) = Deidentifier(FAKE, b"k" * 16, [text]).run()
    offsets = Offsets(made.pieces)
    assert offsets.to_made(len(text)) == len(made.text)
    assert offsets.to_original(len(made.text)) == len(text)
    inside = {at for one in made.pieces for at in range(one.start + 1, one.end)}
    last = 0
    for at in range(len(made.text)):
        back = offsets.to_original(at)
        assert back >= last
        last = back
        starts = {one.start: one.original for one in made.pieces}
        if at in inside:
            assert offsets.to_made(back) < at
        elif at in starts:
            assert text.startswith(starts[at], back)
        else:
            assert text[back] == made.text[at]
            assert offsets.to_made(back) == at
