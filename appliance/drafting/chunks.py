"""Cuts sources into parts that fit into the engine's context: each character of each source is in exactly one part."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise

from appliance.clinical.source import Source
from appliance.drafting.errors import ContextError, OrderRefusedError
from appliance.drafting.events import PartPlan, Piece
from appliance.drafting.prompt import quoted, reading_order
from appliance.drafting.tokens import Counter, bound, count

# A block is counted in one request; smaller ones fill a part better, larger ones ask less often.
BLOCK_CHARS = 4_000
# So much is estimated in less time than a thread takes to begin.
_AT_ONCE_CHARS = 20_000
# The line with the fence in front of each piece of a source, as the bound counts it.
PIECE_TOKENS = 60


@dataclass(frozen=True)
class _Block:
    piece: Piece
    tokens: int
    exact: bool


def boundaries(source: Source) -> list[int]:
    """Return where a source may be cut: before each passage's line, or after each line; 0 and the end included.

    What lies between two passages (the speaker's name) belongs to the later one.
    """
    text = source.text
    cuts = {0, len(text)}
    if source.passages:
        cuts.update(text.rfind("\n", 0, passage.start) + 1 for passage in source.passages)
    else:
        at = text.find("\n")
        while at >= 0:
            cuts.add(at + 1)
            at = text.find("\n", at + 1)
    return sorted(cuts)


def _cut(text: str, start: int, end: int, fits: int) -> int:
    """Return where to cut [start, end) so that the first piece is within the bound: by line, sentence, word or hard."""
    low, high = start + 1, end
    while low < high:
        middle = (low + high + 1) // 2
        if _cost(text, start, middle) <= fits:
            low = middle
        else:
            high = middle - 1
    for mark in ("\n", ". ", " "):
        at = text.rfind(mark, start + (low - start) // 2, low)
        if at >= 0:
            return at + len(mark)
    return low


def _pieces(source: Source, fits: int) -> list[Piece]:
    """Cut a source into pieces of at most BLOCK_CHARS and, by the bound, at most `fits` tokens.

    It works from the beginning and looks at nothing behind a piece's end but the next boundary, so a transcript that
    grows keeps the pieces it had, the last one apart.
    """
    text, result, start, used = source.text, [], 0, 0
    limits = boundaries(source)
    for low, high in pairwise(limits):
        cost = _cost(text, low, high)
        if low > start and (high - start > BLOCK_CHARS or used + cost > fits):
            result.append(Piece(source.id, start, low))
            start, used = low, 0
        while high - start > BLOCK_CHARS or used + cost > fits:
            cut = _cut(text, start, min(high, start + BLOCK_CHARS), fits)
            result.append(Piece(source.id, start, cut))
            start, used, cost = cut, 0, _cost(text, cut, high)
        used += cost
    if start < len(text):
        result.append(Piece(source.id, start, len(text)))
    return result


def _cost(text: str, start: int, end: int) -> int:
    return bound(quoted(text[start:end]).text) + 1 if end > start else 0


def _joined(blocks: list[_Block]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for block in blocks:
        piece = block.piece
        if pieces and pieces[-1].source == piece.source and pieces[-1].end == piece.start:
            pieces[-1] = Piece(piece.source, pieces[-1].start, piece.end)
        else:
            pieces.append(piece)
    return tuple(pieces)


async def whole(sources: tuple[Source, ...], *, budget: int) -> PartPlan | None:
    """Return all sources as one part when they fit into `budget` tokens by the bound; None otherwise."""
    ordered = [source for source in reading_order(sources) if source.text]
    # A token has two characters at most by the bound, so what is too long need not be read to be refused.
    if sum(len(source.text) for source in ordered) > 2 * max(0, budget):
        return None
    estimate = await _estimate(ordered)
    if estimate > budget:
        return None
    return PartPlan(0, tuple(Piece(source.id, 0, len(source.text)) for source in ordered), estimate, False)


async def _estimate(sources: list[Source]) -> int:
    def counted() -> int:
        return sum(_cost(source.text, 0, len(source.text)) + PIECE_TOKENS for source in sources)

    if sum(len(source.text) for source in sources) <= _AT_ONCE_CHARS:
        return counted()
    return await asyncio.to_thread(counted)


async def plan(sources: tuple[Source, ...], counter: Counter, *, budget: int, max_parts: int) -> tuple[PartPlan, ...]:
    """Return the parts, in reading order; `budget`: tokens that quoted sources may take in one request.

    Raises ContextError when not even a short piece fits, OrderRefusedError with the numbers for too many parts.
    """
    room = budget - PIECE_TOKENS
    if room < PIECE_TOKENS:
        raise ContextError(
            f"{budget} tokens are left for the sources", hint="ask for a shorter answer, or serve with more context"
        )
    if (part := await whole(sources, budget=budget)) is not None:
        return (part,)
    ordered = [source for source in reading_order(sources) if source.text]
    parts: list[list[_Block]] = [[]]
    used = 0
    for source in ordered:
        for piece in await asyncio.to_thread(_pieces, source, room):
            tokens, exact = await count(counter, quoted(source.text[piece.start : piece.end]).text + "\n")
            known = parts[-1] and parts[-1][-1].piece.source == source.id
            needed = tokens if known else tokens + PIECE_TOKENS
            if parts[-1] and used + needed > budget:
                parts.append([])
                used, needed = 0, tokens + PIECE_TOKENS
            if needed > budget:
                raise ContextError(
                    f"a piece of {piece.end - piece.start} characters has {tokens} tokens, {budget} fit",
                    hint="the engine's tokenizer needs more tokens than bytes: check its /tokenize",
                )
            parts[-1].append(_Block(piece, needed, exact))
            used += needed
    if len(parts) > max_parts:
        chars = sum(len(source.text) for source in ordered)
        tokens = sum(block.tokens for part in parts for block in part)
        raise OrderRefusedError(
            f"the sources ({chars:,} characters, about {tokens:,} tokens) need {len(parts)} parts of "
            f"{budget:,} tokens; "
            f"at most {max_parts} are drafted",
            hint="choose the years or kinds of entries that matter, or serve with more context",
            code="too_many_parts",
        )
    return tuple(
        PartPlan(index, _joined(blocks), sum(block.tokens for block in blocks), all(block.exact for block in blocks))
        for index, blocks in enumerate(parts)
    )
