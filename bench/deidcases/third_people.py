"""People for the third set: mostly common U.S. names, one in five of a rarer origin, some words."""

from __future__ import annotations

import random
from functools import cache
from typing import Final

from deidcases.second_people import Person
from deidcases.third_names import (
    FEMALE,
    LAST,
    MALE,
    MIDDLING_FEMALE,
    MIDDLING_LAST,
    MIDDLING_MALE,
    ORIGINS,
    WORD_FEMALE,
    WORD_LAST,
    WORD_MALE,
)

WORD, ORIGIN, MIDDLING = 1 / 15, 1 / 5, 0.45
"""Shares of the population; of those left after words and origins, MIDDLING of each name is of the middling pool."""
HYPHENATED, SUFFIXED = 0.04, 0.03
_SEXES: Final = 2


@cache
def entries(pool: str) -> tuple[str, ...]:
    """The names of a pool: parted by bars where one holds a space, else by white space."""
    return tuple(name.strip() for name in (pool.split("|") if "|" in pool else pool.split()))


def draw_person(rng: random.Random, sex: int | None = None) -> Person:
    """A person: `sex` 0 draws a female first name, 1 a male one, None either."""
    sex = rng.randrange(_SEXES) if sex is None else sex
    common, middling = ((FEMALE, MIDDLING_FEMALE), (MALE, MIDDLING_MALE))[sex]
    first = rng.choice(entries(middling if rng.random() < MIDDLING else common))
    last = rng.choice(entries(MIDDLING_LAST if rng.random() < MIDDLING else LAST))
    share = rng.random()
    if share < WORD:
        which = rng.random()
        first = rng.choice(entries((WORD_FEMALE, WORD_MALE)[sex])) if which < 0.55 else first
        last = rng.choice(entries(WORD_LAST)) if which > 0.45 else last
    elif share < WORD + ORIGIN:
        origin = ORIGINS[rng.choice(sorted(ORIGINS))]
        first = rng.choice(entries(origin[sex])) if rng.random() < 0.75 else first
        last = rng.choice(entries(origin[2]))
    if rng.random() < HYPHENATED:
        last = f"{last}-{rng.choice(entries(LAST))}"
    suffix = rng.choice((" Jr.", " Sr.", " III", ", Jr.", " II", " IV")) if sex and rng.random() < SUFFIXED else ""
    return Person(first, rng.choice("ABCDEFGHJKLMNPRSTVW"), last, suffix)
