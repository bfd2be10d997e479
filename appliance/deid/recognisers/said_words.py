"""Names that are words of English, in speech without capitals.

Most surnames that a dictionary has as words (smith, gilbert, brant) are never said as words to a doctor; they are
hidden wherever they are said. Those of every day (cook, hope) are names only where somebody acts or is spoken of.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.deid.lexicon import around
from appliance.deid.reading import Word
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords
from appliance.deid.recognisers.name_context import MODAL_NAMES

_SHORTEST = 4  # letters of a surname that is hidden anywhere
_EVERYDAY = around("unlisted.everyday")
_NOT_WITH = around("unlisted.not_with")
_OPENERS = around("unlisted.openers")
_WHOM = around("unlisted.whom")
_THEN = around("unlisted.then")
_SAYS = around("unlisted.says")


class SaidWords:
    """Says whether a word of English is a name in speech."""

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes
        lists = classes.words
        plain = lists.not_a_name | lists.clinical | lists.heads | lists.eponyms | lists.always_clinical
        plain |= lists.relatives | lists.titles | lists.credentials | STATES_AND_COUNTRIES | _EVERYDAY
        self.anywhere = frozenset(
            word
            for word in lists.surname_words | lists.given_words
            if word not in plain
            and (word in lists.given_words or (len(word) >= _SHORTEST and not classes.is_ordinary(word)))
        )
        """Names that are hidden wherever they are said."""
        surnames = frozenset(
            word for word in lists.surnames if len(word) >= _SHORTEST and not classes.is_ordinary(word)
        )
        self.anywhere |= surnames - plain - lists.nations - lists.places - lists.large_places - lists.ordinary_places
        self.somewhere = lists.given_words - MODAL_NAMES - STATES_AND_COUNTRIES - lists.not_a_name
        """Names of every day, which need a place."""

    def is_called(self, words: Sequence[Word], at: int) -> bool:
        """Whether one of `somewhere` stands for somebody who acts, or whom one is with."""
        word = words[at]
        before = words[at - 1] if at else None
        following = words[at + 1] if at + 1 < len(words) else None
        first = before is None or word.opens or word.gap.strip()[-1:] in ("]", ":", ",", ".")
        opened = first or (before is not None and before.low in _OPENERS)
        if following is not None and following.gap == " " and following.low in _SAYS and opened:
            return not self._classes.clinical(words, at)
        if before is None or word.gap != " " or before.low not in _WHOM or word.low in _NOT_WITH:
            return False
        ends = following is None or following.gap != " "
        return ends or (following is not None and following.low in _THEN)
