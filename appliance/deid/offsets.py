"""Places of a text and of what was made of it, one from the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from appliance.deid.mapping import Piece


class Offsets:
    """Translates places over the pieces of one text. A place inside of an identifier becomes the identifier's start."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._made = [(piece.start, piece.end) for piece in pieces]
        self._original: list[tuple[int, int]] = []
        shift = 0
        for piece in pieces:
            start = piece.start + shift
            self._original.append((start, start + len(piece.original)))
            shift += len(piece.original) - (piece.end - piece.start)

    def to_made(self, at: int) -> int:
        """Return where a place of the original lies in the text that was made."""
        return _over(at, self._original, self._made)

    def to_original(self, at: int) -> int:
        """Return where a place of the text that was made lies in the original."""
        return _over(at, self._made, self._original)


def _over(at: int, here: list[tuple[int, int]], there: list[tuple[int, int]]) -> int:
    number = bisect_right(here, (at, -1)) - 1
    # bisect finds the last that starts before `at`; one that starts exactly there is entered as well.
    if number + 1 < len(here) and here[number + 1][0] == at:
        return there[number + 1][0]
    if number < 0:
        return at
    if at < here[number][1]:
        return there[number][0]
    return there[number][1] + at - here[number][1]
