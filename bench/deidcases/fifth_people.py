"""People for the fifth set: half of ordinary names, the rest of many origins or with a word as name."""

from __future__ import annotations

import random

from deidcases import fifth_names as names
from deidcases.second_people import Person
from deidcases.third_people import entries

RARE, WORDS = 0.26, 0.2
"""Shares of people with a name of another origin, and with a word as name."""
_DOUBLE, _SUFFIX = 0.05, 0.03


def draw_person(rng: random.Random, sex: int | None = None) -> Person:
    """A person: `sex` 0 draws a female first name, 1 a male one, None either."""
    sex = rng.randrange(2) if sex is None else sex
    first = rng.choice(entries((names.FEMALE, names.MALE)[sex]))
    last = rng.choice(entries(names.LAST))
    share = rng.random()
    if share < RARE:
        origin = names.ORIGINS[rng.choice(sorted(names.ORIGINS))]
        first = rng.choice(entries(origin[sex])) if rng.random() < 0.8 else first
        last = rng.choice(entries(origin[2]))
    elif share < RARE + WORDS:
        which = rng.random()
        first = rng.choice(entries((names.WORD_FEMALE, names.WORD_MALE)[sex])) if which < 0.5 else first
        last = rng.choice(entries(names.WORD_LAST)) if which > 0.3 else last
    if rng.random() < _DOUBLE:
        last = f"{last}-{rng.choice(entries(names.LAST))}"
    suffix = rng.choice((" Jr", " Jr.", " Sr.", ", III", " IV")) if sex and rng.random() < _SUFFIX else ""
    return Person(first, rng.choice("ABCDEFGHJKLMNPRSTVW"), last, suffix)


def nickname(first: str, rng: random.Random) -> str:
    """What friends call somebody of this first name."""
    pairs = [pair.split(">") for pair in entries(names.NICKS)]
    fitting = [nick for whole, nick in pairs if whole == first]
    return rng.choice(fitting) if fitting else rng.choice(entries(names.ENDEARING))
