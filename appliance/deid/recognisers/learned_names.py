"""Names that are words of English in speech, by a model of what stands around them: where no rule decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import Words
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.second_opinion.features import Surroundings
from appliance.deid.second_opinion.model import Opinion, shipped

_SHORTEST = 3
# Log odds; chosen on documents, contexts and words that training had not seen (docs/design/deid-detection.md).
_ENOUGH = 0.5
_BESIDE_ANOTHER = 2.0  # less is enough for a word beside a name
_AGAIN, _SURE = 1.0, 2.0  # less is enough for a word that is surely a name elsewhere in the text
FUNCTION_TAGS = frozenset(("I", "D", "C", "P", "S", "A", "AV", "#", "U", "T", "R", "J+R"))
"""Parts of speech of words that are nobody's name in lower case: pronouns, articles, adverbs, auxiliaries."""

# English goes to these without an article, as to somebody.
_BARE_PLACES = frozenset(("church", "chapel", "mass", "school", "college", "court", "camp", "work", "town", "market"))
_OF_PLACE = frozenset(("at", "to", "in", "from", "after", "before", "for", "of", "through"))
_KIN_BY_LAW = ("in", "law")


def candidates(lists: Words) -> frozenset[str]:
    """The words that are names and words, in lower case."""
    plain = lists.titles | lists.relatives | lists.credentials | STATES_AND_COUNTRIES | lists.always_clinical
    plain |= lists.clinical | lists.nations
    return frozenset(word for word in lists.given_words | lists.surname_words if len(word) >= _SHORTEST) - plain


class LearnedNameRecogniser(ReadingRecogniser):
    """Names that are words, where the model holds them for names and nothing makes them clinical.

    Raises:
        NotVerifiedError: the model's file is missing, damaged or another.
    """

    kinds = (IdentifierKind.NAME,)

    def __init__(self, classes: NameWords, opinion: Opinion | None = None) -> None:
        super().__init__()
        self._classes = classes
        self._opinion = opinion or shipped()
        self._around = Surroundings(classes.words, self._opinion.vocabulary)
        self._said = frozenset(
            word for word in candidates(classes.words) if self._around.tag(word) not in FUNCTION_TAGS
        )

    def find(self, reading: Reading) -> Iterator[Found]:
        """Every mention in speech that the model holds for somebody, with the names beside it."""
        words = reading.words
        odds = self._odds(reading) if reading.spoken else {}
        sure = {words[at].low for at, value in odds.items() if value >= _SURE}
        named = {at for at, value in odds.items() if value >= _ENOUGH - (_AGAIN if words[at].low in sure else 0)}
        beside = {at for at, value in odds.items() if value >= _ENOUGH - _BESIDE_ANOTHER}
        for at in sorted(named):
            first = at - 1 if self._belongs(words, at - 1, at, beside) else at
            last = at + 1 if self._belongs(words, at + 1, at, beside) else at
            yield Found(words[first].start, words[last].end, IdentifierKind.NAME, POSSIBLE)

    def _odds(self, reading: Reading) -> Mapping[int, float]:
        """The log odds of each word that may be a name, by its place."""
        words = reading.words
        places: dict[str, list[int]] = {}
        for at, word in enumerate(words):
            if word.low in self._said and not word.capital:
                places.setdefault(word.low, []).append(at)
        if not places:
            return {}
        surroundings = self._around.of_text(reading)
        return {
            at: self._opinion.log_odds(surroundings.at(at, mentions))
            for mentions in places.values()
            for at in mentions
            if not self._is_plain(words, at)
        }

    def _is_plain(self, words: Sequence[Word], at: int) -> bool:
        """Whether it is clinical, or a place or kin that has no article ("at church", "daughter in law")."""
        low = words[at].low
        if low in self._classes.fixed_terms or self._classes.clinical(words, at):
            return True
        before = words[at - 1].low if at and words[at].gap == " " else ""
        return (low in _BARE_PLACES and before in _OF_PLACE) or (before, low) == _KIN_BY_LAW

    def _belongs(self, words: Sequence[Word], other: int, at: int, beside: set[int]) -> bool:
        """Whether the word beside a name is part of it."""
        if not 0 <= other < len(words) or words[max(other, at)].gap != " ":
            return False
        if words[other].capital != words[at].capital:
            return False
        listed = self._classes.weight(words[other].low) >= Weight.SURNAME
        return other in beside or (listed and not self._classes.clinical(words, other))
