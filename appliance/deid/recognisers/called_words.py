"""Words of English that a text uses as somebody's name: told by all their mentions together.

One mention of "cook" or "fern" seldom says what it is. Somebody who is named once where only a person can stand ("fern
drove me", "Dr. Cook") is meant by the other mentions too, unless the text uses the word as a word as well ("the fern",
"to cook"). Two mentions where a thing would have an article weigh as much as one such place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.known_words import is_name_cased
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_context import MODAL_NAMES
from appliance.deid.recognisers.said_words import SaidWords

_SHORTEST = 3
_KEPT = around("unlisted.kept")
_PERSON_VERBS = around("called.person_verbs")
_DONE_TO_THINGS = around("called.done_to_things")
"""Participles as well: "Cast removed", "Gross dictated by"."""
_COMMON_VERBS = around("called.common_verbs")
_OPENERS = around("called.openers")
_DETERMINERS = around("called.determiners")
_BEFORE_A_VERB = around("called.before_a_verb")
_TOLD = around("called.told")
_ASKED = around("called.asked")
_ASKED_AFTER = around("called.asked_after")
_TOLD_AFTER = around("called.told_after")
_WHOM = around("called.whom")
_WHOM_AFTER = around("called.whom_after")
_HAILED = around("called.hailed")
_HAILED_AFTER = around("called.hailed_after")
_OWNERS = around("called.owners")
_SPOKEN_TO = around("called.spoken_to")
_BEFORE_A_PAIR = around("called.before_a_pair")
_BEHIND_A_PAIR = around("called.behind_a_pair")
_NOT_ALONE = around("unlisted.not_with")
_ACTS = around("called.acts")
"""What somebody will do, and a thing will not: call, arrange."""
_MODALS = frozenset(("will", "can", "could", "should", "would"))
_BEFORE_AN_ACT = _MODALS | {"to", "cannot"}
_BREAKS = frozenset(".?!,:;]\n(|")
_BOTH = frozenset(("and", "or"))
_SELF = frozenset(("i", "me", "him", "us", "my", "she", "he", "we"))


class _Use(Enum):
    """What one mention says about a word."""

    WORD = "used as a word"
    SURE = "only a person can stand here"
    ACTS = "somebody acts here, or a thing that has no article"
    MAYBE = "a thing would have an article here"
    OPEN = "says nothing"


class CalledWordRecogniser(ReadingRecogniser):
    """Names that are words, by all that a text does with them."""

    kinds = (IdentifierKind.NAME,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        lists = self._lists = classes.words
        said = SaidWords(classes)
        plain = lists.titles | lists.relatives | lists.credentials | STATES_AND_COUNTRIES | lists.always_clinical
        plain |= lists.not_a_name | lists.clinical | _KEPT | MODAL_NAMES
        plain |= lists.nations | around("called.no_person")
        listed = lists.surname_words | lists.given_words
        self._rare = frozenset(word for word in said.anywhere & listed if len(word) >= _SHORTEST)
        self._words = frozenset(word for word in listed - plain if len(word) >= _SHORTEST) | self._rare
        self._given = lists.given_words - _NOT_ALONE
        self._bodily = lists.heads | lists.structures

    def find(self, reading: Reading) -> Iterator[Found]:
        """Every mention of a word that the text uses for somebody."""
        words = reading.words
        mentions: dict[str, list[int]] = {}
        for at, word in enumerate(words):
            if word.low in self._words:
                mentions.setdefault(word.low, []).append(at)
        named = {at for low, places in mentions.items() for at in self._named(reading, low, places)}
        for at in named:
            first = at - 1 if at and self._belongs(words, at - 1, at, named) else at
            last = at + 1 if at + 1 < len(words) and self._belongs(words, at + 1, at, named) else at
            yield Found(words[first].start, words[last].end, IdentifierKind.NAME, POSSIBLE)

    def _belongs(self, words: Sequence[Word], other: int, at: int, named: set[int]) -> bool:
        """Whether the word beside a name is part of it: "ebony" of "ebony duck"."""
        if words[max(other, at)].gap != " " or words[other].capital != words[at].capital:
            return False
        return other in named or (
            self._classes.weight(words[other].low) >= Weight.SURNAME and not self._classes.clinical(words, other)
        )

    def _named(self, reading: Reading, low: str, places: Sequence[int]) -> list[int]:
        """The mentions that are somebody."""
        words = reading.words
        uses = {at: self._use(reading, words, at) for at in places}
        sure = [at for at, use in uses.items() if use is _Use.SURE]
        acts = any(use is _Use.ACTS for use in uses.values())
        maybe = [at for at, use in uses.items() if use in (_Use.MAYBE, _Use.ACTS)]
        plain = sum(use is _Use.WORD for use in uses.values())
        if plain:
            return sure if len(sure) > plain or low in self._rare else []
        alone = acts and low in self._given
        if sure or ((alone or len(maybe) > 1) and low not in self._bodily):
            return list(uses)
        return []

    def _use(self, reading: Reading, words: Sequence[Word], at: int) -> _Use:
        word = words[at]
        if self._classes.clinical(words, at) or (word.text.isupper() and reading.capitals):
            return _Use.OPEN if word.text.isupper() else _Use.WORD
        if word.capital and reading.capitals:
            return self._written(words, at, spoken=reading.spoken)
        return self._said(words, at) if reading.spoken else _Use.WORD

    def _written(self, words: Sequence[Word], at: int, *, spoken: bool) -> _Use:
        """A mention with a capital, in a text that has capitals."""
        word = words[at]
        before = words[at - 1] if at else None
        beside = _beside(words, at)
        if not is_name_cased(word.text):
            return _Use.OPEN
        heading = beside is not None and beside.capital and self._classes.weight(beside.low) <= Weight.ORDINARY
        if heading or (beside is not None and not beside.capital and beside.low in self._lists.heads):
            return _Use.OPEN
        if before is not None and word.gap == " " and before.low in _DETERMINERS and not before.capital:
            return _Use.OPEN
        inside = before is not None and not word.opens and word.gap == " "
        if inside and before is not None and before.text.islower():
            return _Use.OPEN if word.low in self._lists.eponyms else _Use.SURE
        if before is not None and word.gap == " " and before.low in self._lists.titles:
            return _Use.SURE
        if beside is None or beside.capital:
            return _Use.OPEN
        if beside.low in _DONE_TO_THINGS and word.low not in self._rare:
            return _Use.OPEN
        if beside.low in _BEFORE_AN_ACT and _then(words, at + 1, _ACTS) and word.low not in self._bodily:
            return _Use.SURE
        if beside.low in _PERSON_VERBS or (spoken and beside.low in _COMMON_VERBS):
            return _Use.SURE
        if word.low in self._rare and not self._classes.is_ordinary(word.low):
            return _Use.SURE
        return _Use.MAYBE if beside.low in _COMMON_VERBS or beside.low == "to" else _Use.OPEN

    def _said(self, words: Sequence[Word], at: int) -> _Use:
        """A mention in speech without capitals."""
        word = words[at]
        before = words[at - 1] if at and not _BREAKS.intersection(word.gap) else None
        beside = _beside(words, at)
        first = before is None or before.low in _OPENERS
        ends = beside is None
        if before is not None and (before.low in _DETERMINERS or before.low.isdigit()):
            return _Use.WORD
        if before is not None and before.low in _BEFORE_A_VERB:
            return _Use.WORD
        if before is not None and before.low in self._lists.titles and before.low != "miss":
            return _Use.SURE
        if self._in_pair(words, at) or self._is_person(words, at, before, beside, first=first):
            return _Use.SURE
        if first and beside is not None and beside.low in _COMMON_VERBS:
            return _Use.ACTS
        if before is not None and before.low in _WHOM and (ends or (beside is not None and beside.low in _WHOM_AFTER)):
            return _Use.MAYBE
        owns = beside is not None and beside.low == "s" and beside.gap in ("'", "’", " '", " ’")
        if (owns or word.text.endswith(("'s", "’s"))) and (first or before is not None):
            return _Use.MAYBE
        return _Use.MAYBE if before is None and ends and self._pauses(words, at) else _Use.OPEN

    def _is_person(
        self, words: Sequence[Word], at: int, before: Word | None, beside: Word | None, *, first: bool
    ) -> bool:
        """Whether only somebody can stand here."""
        after = words[at + 2] if at + 2 < len(words) and words[at + 2].gap == " " else None
        if first and beside is not None:
            if beside.low in _PERSON_VERBS or (beside.low in _MODALS and _then(words, at + 1, _ACTS)):
                return True
            if beside.low == "and" and after is not None and after.low in _SELF:
                return True
            if beside.low in ("is", "was") and after is not None and after.low in _OWNERS:
                return at + 3 < len(words) and words[at + 3].low in self._lists.relatives
        if before is not None:
            if before.low in _TOLD and (beside is None or beside.low in _TOLD_AFTER):
                return True
            if before.low in _ASKED and beside is not None and beside.low in _ASKED_AFTER:
                return True
            if before.low == "and" and at > 1 and words[at - 2].low in ("me", "him", "her", "i"):
                return beside is None or beside.low in _COMMON_VERBS | _PERSON_VERBS | _WHOM_AFTER
            if before.low in _HAILED and (beside is None or beside.low in _HAILED_AFTER):
                return True
            if before.low in self._lists.relatives and at > 1 and words[at - 2].low in _OWNERS:
                return beside is None or beside.low in _COMMON_VERBS | _PERSON_VERBS | _WHOM_AFTER
        following = words[at + 1] if at + 1 < len(words) else None
        if following is not None and following.gap.strip() == ",":
            behind = words[at + 2] if at + 2 < len(words) else None
            if behind is not None and following.low in _OWNERS:
                return behind.low in self._lists.relatives or behind.low in ("youngest", "oldest", "middle", "neighbor")
            if before is None and words[at].gap.strip()[-1:] in ("]", ".", "?", "!", ":"):
                return following.low in _SPOKEN_TO
        return False

    def _in_pair(self, words: Sequence[Word], at: int) -> bool:
        """Whether it and the word beside it are a full name by themselves: "[nurse] ebony duck ?"."""
        for first in (at - 1, at):
            last = first + 1
            if first < 0 or last == len(words) or words[last].gap != " ":
                continue
            if not all(self._is_listed(words[index].low) for index in (first, last)):
                continue
            if self._classes.clinical(words, first) or self._classes.clinical(words, last):
                continue
            before = words[first - 1] if first and not _BREAKS.intersection(words[first].gap) else None
            following = _beside(words, last)
            opened = before is None or before.low in _BEFORE_A_PAIR
            if opened and (following is None or following.low in _BEHIND_A_PAIR):
                return before is not None or following is None
        return False

    def _is_listed(self, low: str) -> bool:
        return low in self._words or self._classes.weight(low) >= Weight.SURNAME

    def _pauses(self, words: Sequence[Word], at: int) -> bool:
        """Whether pauses stand on both sides, and somebody is spoken to or listed there."""
        return words[at].gap.strip()[-1:] in ("]", ",") and words[at].behind.strip()[:1] in (",", "?")


def _then(words: Sequence[Word], at: int, wanted: frozenset[str]) -> bool:
    """Whether the word behind the one at `at` is one of `wanted`, with nothing but a blank between."""
    following = words[at + 1] if at + 1 < len(words) else None
    return following is not None and following.gap == " " and following.low in wanted


def _beside(words: Sequence[Word], at: int) -> Word | None:
    """The word behind, when nothing but a blank or a possessive ending stands between."""
    following = words[at + 1] if at + 1 < len(words) else None
    return following if following is not None and not _BREAKS.intersection(following.gap) else None
