"""Which of two figures is the month, and in which language a date stands: by the words and the other dates around it.

Only English puts the month first. The nearest word before a date decides, then other dates of its form, then all
words around it, then those of the text; where they disagree, nothing is decided and the date is not moved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from appliance.deid.date_languages import ENGLISH, WORDS, WORDS_BEFORE

First = Literal["month", "day"] | None
# A stream keeps as much on both sides of what it gives out, whatever its horizon.
_AROUND = 64
# A label stands no further before its date.
_NEAR = 32
_WORD = re.compile(r"(?:geb\.dat|[^\W\d_]+(?:['’-][^\W\d_]+)*)")
_FIGURES = re.compile(r"(?<![\w./-])(\d{1,2})([/.-])(\d{1,2})(?:[/.-](?:\d{4}|\d\d)|(?=\.?(?![\w./-])))(?![\w/])")
_DOTTED_YEAR = re.compile(r"\d{1,2}\.\s?\d{1,2}\.\s?(?:1[89]|20|21)\d\d")
_SENTENCE = re.compile(r"[;!?\n]|[^\W\d]{4,}\.\s")
_CLOCK_BEFORE = re.compile(r"\d\s*$")
_ENGLISH = frozenset((ENGLISH,))
# A quotation does not make an English text another one, nor an English heading another text English.
_MOSTLY = 4


@dataclass(frozen=True)
class Usage:
    """How a date is to be read. `first`: what stands first in figures, None: open; `languages`: empty: none shown."""

    first: First = "month"
    languages: frozenset[str] = frozenset()


class Surroundings:
    """A text in which dates stand, with what its words say about them."""

    def __init__(self, text: str) -> None:
        self._text = text

    def usage(self, start: int, end: int) -> Usage:
        """Return how the date at these places is to be read."""
        text = self._text
        at = max(0, start - _AROUND)
        before, behind = text[at:start], text[end : end + _AROUND]
        # Words and figures at the edges may be parts of others.
        before = re.sub(r"^[^\s]*", "", before) if at else before
        behind = re.sub(r"[^\s]*$", "", behind) if end + _AROUND < len(text) else behind
        near, inner = _near(before), _languages(text[start:end])
        shown = inner | near or _languages(f"{before}\n{behind}")
        around = inner | _languages(f"{before}\n{behind}")
        return Usage(self._first(text[start:end], before, behind, inner | near, around), shown or self.languages)

    def _first(
        self, written: str, before: str, behind: str, near: frozenset[str], around: frozenset[str]
    ) -> First:  # fmt: skip
        signs = {match[2] for match in _FIGURES.finditer(written)}
        others = _proved(f"{before} {written} {behind}", signs)
        if _DOTTED_YEAR.search(written):
            return "month" if others == {"month"} else "day"
        if near and ENGLISH not in near:
            return "day"
        if len(others) == 1:
            return next(iter(others))
        if others:
            return None
        for shown in (near, around, self.languages):
            if shown:
                return "month" if shown <= _ENGLISH else None if ENGLISH in shown else "day"
        return "month"

    @cached_property
    def languages(self) -> frozenset[str]:
        """Languages of the text, English without others where the others are few; none if no word shows any."""
        english = 0
        others: dict[str, int] = {}
        for match in _WORD.finditer(self._text):
            codes = WORDS.get(match[0].lower(), frozenset())
            if ENGLISH in codes:
                english += 1
            for code in codes - _ENGLISH if ENGLISH not in codes else ():
                others[code] = others.get(code, 0) + 1
        most = max(others.values(), default=0)
        foreign = frozenset(code for code, count in others.items() if count == most)
        if english >= _MOSTLY * most:
            return _ENGLISH if english else frozenset()
        return foreign if most >= _MOSTLY * english else foreign | _ENGLISH


def _near(before: str) -> frozenset[str]:
    """Return the languages of the last word before a date that shows any, in its sentence."""
    found = list(_WORD.finditer(_SENTENCE.split(before)[-1][-_NEAR:]))
    for number, match in enumerate(reversed(found)):
        if not number and (codes := WORDS_BEFORE.get(match[0])) is not None:
            # 8:30 am
            if not _CLOCK_BEFORE.search(before[: before.rfind(match[0])]):
                others = _languages(before) & codes
                return others or codes
            continue
        if codes := WORDS.get(match[0].lower(), frozenset()):
            return codes & _ENGLISH or codes
    return frozenset()


def _languages(text: str) -> frozenset[str]:
    """Return English if any word shows it, and the languages that most of the other words show."""
    counts: dict[str, int] = {}
    for match in _WORD.finditer(text):
        codes = WORDS.get(match[0].lower(), frozenset())
        for code in codes & _ENGLISH or codes:
            counts[code] = counts.get(code, 0) + 1
    most = max((count for code, count in counts.items() if code != ENGLISH), default=0)
    return frozenset(code for code, count in counts.items() if code == ENGLISH or count == most)


def _proved(text: str, signs: set[str]) -> set[Literal["month", "day"]]:
    """Return what dates of these separators, one of whose figures is no month, prove to stand first."""
    found: set[Literal["month", "day"]] = set()
    for match in _FIGURES.finditer(text):
        first, second = int(match[1]), int(match[3])
        if match[2] not in signs or max(first, second) > 31 or min(first, second) > 12 or not first * second:
            continue
        if first > 12:
            found.add("day")
        elif second > 12:
            found.add("month")
    return found
