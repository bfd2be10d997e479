"""How a text holds a mention: on the sentences it was developed on, on those it was not, and on what breaks rules."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clinical.source import Passage, Speaker
from appliance.coding.assertion import StatusReader
from appliance.coding.suggestion import Assertion

DATA = Path(__file__).resolve().parents[3] / "data" / "coding"


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def held(text: str, mention: str) -> Assertion:
    start = text.index(mention)
    return StatusReader(text).assertion(start, start + len(mention))


@pytest.mark.parametrize("row", rows("assertions_dev.jsonl"), ids=lambda row: f"{row['mention']}: {row['text'][:40]}")
def test_every_development_sentence_is_read_rightly(row: dict[str, str]) -> None:
    assert held(row["text"], row["mention"]) == row["assertion"]


def test_sentences_that_no_rule_was_made_for() -> None:
    """Held out: written before it was measured. A change to the rules must not cost more than one row in twenty."""
    right, asked = Counter[str](), Counter[str]()
    for row in rows("assertions_heldout.jsonl"):
        asked[row["assertion"]] += 1
        right[row["assertion"]] += held(row["text"], row["mention"]) == row["assertion"]
    assert sum(right.values()) / sum(asked.values()) >= 0.95
    assert all(right[status] / asked[status] >= 0.9 for status in asked)


def test_who_speaks_may_be_known_instead_of_tagged() -> None:
    text = "any fever\nno\n"
    turns = (Passage(start=0, end=9, speaker=Speaker.CLINICIAN), Passage(start=10, end=12, speaker=Speaker.PATIENT))
    assert StatusReader(text, turns).assertion(4, 9) is Assertion.NEGATED


def test_an_unanswered_question_states_nothing() -> None:
    text = "[doctor] any chest pain ?\n[patient] what time is it ?\n[doctor] ten .\n[patient] thanks ."
    assert held(text, "chest pain") is Assertion.HYPOTHETICAL


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 3), (0, 99)])
def test_a_place_outside_of_the_text_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no place of the text"):
        StatusReader("No fever.").assertion(start, end)


def test_a_text_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="characters"):
        StatusReader("a " * 1_300_000)


@given(
    st.text(alphabet=" abNno.,;:?!/\n-*#[]()\u0130\ufb01\U0001f600", min_size=1, max_size=200),
    st.integers(0),
    st.integers(1, 30),
)
def test_any_text_and_place_has_a_status(text: str, at: int, length: int) -> None:
    start = at % len(text)
    assert StatusReader(text).assertion(start, min(len(text), start + length)) in Assertion


@pytest.mark.parametrize(
    "unit", ["no ", "FH: ", "x\n", "and,\n", "a: ", "if no history of possible ", "[doctor] any ?\n[patient] no\n"]
)
def test_hostile_texts_stay_linear(unit: str) -> None:
    """Without a full stop, all headers, all denials: the cost of a place does not grow with the text around it."""
    text = (unit * 100_000)[:100_000]
    began = time.process_time()
    reader = StatusReader(text)
    for start in range(0, len(text) - 1, 997):
        reader.assertion(start, start + 1)
    assert time.process_time() - began < 10
