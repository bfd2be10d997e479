"""The report of what is left: counts, doubts, what may tell who it is, and no text."""

from __future__ import annotations

import pytest

from appliance.deid.deidentify import Deidentified, Deidentifier
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.residual import MAX_PLACES, NOT_CHECKED, ResidualRisk, assess, words
from tests.fakes.deid import FakeDetector

KEY = b"a key of an encounter, 32 bytes."
LISTED = {"Ada Okafor": Kind.NAME, "Easter": Kind.DATE, "March 5, 2024": Kind.DATE, "867-5309": Kind.PHONE}


def risk(text: str, *, confidence: float = 0.9, second_look: bool = True) -> ResidualRisk:
    work = Deidentifier(FakeDetector(LISTED, confidence=confidence), KEY, [text], second_look=second_look)
    made: Deidentified = work.run()[0]
    return assess(text, made)


def test_counts_doubts_and_what_could_not_be_moved() -> None:
    found = risk("Ada Okafor, 867-5309, seen March 5, 2024 and at Easter 2023 in Ohio.", confidence=0.4)
    assert found.counts == {Kind.NAME: 1, Kind.PHONE: 1, Kind.DATE: 2}
    assert found.low_confidence_total == 4
    assert (found.low_confidence[0].start, found.low_confidence[0].kind) == (0, Kind.NAME)
    assert (found.dates_not_moved, found.years_left, found.states_left) == (1, 1, 1)
    assert risk("Ada Okafor").low_confidence == ()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("an 87-year-old man", "age.over_79"), ("eighty-two years old", "age.over_79"),
        ("she is aged 85", "age.over_79"), ("the former mayor", "occupation"),
        ("a professional hockey player", "occupation"), ("was in the news", "event"),
        ("one of triplets", "family"), ("the only survivor in the county", "uniqueness"), ("of the Hopi", "descent"),
        ("he is 6'9 tall", "body"),
    ],
)  # fmt: skip
def test_what_may_tell_who_it_is_is_named_by_its_place(text: str, rule: str) -> None:
    found = risk(f"Ada Okafor: {text}.")
    assert [one.rule for one in found.quasi_identifiers] == [rule]
    (one,) = found.quasi_identifiers
    assert 12 <= one.start < one.end <= 12 + len(text)


@pytest.mark.parametrize(
    "text",
    ["a 45-year-old man", "BP 86/54", "87 mg", "first, last, only", "judging by this", "the first dose in the morning"],
)
def test_ordinary_words_are_no_quasi_identifiers(text: str) -> None:
    assert risk(text).quasi_identifiers == ()


def test_three_classes_together_are_said_to_combine() -> None:
    assert not risk("the mayor, one of triplets").combined
    assert risk("the mayor, one of triplets, in Ohio").combined


def test_a_name_that_stays_elsewhere_is_counted() -> None:
    assert risk("Ada Okafor came; okafor left.", second_look=False).name_words_left == 1
    assert risk("Ada Okafor came; okafor left.").name_words_left == 0


def test_the_report_holds_no_text_and_says_what_nobody_did() -> None:
    found = risk("Ada Okafor, the mayor, 867-5309.", confidence=0.1)
    told = found.model_dump_json() + "\n".join(words(found))
    assert not any(part in told for part in ("Okafor", "mayor", "867"))
    assert all(one in told for one in NOT_CHECKED)
    assert "no determination" in told


def test_places_are_bounded_and_counts_go_on() -> None:
    found = risk("the mayor. " * (MAX_PLACES + 5))
    assert len(found.quasi_identifiers) == MAX_PLACES
    assert found.quasi_identifiers_total == MAX_PLACES + 5
