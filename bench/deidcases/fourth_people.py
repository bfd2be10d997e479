"""Who occurs in a text of the fourth set: a bit more than half bear common names, a third rare ones, some words."""

from __future__ import annotations

import random
from functools import cache

from deidcases import fourth_names as names
from deidcases.second_people import Person

RARE, WORDS = 0.33, 0.15
"""Shares of the names of each kind, drawn for first name and surname apart."""
INVENTED = 0.2
"""Share of the rare names that are made of parts, so that no list has them."""
HYPHENATED = 0.05


@cache
def entries(pool: str) -> tuple[str, ...]:
    """The names of a pool."""
    return tuple(name.replace("_", " ") for name in pool.split())


def draw_person(rng: random.Random, sex: int | None = None) -> Person:
    """A person; `sex` 0 is a woman, 1 a man, None either."""
    if sex is None:
        sex = rng.randrange(2)
    origin = rng.choice(list(names.ORIGINS.values()))

    def drawn(common: str, rare: str, words: str, ends: str) -> str:
        kind = rng.random()
        if kind < RARE * INVENTED:
            return rng.choice(entries(names.STARTS)) + rng.choice(entries(ends))
        return rng.choice(entries(rare if kind < RARE else words if kind < RARE + WORDS else common))

    first = drawn(
        (names.FEMALE, names.MALE)[sex], origin[sex], (names.WORD_FEMALE, names.WORD_MALE)[sex],
        (names.FEMALE_ENDS, names.MALE_ENDS)[sex],
    )  # fmt: skip
    last = drawn(names.LAST, origin[2], names.WORD_LAST, names.LAST_ENDS)
    if rng.random() < HYPHENATED and "-" not in last:
        last += f"-{rng.choice(entries(names.LAST))}"
    suffix = rng.choice((" Jr", " Sr", " III")) if sex and rng.random() < 0.04 else ""
    return Person(first, rng.choice("ABCDEFGHJKLMNPRSTVW"), last, suffix)
