"""The property: what the tool itself said, put into a note in any way, never raises the level it reports."""

from __future__ import annotations

import datetime
import json
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.coding.em import support
from appliance.coding.em_own import LEAST_FRAGMENT_CHARS, own_output
from appliance.coding.em_report import report
from appliance.coding.em_result import Support
from appliance.coding.em_rules import FAMILIES
from appliance.coding.em_words import BLANK, PHRASES, marked, phrase

CASES = json.loads((Path(__file__).parents[3] / "data" / "em" / "cases.json").read_text("utf-8"))
BREAKS = st.sampled_from([" ", "\n", "\n\n", "\t", "\r\n", "  ", "\n    "])
AROUND = st.sampled_from(["", " ", "\n", "\n\n", ". ", "\n- "])
_FIGURES = st.integers(min_value=0, max_value=10**6)


def _judged(case: int, text: str | None = None, claimed: str | None = None) -> Support:
    one = CASES[case]
    note = one["note"] if text is None else text
    return support(note, visit=one["visit"], on=datetime.date.fromisoformat(one["on"]), claimed=claimed)


@cache
def _outputs(case: int, claimed: str | None) -> tuple[str, ...]:
    found = _judged(case, claimed=claimed)
    held = found.model_dump(mode="json")
    return (
        report(found),
        found.model_dump_json(indent=2),
        found.model_dump_json(),
        json.dumps(held, indent=1),
        *report(found).splitlines(),
        *found.missing,
        *found.questions,
    )


def _rank(found: Support) -> int:
    codes = [code.code for code in FAMILIES[found.visit].codes]
    return -1 if found.supported is None else codes.index(found.supported)


@st.composite
def _inserted(draw: st.DrawFn) -> tuple[int, str | None, str]:
    """A case, a claim, and its note with a piece of the tool's output about some case in it."""
    case, other = draw(st.integers(0, len(CASES) - 1)), draw(st.integers(0, len(CASES) - 1))
    claims = [None, *(code.code for code in FAMILIES[CASES[case]["visit"]].codes)]
    claimed = draw(st.sampled_from(claims))
    outputs = _outputs(draw(st.sampled_from([case, other])), None)
    piece = outputs[draw(_FIGURES) % len(outputs)]
    if draw(st.booleans()):
        length = min(len(piece), max(LEAST_FRAGMENT_CHARS, draw(st.integers(40, 400))))
        start = draw(_FIGURES) % (len(piece) - length + 1)
        piece = piece[start : start + length]
    if draw(st.booleans()):
        between = draw(BREAKS)
        piece = re.sub(r"\s+", lambda _: between, piece)
    note = CASES[case]["note"]
    at = draw(_FIGURES) % (len(note) + 1)
    return case, claimed, note[:at] + draw(AROUND) + piece + draw(AROUND) + note[at:]


@settings(max_examples=400, deadline=None)
@given(_inserted())
def test_own_output_never_raises_the_level(drawn: tuple[int, str | None, str]) -> None:
    case, claimed, text = drawn
    assert _rank(_judged(case, text, claimed)) <= _rank(_judged(case, claimed=claimed))


@settings(max_examples=400, deadline=None)
@given(_inserted())
def test_a_fragment_is_found_wherever_it_stands(drawn: tuple[int, str | None, str]) -> None:
    assert own_output(drawn[2]) is not None


@pytest.mark.parametrize("case", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_the_whole_report_behind_the_note(case: int) -> None:
    for output in _outputs(case, None):
        for text in (CASES[case]["note"] + "\n\n" + output, output + "\n" + CASES[case]["note"]):
            found = _judged(case, text)
            assert found.supported is None
            assert found.questions
            assert not found.elements


def test_no_case_looks_like_our_own_output() -> None:
    assert [case["name"] for case in CASES if own_output(case["note"])] == []


@pytest.mark.parametrize("name", PHRASES)
def test_every_sentence_gives_itself_away(name: str) -> None:
    values = dict.fromkeys(re.findall(r"\{(\w+)\}", PHRASES[name]), "x")
    assert own_output("Seen today.\n" + phrase(name, **values).upper().replace(" ", "\n")) is not None


def test_what_is_lost_on_the_way_still_gives_it_away() -> None:
    for output in _outputs(0, None)[:4]:
        assert own_output(output.replace(BLANK, "?")) is not None
        assert own_output(output.encode("ascii", "backslashreplace").decode()) is not None
        assert own_output(output.replace(BLANK, "\u200b ")) is not None


def test_marking_twice_changes_nothing() -> None:
    assert marked(marked("a  b\nc")) == marked("a b c") == f"{BLANK}a{BLANK}b{BLANK}c{BLANK}"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400), st.sampled_from(sorted(FAMILIES)))
def test_any_text_is_judged_or_refused_in_words(text: str, visit: str) -> None:
    found = support("x" + text, visit=visit, on=datetime.date(2026, 5, 4))
    assert report(found).startswith(BLANK)
    assert Support.model_validate_json(found.model_dump_json()) == found
