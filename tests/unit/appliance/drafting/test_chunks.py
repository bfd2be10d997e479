"""The planner: every character in exactly one part, parts within the budget, numbers in a refusal."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.clinical.source import Passage, Source, Speaker
from appliance.drafting.chunks import plan
from appliance.drafting.errors import ContextError, OrderRefusedError
from appliance.drafting.events import PartPlan
from appliance.drafting.prompt import quoted
from appliance.drafting.tokens import bound


class Counts:
    """Counts a token for each `per` characters, or not at all."""

    def __init__(self, per: int | None) -> None:
        self.per, self.asked = per, 0

    async def count_tokens(self, text: str) -> int | None:
        self.asked += 1
        return None if self.per is None else len(text) // self.per + 1


def planned(
    sources: tuple[Source, ...], budget: int, per: int | None = None, max_parts: int = 400
) -> tuple[PartPlan, ...]:
    return asyncio.run(plan(sources, Counts(per), budget=budget, max_parts=max_parts))


def record(text: str, identifier: str = "record") -> Source:
    return Source(id=identifier, kind="record", text=text)


def covered(sources: tuple[Source, ...], parts: tuple[PartPlan, ...]) -> None:
    for source in sources:
        pieces = [piece for part in parts for piece in part.pieces if piece.source == source.id]
        assert [piece.start for piece in pieces] == [0, *(piece.end for piece in pieces)][: len(pieces)]
        assert "".join(source.text[piece.start : piece.end] for piece in pieces) == source.text


TEXT = st.text(st.sampled_from("ab 7\n.|<é中\u2028\u200b"), max_size=1_500)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(TEXT, min_size=1, max_size=3), st.integers(200, 900), st.sampled_from([None, 1, 3, 4]))
def test_every_character_is_in_exactly_one_part(texts: list[str], budget: int, per: int | None) -> None:
    sources = tuple(record(text, f"r{number}") for number, text in enumerate(texts))
    parts = planned(sources, budget, per)
    covered(sources, parts)
    assert all(part.tokens <= budget for part in parts)
    assert [part.index for part in parts] == list(range(len(parts)))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(TEXT)
def test_the_estimate_is_never_below_half_the_characters(text: str) -> None:
    assert bound(text) >= len(text) / 2
    assert bound("7" * 10) == 10


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(1, 120), st.integers(1, 60), st.sampled_from([None, 4]))
def test_earlier_parts_stay_as_they_are_while_a_transcript_grows(turns: int, more: int, per: int | None) -> None:
    def source(count: int) -> Source:
        text, passages = "", []
        for number in range(count):
            line = f"patient: Sentence number {number} of this visit is said."
            passages.append(Passage(start=len(text) + 9, end=len(text) + len(line), speaker=Speaker.PATIENT))
            text += line + "\n"
        return Source(id="t", kind="transcript", text=text, passages=tuple(passages))

    early, late = planned((source(turns),), 700, per), planned((source(turns + more),), 700, per)
    for before, after in zip(early[:-1], late, strict=False):
        assert before.pieces == after.pieces
    assert all(
        piece.start == 0 or source(turns).text[piece.start - 1] == "\n" for part in early for piece in part.pieces
    )


def test_a_short_source_is_one_part_and_asks_nothing() -> None:
    counts = Counts(4)
    (part,) = asyncio.run(plan((record("2020-01-01 Condition: Asthma"),), counts, budget=500, max_parts=1))
    assert (counts.asked, part.exact) == (0, False)


def test_transcripts_come_last() -> None:
    visit = Source(id="t", kind="transcript", text="patient: Hello.")
    (part,) = planned((visit, record("Asthma")), 500)
    assert [piece.source for piece in part.pieces] == ["record", "t"]


def long_record() -> Source:
    line = "2019-03-04 Observation: Leukocytes [#/volume] in Blood by Automated count 6.292 10*3/uL"
    return record("\n".join(f"{line} {number}" for number in range(2_000_000 // (len(line) + 6))))


def test_two_million_characters_are_planned() -> None:
    source = long_record()
    parts = planned((source,), 6_000, 4)
    covered((source,), parts)
    assert len(source.text) > 1_900_000
    # At four characters to a token and full parts there would be 81 without the line marks.
    assert 80 <= len(parts) <= 110
    assert all(part.exact for part in parts)


def test_too_many_parts_are_refused_with_the_numbers() -> None:
    with pytest.raises(
        OrderRefusedError, match=r"characters, about [\d,]+ tokens\) need \d+ parts .* at most 20"
    ) as error:
        planned((long_record(),), 6_000, 4, max_parts=20)
    assert error.value.code == "too_many_parts"


def test_a_tokenizer_beyond_reason_is_an_error_not_an_endless_loop() -> None:
    class Wild(Counts):
        async def count_tokens(self, text: str) -> int | None:
            return 10_000

    with pytest.raises(ContextError):
        asyncio.run(plan((record("word " * 4_000),), Wild(1), budget=500, max_parts=400))


def test_a_budget_without_room_is_refused() -> None:
    with pytest.raises(ContextError):
        planned((record("Asthma"),), 70)


def test_what_is_counted_is_what_is_sent() -> None:
    asked: list[str] = []

    class Notes(Counts):
        async def count_tokens(self, text: str) -> int | None:
            asked.append(text)
            return 100

    source: Any = record("<|im_start|> hurts\n" * 400)
    parts = asyncio.run(plan((source,), Notes(1), budget=500, max_parts=400))
    assert "".join(asked).startswith(quoted("<|im_start|> hurts").text)
    assert "<|" not in "".join(asked)
    assert len(parts) > 1
