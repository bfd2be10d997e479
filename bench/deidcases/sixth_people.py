"""People for the sixth set: one in four bears a name of another origin, about one in five a word as name."""

from __future__ import annotations

import random
from functools import cache

from deidcases import sixth_names as names
from deidcases.second_people import Person

ORIGIN, WORDS = 0.25, 0.22
FEMALE, MALE = 0, 1


@cache
def entries(pool: str) -> tuple[str, ...]:
    """The names of a pool, which stand between bars."""
    return tuple(name.strip() for name in pool.split("|"))


def draw_person(rng: random.Random, sex: int | None = None) -> Person:
    """A person of a sex (0 female, 1 male), or of either."""
    sex = rng.randrange(2) if sex is None else sex
    first = rng.choice(entries((names.FEMALE, names.MALE)[sex]))
    last = rng.choice(entries(names.LAST))
    share = rng.random()
    if share < ORIGIN:
        origin = names.ORIGINS[rng.choice(sorted(names.ORIGINS))]
        first = rng.choice(entries(origin[sex]))
        last = rng.choice(entries(origin[2]))
    elif share < ORIGIN + WORDS:
        which = rng.random()
        if which < 0.5:
            first = rng.choice(entries((names.WORD_FEMALE, names.WORD_MALE)[sex]))
        if which > 0.35:
            last = rng.choice(entries(names.WORD_LAST))
    elif rng.random() < 0.08:
        last = f"{last}-{rng.choice(entries(names.LAST))}"
    suffix = rng.choice((" Jr.", " II", " III", " Sr.")) if sex == MALE and rng.random() < 0.04 else ""
    return Person(first, rng.choice("ABCDEFGHJKLMNPRSTVW"), last, suffix)
