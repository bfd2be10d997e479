"""The property: what the tool itself said, put into a note in any way, never raises the level it reports."""

from __future__ import annotations

import datetime
import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.coding.em import support
from appliance.coding.em_own import own_output
from appliance.coding.em_report import report
from appliance.coding.em_result import Support
from appliance.coding.em_rules import FAMILIES
from appliance.coding.em_words import BLANK, ORDINARY, PHRASES, marked, phrase, tokens
from appliance.coding.own_json import dumped
from appliance.coding.suggestion import Assertion, CodeSystem, Evidence, Suggestion
from appliance.ctl.codes_suggest import lines
from appliance.gateway.routes.own_json import OwnJsonResponse

CASES = json.loads((Path(__file__).parents[3] / "data" / "em" / "cases.json").read_text("utf-8"))
BREAKS = st.sampled_from([" ", "\n", "\n\n", "\t", "\r\n", "  ", "\n    "])
AROUND = st.sampled_from(["", " ", "\n", "\n\n", ". ", "\n- "])
_FIGURES = st.integers(min_value=0, max_value=10**6)


def _judged(case: int, text: str | None = None, claimed: str | None = None) -> Support:
    one = CASES[case]
    note = one["note"] if text is None else text
    return support(note, visit=one["visit"], on=datetime.date.fromisoformat(one["on"]), claimed=claimed)


def _suggestion(code: str, title: str, quote: str, question: str) -> Suggestion:
    return Suggestion(
        code=code, title=title, system=CodeSystem.ICD_10_CM, table_version="2026-04-01", table_digest="0" * 64,
        evidence=(Evidence(start=3, end=3 + len(quote), quote=quote),), assertion=Assertion.PRESENT, confidence=0.93,
        question=question,
    )  # fmt: skip


SUGGESTED = (
    _suggestion("E11.65", "Type 2 diabetes mellitus with hyperglycemia", "uncontrolled type 2 diabetes", ""),
    _suggestion(
        "I50.23", "Acute on chronic systolic (congestive) heart failure", "CHF is worse\ntoday,\twith edema",
        "Is more known of Systolic (congestive) heart failure: acute; chronic; acute on chronic?",
    ),
    _suggestion("N17.9", "Acute kidney failure, unspecified", "acute renal failure, on dialysis since 45 minutes", ""),
)  # fmt: skip


@cache
def _suggested() -> tuple[str, ...]:
    """What `codes suggest` prints, as text and as JSON, and what the gateway answers."""
    held = {"codes": [one.model_dump(mode="json") for one in SUGGESTED], "accepted": ["E11.65"]}
    return ("\n".join(lines(SUGGESTED)), dumped(held, indent=1), OwnJsonResponse(held).body.decode())


@cache
def _outputs(case: int, claimed: str | None) -> tuple[str, ...]:
    found = _judged(case, claimed=claimed)
    held = found.model_dump(mode="json")
    return (
        report(found),
        dumped(held, indent=2),
        OwnJsonResponse(held).body.decode(),
        *report(found).splitlines(),
        *found.missing,
        *found.questions,
    )


def _rank(found: Support) -> int:
    codes = [code.code for code in FAMILIES[found.visit].codes]
    return -1 if found.supported is None else codes.index(found.supported)


def _cut(draw: st.DrawFn, output: str) -> str:
    """Any part of an output in which two words stand that tell it; what is shorter is a clinician's word, too."""
    start = draw(_FIGURES) % len(output)
    end = min(len(output), start + draw(st.integers(2, 60)))
    while end < len(output) and not _telling(output[start:end]):
        end += 1
    return output[start:end] if _telling(output[start:end]) else output


def _telling(piece: str) -> bool:
    """Whether a blank of ours stands in a piece, or two whole words of our sentences that are no ordinary pair.

    The first and the last word may be cut.
    """
    if re.search(rf"{BLANK}|\\u00(?:20|0a|0d|09)", piece):
        return True
    whole = [tokens(word) for word in piece.split()[1:-1]]
    return any(one and two and (one[-1], two[0]) not in ORDINARY for one, two in pairwise(whole))


@st.composite
def _inserted(draw: st.DrawFn) -> tuple[int, str | None, str]:
    """A case, a claim, and its note with a piece of the tool's output about some case in it."""
    case, other = draw(st.integers(0, len(CASES) - 1)), draw(st.integers(0, len(CASES) - 1))
    claims = [None, *(code.code for code in FAMILIES[CASES[case]["visit"]].codes)]
    claimed = draw(st.sampled_from(claims))
    outputs = _outputs(draw(st.sampled_from([case, other])), None)
    if draw(st.booleans()):
        outputs = _suggested()
    piece = outputs[draw(_FIGURES) % len(outputs)]
    if draw(st.booleans()):
        piece = _cut(draw, piece)
    piece = draw(st.sampled_from([str, str.upper, str.lower, str.title]))(piece)
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
