"""What a text looks like when it has its identifiers back, and what of it could not be brought back."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum

from appliance.deid.identifier import IdentifierKind as Kind


class Reason(StrEnum):
    """Why a place of a text could not be brought back."""

    AMBIGUOUS = "ambiguous"
    """It stands for more than one thing, or stood in the texts by itself as well."""
    SURROGATE = "surrogate"
    """It is made as surrogates are, but it is none of this mapping."""
    NEAR = "near"
    """It is one letter from a surrogate."""
    PART = "part"
    """It is a part of a surrogate that means nothing alone."""
    DATE = "date"
    """A date that was not in the texts: somebody worked it out or made it up."""
    UNKNOWN = "unknown"
    """An identifier that was not in the texts."""


WHY = {
    Reason.AMBIGUOUS: "it stands for more than one thing, or stood in the texts by itself as well",
    Reason.SURROGATE: "it is made as surrogates are, and is none of this mapping",
    Reason.NEAR: "it is one letter from a surrogate",
    Reason.PART: "it is a part of a surrogate that means nothing alone",
    Reason.DATE: "no text had this date: somebody worked it out or made it up",
    Reason.UNKNOWN: "no text had it: somebody added it",
}
"""Each reason in words, for a terminal."""


@dataclass(frozen=True)
class Leftover:
    """A place [start, end) of the restored text that somebody must look at. It holds no text."""

    start: int
    end: int
    kind: Kind
    reason: Reason


@dataclass(frozen=True)
class Restored:
    """A text with its identifiers.

    Args:
        text: The text.
        exact: It is, character by character, what was de-identified.
        replaced: How many places were put back.
        leftovers: What was left as it was. Empty: nothing was found that could not be put back.
    """

    text: str
    exact: bool
    replaced: int
    leftovers: tuple[Leftover, ...] = ()


@dataclass(frozen=True)
class Edit:
    """A place [start, end) of a text that came back. `new` None: it is reported instead, for `reason`."""

    start: int
    end: int
    kind: Kind
    new: str | None = None
    reason: Reason = Reason.AMBIGUOUS


class Edits:
    """Places of one text, none overlapping another: who comes first has it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._kept: list[Edit] = []

    def is_free(self, start: int, end: int) -> bool:
        """Whether nobody has a place yet."""
        at = self._index(start)
        before = at == 0 or self._kept[at - 1].end <= start
        return before and (at == len(self._kept) or self._kept[at].start >= end)

    def add(self, edit: Edit) -> None:
        """Take a place if it is free."""
        if self.is_free(edit.start, edit.end):
            self._kept.insert(self._index(edit.start), edit)

    def at(self, start: int, end: int) -> Edit | None:
        """Return what was put back at exactly a place."""
        at = self._index(start)
        one = self._kept[at] if at < len(self._kept) else None
        return one if one is not None and (one.start, one.end) == (start, end) and one.new is not None else None

    def _index(self, start: int) -> int:
        return bisect_left(self._kept, start, key=lambda one: one.start)

    def done(self) -> Restored:
        """Return the text with all of them."""
        out: list[str] = []
        leftovers: list[Leftover] = []
        at = length = replaced = 0
        for one in self._kept:
            new = self.text[one.start : one.end] if one.new is None else one.new
            out += [self.text[at : one.start], new]
            length += one.start - at
            if one.new is None:
                leftovers.append(Leftover(length, length + len(new), one.kind, one.reason))
            else:
                replaced += 1
            length += len(new)
            at = one.end
        return Restored("".join((*out, self.text[at:])), False, replaced, tuple(leftovers))
