"""E/M support on cases written by us from the published rules: levels, elements, minutes, verdicts."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from appliance.coding.em import MAX_NOTE_CHARS, support
from appliance.coding.em_result import Verdict
from appliance.coding.em_rules import FAMILIES, Level, family_of, family_of_code, two_of_three
from appliance.errors import RefusedError, UsageError

CASES = json.loads((Path(__file__).parents[3] / "data" / "em" / "cases.json").read_text("utf-8"))
DAY = datetime.date(2026, 5, 4)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    day = datetime.date.fromisoformat(case["on"])
    found = support(case["note"], visit=case["visit"], on=day, claimed=case["claimed"])
    got = {
        "supported": found.supported,
        "minutes": found.minutes,
        "by": list(found.by),
        "verdict": found.verdict.value,
        **{element.name: element.level for element in found.elements if element.name != "time"},
    }
    assert {key: got[key] for key in case["expect"]} == case["expect"], case["rule"]


def test_every_fact_is_quoted_from_its_place() -> None:
    for case in CASES:
        note = case["note"]
        found = support(note, visit=case["visit"], on=datetime.date.fromisoformat(case["on"]))
        for element in found.elements:
            for fact in element.facts:
                assert fact.quote.replace("\u2423", " ").split() == note[fact.start : fact.end].split()
                assert fact.quote.strip("\u2423")
                assert fact.reason


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_claim_never_comes_back_higher(case: dict[str, Any]) -> None:
    family, day = FAMILIES[case["visit"]], datetime.date.fromisoformat(case["on"])
    free = support(case["note"], visit=family.name, on=day)
    codes = [code.code for code in family.codes]
    for claimed in codes:
        found = support(case["note"], visit=family.name, on=day, claimed=claimed)
        if free.supported is None:
            assert (found.verdict, found.supported) == (Verdict.QUESTIONS, None)
            continue
        assert found.supported == min(claimed, free.supported, key=codes.index)
        assert (found.verdict is Verdict.SUPPORTS) == (codes.index(claimed) <= codes.index(free.supported))
        if found.verdict is Verdict.SUPPORTS:
            above = [code for code in codes if codes.index(code) > codes.index(claimed)]
            assert found.missing == ()
            assert not any(code in found.model_dump_json() for code in above)


def test_the_middle_of_three_elements_decides() -> None:
    assert two_of_three(Level.HIGH, Level.STRAIGHTFORWARD, Level.HIGH) is Level.HIGH
    assert two_of_three(Level.HIGH, Level.STRAIGHTFORWARD, Level.LOW) is Level.LOW
    assert two_of_three(Level.LOW, Level.LOW, Level.MODERATE) is Level.LOW


def test_families_do_not_share_codes_and_their_times_rise() -> None:
    seen: set[str] = set()
    for family in FAMILIES.values():
        codes = [code.code for code in family.codes]
        assert not seen & {*codes, *family.others}
        seen |= {*codes, *family.others}
        for day in (datetime.date(2023, 1, 1), datetime.date(2024, 1, 1), DAY):
            times = [least for code in family.codes if (least := code.minimum(day)) is not None]
            assert times == sorted(set(times))
            assert all(time < family.implausible_min for time in times)
        levels = [code.level for code in family.codes]
        assert levels == sorted(set(levels))
    assert family_of_code("99499") is None


@pytest.mark.parametrize(
    ("visit", "day", "refused"),
    [
        ("established-office", datetime.date(2020, 12, 31), True),
        ("established-office", datetime.date(2021, 1, 1), False),
        ("initial-hospital", datetime.date(2022, 12, 31), True),
        ("initial-hospital", datetime.date(2023, 1, 1), False),
    ],
)
def test_earlier_dates_are_refused(visit: str, day: datetime.date, refused: bool) -> None:
    if refused:
        with pytest.raises(RefusedError, match=day.isoformat()):
            family_of(visit, day)
    else:
        assert family_of(visit, day).name == visit


@pytest.mark.parametrize(
    ("text", "visit", "claimed", "word"),
    [
        (" \n", "new-office", None, "empty"),
        ("a" * (MAX_NOTE_CHARS + 1), "new-office", None, "characters"),
        ("Cough.", "office", None, "--visit"),
        ("Cough.", "new-office", "J45.20", "--claimed"),
    ],
)
def test_what_cannot_be_judged_is_said(text: str, visit: str, claimed: str | None, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        support(text, visit=visit, on=DAY, claimed=claimed)
