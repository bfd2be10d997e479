"""Values that are known to identify: found in any case and spacing, as a whole, and nothing shorter than tells."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.known_values import KnownValues, Value, is_telling
from tests.fakes.deid import FakeDetector
from tests.fakes.deid_texts import TEXTS

NOTHING = FakeDetector({"nobody at all": Kind.NAME})
VALUES = (
    Value(Kind.RECORD, "883421"), Value(Kind.PHONE, "512-867-5309"), Value(Kind.ADDRESS, "14 Rosewood Lane Apt. 7"),
    Value(Kind.PLAN, "XJK 4432 A"), Value(Kind.EMAIL, "m.lopez@gmail.com"), Value(Kind.PLACE, "Fall River"),
    Value(Kind.PLACE, "Waltham"), Value(Kind.PLACE, "Reading"), Value(Kind.FACILITY, "Primary Care"),
)  # fmt: skip


def found(text: str) -> list[tuple[str, Kind]]:
    return [(text[one.start : one.end], one.kind) for one in KnownValues(NOTHING, VALUES).find(text)]


@pytest.mark.parametrize(
    ("text", "wanted", "kind"),
    [
        ("Her number is 883421, she says.", "883421", Kind.RECORD),
        ("call 5128675309 today", "5128675309", Kind.PHONE),
        ("call (512) 867-5309", "512) 867-5309", Kind.PHONE),
        ("lives at 14 rosewood lane, apt 7.", "14 rosewood lane, apt 7", Kind.ADDRESS),
        ("member xjk4432a", "xjk4432a", Kind.PLAN),
        ("M.Lopez@GMAIL.com", "M.Lopez@GMAIL.com", Kind.EMAIL),
        ("from FALL RIVER", "FALL RIVER", Kind.PLACE),
        ("from Waltham", "Waltham", Kind.PLACE),
        ("seen at Primary Care", "Primary Care", Kind.FACILITY),
    ],
)
def test_a_value_is_found_however_it_is_written(text: str, wanted: str, kind: Kind) -> None:
    assert found(text) == [(wanted, kind)]


@pytest.mark.parametrize(
    "text",
    [
        "1883421", "883421a", "88 and 3421", "waltham", "883\n\n\n\n421", "Reading glasses.", "14 rosewood",
        "by primary care",
    ],
)  # fmt: skip
def test_what_is_another_number_or_word_stays(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("value", ["", "7", "1234", "MRN 1", "---", "mercy", "a b", "Ed"])
def test_what_is_too_short_is_not_looked_for(value: str) -> None:
    assert not is_telling(value)
    assert KnownValues(NOTHING, [Value(Kind.RECORD, value)]).find(f"it is {value} here") == ()


def test_what_the_detector_finds_is_one_with_a_value_that_it_overlaps() -> None:
    detector = FakeDetector({"MRN 883421": Kind.RECORD, "Maria": Kind.NAME})
    text = "Maria, MRN 883421"
    (name, number) = KnownValues(detector, VALUES).find(text)
    assert (text[name.start : name.end], text[number.start : number.end]) == ("Maria", "MRN 883421")


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.lists(st.text(max_size=20), max_size=8))
def test_whatever_is_known_the_findings_are_spans_in_order_and_apart(text: str, values: list[str]) -> None:
    given_values = [Value(Kind.OTHER, value) for value in (*values, text[:30])]
    at = 0
    for one in KnownValues(NOTHING, given_values).find(text):
        assert at <= one.start < one.end <= len(text)
        at = one.end
