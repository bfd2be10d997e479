"""Numbers, addresses and the like that are known to belong to somebody: found wherever they stand, however spaced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from appliance.deid.deidentify import checked
from appliance.deid.identifier import Detector, Identifier, IdentifierKind
from appliance.deid.lexicon import words

SOURCE = "known"
_RUN = re.compile(r"[^\W_]+")
_MIN_CHARS = 5
"""A shorter number might be a dose, a reading, a room."""
_MIN_WORDS_CHARS = 8
_MIN_WORD_CHARS = 4
_BETWEEN = frozenset(" ().-/,#:@_+\t\n")
_MAX_BETWEEN = 3


@dataclass(frozen=True, slots=True)
class Value:
    """Something that identifies, as its source writes it."""

    kind: IdentifierKind
    text: str


def is_telling(value: str) -> bool:
    """Whether a value is long enough to be looked for: five letters and digits with a digit, or eight in two words.

    A single word (a town) counts from four letters on, and is looked for as it is written, with its capital.
    """
    runs = _RUN.findall(value)
    chars = sum(map(len, runs))
    if any(letter.isdigit() for run in runs for letter in run):
        return chars >= _MIN_CHARS
    if len(runs) == 1:
        return len(runs[0]) >= _MIN_WORD_CHARS and runs[0][0].isupper()
    return chars >= _MIN_WORDS_CHARS


def _is_word(low: str) -> bool:
    lists = words()
    plain = {low.removesuffix(ending) for ending in ("", "s", "ed", "ing")}
    return low in lists.not_a_name or low in lists.ordinary_places or not plain.isdisjoint(lists.ordinary)


def _folded(run: str) -> str:
    low = run.lower()
    return low if len(low) == len(run) else run


class KnownValues:
    """A detector that finds given values beside what another one finds; see `appliance.deid.identifier.Detector`."""

    def __init__(self, detector: Detector, values: Iterable[Value]) -> None:
        self._detector = detector
        self._whole: dict[str, IdentifierKind] = {}
        self._words: dict[str, IdentifierKind] = {}
        self._of_words: set[str] = set()
        """Names such as Primary Care: what they say is meant where it has no capital."""
        for value in values:
            if not is_telling(value.text):
                continue
            runs = _RUN.findall(value.text)
            if len(runs) == 1 and runs[0].isalpha():
                # A town called Reading would hide the glasses of that name: such towns need their context.
                if not _is_word(runs[0].lower()):
                    self._words.setdefault(runs[0], value.kind)
            else:
                whole = "".join(map(_folded, runs))
                self._whole.setdefault(whole, value.kind)
                if all(run.isalpha() and _is_word(run.lower()) for run in runs):
                    self._of_words.add(whole)

    def find(self, text: str, *, known_names: Sequence[str] = ()) -> tuple[Identifier, ...]:
        """What the other detector finds, and the known values; what overlaps is one."""
        found = self._detector.find(text, known_names=known_names)
        if not self._whole and not self._words:
            return found
        return checked((*found, *self._known(text)), text)

    def _known(self, text: str) -> Iterator[Identifier]:
        places: list[int] = []
        folded: list[str] = []
        for match in _RUN.finditer(text):
            run = match[0]
            if (kind := self._words.get(run)) is not None:
                yield Identifier(match.start(), match.end(), kind, SOURCE, 1.0)
            folded.append(_folded(run))
            places.extend(range(match.start(), match.end()))
        letters = "".join(folded)
        for value, kind in self._whole.items():
            at = letters.find(value)
            while at >= 0:
                start, end = places[at], places[at + len(value) - 1] + 1
                is_name = value not in self._of_words or text[start].isupper()
                if is_name and _is_alone(text, start, end) and _is_together(text, places[at : at + len(value)]):
                    yield Identifier(start, end, kind, SOURCE, 1.0)
                at = letters.find(value, at + 1)


def _is_alone(text: str, start: int, end: int) -> bool:
    return not (start and text[start - 1].isalnum()) and not text[end : end + 1].isalnum()


def _is_together(text: str, places: Sequence[int]) -> bool:
    """Whether little lies between the letters, and only what separates the parts of a number or an address."""
    for one, after in pairwise(places):
        if after - one > 1 and (after - one - 1 > _MAX_BETWEEN or not _BETWEEN.issuperset(text[one + 1 : after])):
            return False
    return True
