"""Sources that fit by the bound are one part without a question to the engine; others are counted."""

from __future__ import annotations

import asyncio

import pytest

from appliance.clinical.source import Source
from appliance.drafting.chunks import PIECE_TOKENS, whole
from appliance.drafting.prompt import quoted
from appliance.drafting.tokens import bound

TEXT = "Take 400 mg with food. " * 40
SOURCE = Source(id="a", kind="record", text=TEXT)
COST = bound(quoted(TEXT).text) + 1 + PIECE_TOKENS


@pytest.mark.parametrize(("budget", "fits"), [(COST, True), (COST - 1, False), (10, False), (-5, False)])
def test_the_bound_decides_to_the_token(budget: int, fits: bool) -> None:
    part = asyncio.run(whole((SOURCE,), budget=budget))
    assert (part is not None) is fits


def test_the_part_holds_every_character_and_says_that_nobody_counted() -> None:
    part = asyncio.run(whole((SOURCE, Source(id="b", kind="record", text="Two.")), budget=10_000))
    assert part is not None
    assert [(piece.source, piece.start, piece.end) for piece in part.pieces] == [("a", 0, len(TEXT)), ("b", 0, 4)]
    assert not part.exact
