"""Patterns that run around certain words of a reading: over a whole text each of them would cost many times as much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from appliance.deid.lexicon import around
from appliance.deid.reading import Reading

Key = TypeVar("Key")

_LONGEST_WORD = 40
_FURTHER = 60  # characters behind the end that are read again when a match reaches it


@dataclass(frozen=True, slots=True)
class WordRule(Generic[Key]):
    """A pattern with the words around which it runs.

    Args:
        signs: Name of the list of these words in `around.json`.
        key: What the pattern finds.
        pattern: The pattern.
        before: Characters before such a word that are read.
        behind: Characters behind its end that are read.
        capital: Only where the word begins with a capital.
    """

    signs: str
    key: Key
    pattern: re.Pattern[str]
    before: int
    behind: int
    capital: bool = False


class WordRules(Generic[Key]):
    """Rules by word.

    Args:
        rules: The rules, in the order in which they run at a word.
    """

    def __init__(self, rules: Iterable[WordRule[Key]]) -> None:
        self._by_word: dict[str, tuple[WordRule[Key], ...]] = {}
        for rule in rules:
            for word in around(rule.signs):
                self._by_word[word] = (*self._by_word.get(word, ()), rule)

    def find(self, reading: Reading) -> Iterator[tuple[Key, re.Match[str]]]:
        """What each rule finds around its words, by word; the same match may come from several words."""
        for word in reading.words:
            for rule in self._by_word.get(word.low, ()):
                if word.capital or not rule.capital:
                    for match in whole(rule.pattern, reading.text, word.start - rule.before, word.end + rule.behind):
                        yield rule.key, match


def whole(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """The matches between two offsets, which may lie outside the text; neither of them cuts through a word."""
    start, end = max(0, start), min(len(text), end)
    first, last = max(0, start - _LONGEST_WORD), min(len(text), end + _LONGEST_WORD)
    while start > first and text[start - 1].isalnum():
        start -= 1
    while end < last and text[end].isalnum():
        end += 1
    for match in pattern.finditer(text, start, end):
        # At the end of what is read a pattern does not see what follows: "route four" of "route four times a day".
        seen = match if match.end() < end or end == len(text) else pattern.match(text, match.start(), end + _FURTHER)
        if seen:
            yield seen
