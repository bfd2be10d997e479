"""Puts people whose names are words into texts: where the texts name somebody, or speak of somebody without a name.

"She", "my wife", "the patient" stand where a name can stand; so a text gives many places of names that nobody chose.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Span = tuple[int, int]

_RELATIVE = (
    "wife|husband|mom|mother|mama|dad|father|son|daughter|brother|sister|aunt|uncle|niece|nephew|cousin|girlfriend|boyfriend"
    "|partner|roommate|neighbor|boss|friend|grandson|granddaughter|grandmother|grandma|grandfather|fiance"
)
_SOMEBODY = re.compile(
    rf"(?<![\w'])(?:(?:my|his|her|your|our) (?:{_RELATIVE})(?:-in-law)?"
    r"|(?:the|this|that|our) (?:patient|gentleman|woman|man|lady|boy|girl|infant|child|nurse|therapist|surgeon)"
    r"|(?:my|your|the) doctor|s?he|him|patient(?= (?:denies|reports|states|was|is|has|had|presents|complains|admits)))"
    r"(?![\w-])",
    re.I,
)
_TURN = re.compile(r"(?:^|\n)(?:\[\w+\] ?|\w+: )")
_GREETED = (
    "{} , ",
    "okay {} , ",
    "hi {} , ",
    "well {} , ",
    "thanks {} . ",
    "so {} , ",
    "good morning {} . ",
    "and {} , ",
)
_CALLED = re.compile(r" ?\.(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Cast:
    """A text with the spans of the names that were put into it, and those of which nothing is known."""

    text: str
    people: tuple[Span, ...]
    unknown: tuple[Span, ...]


class People:
    """Draws who is named.

    Args:
        pool: Names in lower case.
        rng: Source of all choices.
        share: Of the places of somebody unnamed, how many get a name.
    """

    def __init__(self, pool: Sequence[str], rng: random.Random, share: float) -> None:
        self._pool, self._rng, self._share = pool, rng, share

    def into(self, text: str, named: Iterable[Span], unknown: Iterable[Span]) -> Cast:
        """The text, in lower case, with other people. `named`: where it has names; `unknown`: which spans stay."""
        edits: list[tuple[int, int, str, str, str]] = [(*span, "", "", "") for span in named]
        if not edits or self._rng.random() < 0.7:
            edits += self._unnamed(text)
        edits += [(*span, "", "", "kept") for span in unknown]
        cast = [self._rng.choice(self._pool) for _ in range(self._rng.choice((1, 2, 2, 3, 4)))]
        replaced: dict[str, str] = {}
        out, people, kept, end = "", [], [], 0
        for start, stop, lead, tail, known in sorted(edits):
            if start < end:
                continue
            out += text[end:start] + lead
            old = text[start:stop]
            if known == "kept":
                kept.append((len(out), len(out) + len(old)))
                out, end = out + old, stop
                continue
            if known or old == "":
                name = self._rng.choice(cast)
                if self._rng.random() < 0.08:
                    name += " " + self._rng.choice(self._pool)
            else:
                name = replaced.setdefault(old.lower(), self._rng.choice(self._pool))
            for part in re.split(r"( )", name):
                if part != " ":
                    people.append((len(out), len(out) + len(part)))
                out += part
            out += tail
            end = stop
        return Cast(out + text[end:], tuple(people), tuple(kept))

    def _unnamed(self, text: str) -> list[tuple[int, int, str, str, str]]:
        edits = [
            (*match.span(), "", "", "unnamed") for match in _SOMEBODY.finditer(text) if self._rng.random() < self._share
        ]
        for turn in _TURN.finditer(text):
            if self._rng.random() < self._share / 4:
                lead, tail = self._rng.choice(_GREETED).split("{}")
                edits.append((turn.end(), turn.end(), lead, tail, "greeted"))
        for stop in _CALLED.finditer(text):
            if "[" in text[:200] and self._rng.random() < self._share / 12:
                edits.append((stop.start(), stop.start(), " , ", "", "called"))
        return edits
