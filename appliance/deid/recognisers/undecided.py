"""Capitalised words that no list knows: the entity model says whether they are people or places."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.model import Entity, EntityModel
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_context import AFTER_A_NAME

_LABELS = {"PERSON": IdentifierKind.NAME, "GPE": IdentifierKind.PLACE, "FAC": IdentifierKind.FACILITY}
_BEFORE_A_DRUG = around("undecided.before_a_drug")
_BEHIND_A_DRUG = around("undecided.behind_a_drug")
_TOWARDS = around("undecided.towards")


class UndecidedRecogniser(ReadingRecogniser):
    """Runs the model where a capitalised word in the middle of a sentence is in no list."""

    kinds = (IdentifierKind.NAME, IdentifierKind.PLACE, IdentifierKind.FACILITY)

    def __init__(self, classes: NameWords, model: EntityModel) -> None:
        super().__init__()
        self._lists = classes.words
        self._classes = classes
        self._model = model

    def find(self, reading: Reading) -> Iterator[Found]:
        """Entities of the undecided sentences, less what the lists know to be clinical."""
        if not reading.capitals:
            return
        words = reading.words
        yield from self._pairs(words)
        spans = self._undecided(reading, words)
        if not spans:
            return
        at = {word.start: index for index, word in enumerate(words)}
        for entity in self._model.entities(reading.text, spans):
            kind = _LABELS.get(entity.label)
            found = kind and self._accepted(reading, words, at, entity, kind)
            if found:
                yield found

    def _pairs(self, words: list[Word]) -> Iterator[Found]:
        """Names that no list knows: two capitalised words of no list together, with initials between them."""
        at = 0
        while at < len(words):
            end = at
            strange = parts = 0
            while end < len(words) and (end == at or words[end].gap in (" ", ". ")) and words[end].capital:
                weight = self._classes.weight(words[end].low)
                if len(words[end].text) > 1:
                    if weight <= Weight.ORDINARY or words[end].text.isupper() or self._classes.clinical(words, end):
                        break
                    if end > at and words[end].gap == ". " and len(words[end - 1].text) > 1:
                        break
                    strange += weight == Weight.UNKNOWN and len(words[end].text) > 2
                    parts += 1
                end += 1
            scanned = end
            while end > at and len(words[end - 1].text) == 1:
                end -= 1
            foreign = end - at == 1 and strange and not words[at].text.isascii() and not words[at].text.isupper()
            if (parts > 1 and strange) or foreign:
                yield Found(words[at].start, words[end - 1].end, IdentifierKind.NAME, POSSIBLE)
            at = max(scanned, at + 1)

    def _undecided(self, reading: Reading, words: list[Word]) -> list[tuple[int, int]]:
        places = [word.start for at, word in enumerate(words) if self._candidate(words, at)]
        spans = []
        index = 0
        for start, end in reading.sentences():
            while index < len(places) and places[index] < start:
                index += 1
            if index < len(places) and places[index] < end:
                spans.append((start, end))
        return spans

    def _candidate(self, words: list[Word], at: int) -> bool:
        word = words[at]
        if not word.capital or len(word.text) < 3 or word.text.isupper() or word.low in STATES_AND_COUNTRIES:
            return False
        weight = self._classes.weight(word.low)
        if weight not in (Weight.UNKNOWN, Weight.WORD_SURNAME) or self._classes.clinical(words, at):
            return False
        if word.low in self._lists.eponyms or word.low in self._lists.large_places or word.low in self._lists.places:
            return False
        beside = (
            at + 1 < len(words) and words[at + 1].capital and len(words[at + 1].text) > 1 and words[at + 1].gap == " "
        )
        subject = at + 1 < len(words) and words[at + 1].low in AFTER_A_NAME and words[at + 1].gap == " "
        return not word.opens or beside or subject

    def _accepted(
        self, reading: Reading, words: list[Word], places: dict[int, int], entity: Entity, kind: IdentifierKind
    ) -> Found | None:
        inside = []
        start = entity.start
        first = places.get(start)
        if first is None:
            return None
        for word in words[first:]:
            if word.start >= entity.end:
                break
            inside.append(word)
        while inside and self._classes.weight(inside[0].low) <= Weight.ORDINARY:
            inside.pop(0)
        while inside and self._classes.weight(inside[-1].low) <= Weight.ORDINARY:
            inside.pop()
        if not inside or any(word.low in self._classes.fixed_terms for word in inside):
            return None
        if (
            not (inside[0].capital and inside[-1].capital)
            or all(word.text.isupper() for word in inside)
            or any(not word.capital and len(word.low) > 3 for word in inside)
        ):
            return None
        if any(word.low in STATES_AND_COUNTRIES for word in inside) or self._classes.clinical(
            words, words.index(inside[-1])
        ):
            return None
        if any(character.isdigit() for character in reading.text[inside[0].start : inside[-1].end]):
            return None
        at = places[inside[0].start]
        if len(inside) == 1 and not self._single(words, at, kind):
            return None
        return Found(inside[0].start, inside[-1].end, kind, POSSIBLE)

    def _single(self, words: list[Word], at: int, kind: IdentifierKind) -> bool:
        """Whether one unknown word stands like a person or a place, and not like a drug, a germ or a brand."""
        if words[at].opens and not (at + 1 < len(words) and words[at + 1].low in AFTER_A_NAME):
            return False
        before = words[at - 1].low if at and words[at].gap in (" ", "  ") else ""
        behind = words[at + 1] if at + 1 < len(words) and words[at + 1].gap == " " else None
        if kind is IdentifierKind.PLACE:
            return before in _TOWARDS
        if before in _BEFORE_A_DRUG or (behind is not None and behind.low in _BEHIND_A_DRUG):
            return False
        # Escherichia coli: a species in lower case behind its genus.
        return behind is None or behind.capital or self._classes.weight(behind.low) != Weight.UNKNOWN
