"""Names that are known to occur in an encounter: found in any case, alone, possessive, and slightly misheard."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rapidfuzz.distance import DamerauLevenshtein

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import CERTAIN, LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.name_class import NameWords, Weight

_PART = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SHORTEST_MISHEARD = 5
_ADDRESSED = around("known.addressed")


class KnownNameRecogniser(ReadingRecogniser):
    """The parts of the names that the caller gave."""

    kinds = (IdentifierKind.NAME,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._lists = classes.words
        self._classes = classes

    def find(self, reading: Reading) -> Iterator[Found]:
        """Every mention of a part; words such as "will" only where they stand like a name."""
        skipped = self._lists.titles | self._lists.credentials
        parts = {
            part.lower().replace("’", "'")
            for name in reading.known_names
            for part in _PART.findall(name)
            if part.lower() not in skipped and len(part) > 1
        }
        parts |= {piece for part in parts if "-" in part for piece in part.split("-") if len(piece) > 2}
        if not parts:
            return
        words = reading.words
        first = {part[0] for part in parts}
        for at, word in enumerate(words):
            own = word.low in parts or word.text.lower().replace("’", "'") in parts
            if own and self._stands_as_name(words, at, parts):
                yield Found(word.start, word.end, IdentifierKind.NAME, CERTAIN)
            elif not own and word.low[0] in first and self._misheard(words, at, parts):
                yield Found(word.start, word.end, IdentifierKind.NAME, LIKELY)

    def _stands_as_name(self, words: list[Word], at: int, parts: set[str]) -> bool:
        word = words[at]
        if self._classes.clinical(words, at) and not (at and words[at - 1].low in parts | self._lists.titles):
            return False
        if word.low not in self._lists.not_a_name and len(word.low) > 2:
            return True
        near = [words[index].low for index in (at - 1, at + 1) if 0 <= index < len(words)]
        return (word.capital and not word.opens) or bool(parts.intersection(near)) or (at > 0 and near[0] in _ADDRESSED)

    def _misheard(self, words: list[Word], at: int, parts: set[str]) -> bool:
        """Whether it is one of the names up to one letter, and no other word that we know."""
        low = words[at].low
        if len(low) < _SHORTEST_MISHEARD or self._classes.weight(low) <= Weight.ORDINARY:
            return False
        addressed = at > 0 and words[at - 1].low in _ADDRESSED | parts
        named = words[at].capital and not words[at].opens
        allowed = 2 if addressed and len(low) > _SHORTEST_MISHEARD else 1
        if not (addressed or named or self._classes.weight(low) >= Weight.SURNAME):
            return False
        return any(
            len(part) >= _SHORTEST_MISHEARD - 1
            and DamerauLevenshtein.distance(low, part, score_cutoff=allowed) <= allowed
            for part in parts
        )
