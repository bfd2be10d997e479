"""A text as its recognisers see it: words with their places, made once for all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

# A word is letters with marks inside it (O'Brien, Smith-Jones, St.), never digits: numbers have rules of their own.
_WORD = re.compile(r"[^\W\d_]+(?:['’`-][^\W\d_]+)*(?:['’](?=\s|$))?")
_BREAK = re.compile(r"[.!?]+[\"')\]]*\s+|\n+")

# Between the last word of a sentence, with a number or a bracket behind it, and the first of the next.
_OPENING = re.compile(r"\n|^[\s\"')\]]*[.!?|]|\d[.!?][\"')\]]*\s")
# Particles that are written in lower case and joined to the name behind them.
_PREFIXED = frozenset(("al", "el", "ul", "as", "an", "bin", "ben", "abu", "ibn"))

# A letter behind these grades something and ends a sentence; else one with a full stop is an initial: "by R. Varga".
LETTERED = frozenset(
    ("vitamin", "hepatitis", "hep", "type", "group", "grade", "stage", "class", "influenza", "flu", "part", "factor")
) | frozenset(("category", "step", "gram", "phase", "protein", "plan", "pugh", "section", "schedule", "unit"))

# "Replete K. Will recheck."
_VERBS_TOO = frozenset(("Will", "May", "Can"))

# A sentence begins behind these; names of speakers stand in brackets.
_BEGUN = re.compile(r"[.?!\]]\s+$")
_FEWEST_OPENERS, _MOSTLY, _SELDOM = 3, 0.6, 0.2

# Transcribers write these with a capital where they write none else.
_MYSELF = frozenset(("i", "i'm", "i've", "i'll", "i'd"))


class Word(NamedTuple):
    """A word of a text.

    Args:
        start: Offset of its first character.
        end: Offset behind its last character.
        text: As written.
        low: In lower case with a straight apostrophe and without a possessive ending.
        capital: Its first letter is upper case, or that behind a particle (al-Sayed).
        opens: Nothing stands before it in its sentence.
        gap: What stands between it and the word before (at most 8 characters of it).
        behind: The 6 characters behind it.
    """

    start: int
    end: int
    text: str
    low: str
    capital: bool
    opens: bool
    gap: str
    behind: str


def _plain(text: str) -> str:
    if text.isalpha():
        return text.lower()
    low = text.lower().replace("’", "'").replace("`", "'").rstrip("'")
    return low[:-2] if low.endswith("'s") and len(low) > 2 else low


class Reading:
    """A text with its words.

    Args:
        text: The text.
        known_names: Full names that are known to occur.
    """

    def __init__(self, text: str, known_names: Sequence[str] = ()) -> None:
        self.text = text
        self.known_names = tuple(known_names)

    @cached_property
    def words(self) -> list[Word]:
        """All words, by place."""
        found: list[Word] = []
        end = 0
        text = self.text
        for match in _WORD.finditer(text):
            start = match.start()
            gap = text[end:start]
            written = match.group()
            opens = end == 0 or (len(gap) > 1 and _OPENING.search(gap) is not None)
            if opens and gap == ". " and found and found[-1].capital and len(found[-1].text) == 1:
                opens = written in _VERBS_TOO or (len(found) > 1 and found[-2].low in LETTERED)
            end = match.end()
            capital = written[0].isupper() or (
                "-" in written[1:4]
                and written.partition("-")[0] in _PREFIXED
                and written.partition("-")[2][:1].isupper()
            )
            found.append(Word(start, end, written, _plain(written), capital, opens, gap[-8:], text[end : end + 6]))
        return found

    @cached_property
    def capitals(self) -> bool:
        """Whether the text writes sentences with capitals, so that a capital in the middle of one says something."""
        words = self.words
        upper = sum(word.text.isupper() and len(word.text) > 1 for word in words)
        return (
            bool(words) and upper * 2 < len(words) and any(word.capital and word.low not in _MYSELF for word in words)
        )

    @cached_property
    def spoken(self) -> bool:
        """Whether sentences begin in lower case, as in a transcript; single capitals ("MRI", "Target") do not count."""
        if not self.capitals:
            return True
        openers = [word for word in self.words if _BEGUN.search(word.gap) and word.low not in _MYSELF]
        small = sum(not word.capital for word in openers)
        if len(openers) >= _FEWEST_OPENERS:
            return small >= _MOSTLY * len(openers)
        # a message of one or two sentences, with the capitals of a drug or an eponym
        capitals = sum(word.capital and word.low not in _MYSELF for word in self.words)
        begun = not self.words[0].capital and small == len(openers)
        return begun and self.words[0].start == 0 and capitals <= _SELDOM * len(self.words)

    def sentences(self) -> list[tuple[int, int]]:
        """Rough sentences as (start, end): split behind full stops and at line ends."""
        spans = []
        start = 0
        for match in _BREAK.finditer(self.text):
            spans.append((start, match.end()))
            start = match.end()
        if start < len(self.text):
            spans.append((start, len(self.text)))
        return spans
