"""What a surrogate must not be, because it stands in the texts already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from appliance.deid.vocabulary import TOKEN, every_pool_word, stem


class Taken(Protocol):
    """Knows the texts that surrogates go into. Everything is asked folded (`str.casefold`)."""

    def word(self, folded: str) -> bool:
        """Whether a word stands in a text."""
        ...

    def phrase(self, folded: str) -> bool:
        """Whether a run of characters stands in a text."""
        ...


def tokens(text: str) -> set[str]:
    """Return the words of a text, folded, each also without a possessive ending."""
    found: set[str] = set()
    for match in TOKEN.finditer(text):
        folded = match[0].casefold()
        found.add(folded)
        found.add(stem(folded))
    return found


def alphanumeric(text: str) -> str:
    """Return a number or code as it compares: letters and digits only, folded."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


class WholeTexts:
    """All of some texts, and the names that are known beside them."""

    def __init__(self, texts: Iterable[str], known_names: Iterable[str] = ()) -> None:
        self._texts = [text.casefold() for text in (*texts, *known_names)]
        self._words: set[str] = set().union(*map(tokens, self._texts)) if self._texts else set()
        # Numbers are compared without what separates their digits.
        self._codes = [re.sub(r"[\s().\-/]+", "", text) for text in self._texts]

    def word(self, folded: str) -> bool:
        """See Taken."""
        return folded in self._words

    def phrase(self, folded: str) -> bool:
        """See Taken."""
        plain = re.sub(r"[\s().\-/]+", "", folded)
        return any(folded in text for text in self._texts) or any(plain in text for text in self._codes)


class Passing:
    """A text that passes by and is not kept: words of the pools that were seen, and what is in sight now."""

    def __init__(self, known_names: Iterable[str] = ()) -> None:
        self._pool = every_pool_word()
        self._seen = set().union(*map(tokens, known_names), set()) & self._pool
        self._sight = WholeTexts(())

    def look(self, text: str) -> None:
        """Take what is in sight now."""
        self._sight = WholeTexts((text,))
        self._seen |= tokens(text) & self._pool

    def word(self, folded: str) -> bool:
        """See Taken."""
        return folded in self._seen or self._sight.word(folded)

    def phrase(self, folded: str) -> bool:
        """See Taken."""
        return self._sight.phrase(folded)
