"""Findings that are kept: the detector is asked once, a grown text costs its end, any change has it asked anew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.deid import kept
from appliance.deid.deidentify import Deidentifier
from appliance.deid.identifier import Identifier
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.kept import CONTEXT_CHARS, Findings
from appliance.deid.stream import HORIZON_CHARS
from tests.fakes.deid import FakeDetector
from tests.fakes.deid_texts import IDENTIFIERS

FAKE = FakeDetector({"Maria Lopez": Kind.NAME, "Lopez": Kind.NAME})
WORDS = "the patient Maria Lopez reports pain in the left knee since the winter and Lopez said so. "


class Asked:
    """Looks, and remembers how much it was shown."""

    def __init__(self, detector: FakeDetector = FAKE) -> None:
        self.chars: list[int] = []
        self._detector = detector

    def __call__(self, text: str) -> tuple[Identifier, ...]:
        self.chars.append(len(text))
        return self._detector.find(text)


def test_the_same_text_is_looked_at_once_and_any_other_again() -> None:
    findings, look = Findings(), Asked()
    first = findings.find(WORDS, b"a", look)
    assert findings.find(WORDS, b"a", look) == first == FAKE.find(WORDS)
    assert look.chars == [len(WORDS)]
    findings.find(WORDS.replace("left", "lost"), b"a", look)
    findings.find(WORDS, b"other names, or another detector", look)
    assert len(look.chars) == 3


def test_nothing_is_kept_of_a_look_that_failed() -> None:
    findings = Findings()

    def fail(_: str) -> tuple[Identifier, ...]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        findings.find(WORDS, b"a", fail)
    assert len(findings) == 0
    assert findings.find(WORDS, b"a", FAKE.find) == FAKE.find(WORDS)


def test_no_text_is_kept() -> None:
    findings = Findings()
    findings.find(WORDS, b"a", FAKE.find)
    kept_of_it = repr([vars(findings), findings._entries])
    assert "Lopez" not in kept_of_it


def test_the_number_of_entries_is_bounded_and_the_last_ones_stay() -> None:
    findings, look = Findings(), Asked()
    for number in range(50):
        findings.find(f"{WORDS}{number}", b"a", look)
    assert len(findings) == kept._MAX_ENTRIES
    findings.find(f"{WORDS}49", b"a", look)
    assert len(look.chars) == 50


def test_a_text_that_grows_costs_its_end_and_is_looked_at_as_a_whole_when_it_has_doubled() -> None:
    findings, look = Findings(), Asked()
    text = ""
    pieces = 60_000 // len(WORDS)
    for _ in range(pieces):
        text += WORDS
        assert findings.find(text, b"a", look) == FAKE.find(text)
    whole = [chars for chars in look.chars if chars > CONTEXT_CHARS + HORIZON_CHARS + 3 * len(WORDS)]
    assert len(whole) < 8
    at_once = sum(len(WORDS) * number for number in range(pieces + 1))
    assert sum(look.chars) < at_once / 8


def test_a_beginning_that_is_kept_beside_it_does_not_put_off_the_look_at_the_whole() -> None:
    findings, look = Findings(), Asked()
    text = ""
    for _ in range(300):
        text += WORDS
        found = findings.find(text, b"a", look)
        cut = len(text) - len(WORDS)
        findings.keep_beginning(text[:cut], b"a", [one for one in found if one.end <= cut])
        assert findings.find(text[:cut], b"a", look) == FAKE.find(text[:cut])
    whole = [chars for chars in look.chars if chars > CONTEXT_CHARS + HORIZON_CHARS + 3 * len(WORDS)]
    assert whole == sorted(whole)
    assert len(whole) >= 3
    assert all(after >= 2 * before for before, after in pairwise(whole))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([*IDENTIFIERS, "the", "patient", "pain", "2019", "."]), min_size=40, max_size=120),
    st.lists(st.integers(1, 60), min_size=1, max_size=12),
)
def test_however_it_grew_the_findings_are_those_of_the_whole_text(words: list[str], steps: list[int]) -> None:
    detector = FakeDetector(IDENTIFIERS)
    saved = kept.CONTEXT_CHARS
    kept.CONTEXT_CHARS = 100  # so that short texts take the way of long ones
    try:
        findings, upto = Findings(), len(words) // 2
        for step in (0, *steps):
            upto = min(len(words), upto + step)
            text = " ".join(words[:upto])
            assert findings.find(text, b"a", detector.find) == detector.find(text)
    finally:
        kept.CONTEXT_CHARS = saved


def test_an_identifier_that_is_whole_only_later_is_hidden_whole() -> None:
    detector = FakeDetector({"Maria Lopez of Austin": Kind.NAME, "Austin": Kind.PLACE})
    findings = Findings()
    before = WORDS.replace("Maria Lopez", "she").replace("Lopez", "she") * 40
    first = before + "x" * (HORIZON_CHARS - 20) + " Maria Lopez"
    assert findings.find(first, b"a", detector.find) == ()
    (found,) = findings.find(first + " of Austin. " + "x" * 300, b"a", detector.find)
    assert found.start == first.index("Maria")


def test_texts_are_de_identified_alike_with_findings_that_are_kept_and_without() -> None:
    findings, detector = Findings(), FakeDetector({"Maria Lopez": Kind.NAME, "512-867-5309": Kind.PHONE})

    def find(text: str, names: Sequence[str]) -> tuple[Identifier, ...]:
        return findings.find(text, repr(names).encode(), lambda part: detector.find(part, known_names=names))

    texts = ["Maria Lopez called 512-867-5309. maria was well.", "lopez came back."]
    plain = Deidentifier(detector, b"k" * 16, texts)
    kept_ones = [Deidentifier(detector, b"k" * 16, texts, find=find) for _ in range(2)]
    made = plain.run()
    for one in kept_ones:
        assert one.run() == made
        assert one.mapping() == plain.mapping()


def test_a_name_that_is_heard_only_later_is_hidden_where_it_was_said_before() -> None:
    class OnceIntroduced(FakeDetector):
        """Knows that "grace" is a name when somebody is introduced by it, and then everywhere."""

        def find(self, text: str, *, known_names: Sequence[str] = ()) -> tuple[Identifier, ...]:
            at = [m.start() for m in re.finditer("grace", text)] if "i am grace" in text else []
            return tuple(Identifier(start, start + 5, Kind.NAME, "fake", 1.0) for start in at)

    detector = OnceIntroduced({})
    beginning = "let grace sit down. " + "the knee hurts when it is cold. " * 200
    findings, look = Findings(), Asked(detector)
    assert findings.find(beginning, b"a", look) == ()
    grown = beginning + "i am grace. " + "and so on. " * 40
    assert findings.find(grown, b"a", look) == detector.find(grown)
    assert len(detector.find(grown)) == 2
    # What was decided with the whole before the eyes is not asked for again.
    asked = len(look.chars)
    findings.find(grown + "grace said so. " + "and so on. " * 40, b"a", look)
    assert max(look.chars[asked:]) < len(grown)
