"""People for the second unseen set: mostly common U.S. names, many origins, names that are words; how names sound."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache

from deidcases.second_pools import COMMON_FIRST, COMMON_LAST, ORIGINS, WORD_FIRST, WORD_LAST

COMMON, ORIGIN = 0.62, 0.24  # the rest bears a word as name
_CHANGES = """
ph>f ck>k sz>sh cz>ch ough>o ee>ea ie>y y>ie ai>ay oo>ou x>cks qu>kw ngu>w j>g v>b son>sen er>or ll>l nn>n tt>t rr>r
c>k k>c a>u e>i i>e o>u u>oo
"""
_SOUNDS = [(sound, other) for sound, _, other in (change.partition(">") for change in _CHANGES.split())]
_WORDS = """
apple boy cat david edward frank george henry ida john king larry mary nancy ocean paul queen robert sam tom umbrella
victor william xray yellow zebra
"""
_AS_IN = {word[0]: word for word in _WORDS.split()}


@dataclass(frozen=True)
class Person:
    """First name, letter of the middle name, last name, and a suffix with its space, mostly none."""

    first: str
    middle: str
    last: str
    suffix: str


@cache
def taken(pool: str, half: str) -> tuple[str, ...]:
    """Every other pair of entries, so that the halves share none; parted by bars or white space.

    Pairs, because the common first names stand in turn by sex.
    """
    entries = pool.split("|") if "|" in pool else pool.split()
    wanted = {"a": 0, "b": 1}[half]
    return tuple(entry.strip() for place, entry in enumerate(entries) if place // 2 % 2 == wanted)


def letters(name: str) -> str:
    """Only the letters a to z of a name."""
    return re.sub(r"[^A-Za-z]", "", name)


def draw_person(half: str, rng: random.Random) -> Person:
    """A person: first and last name mostly of one origin, some hyphenated, some with a suffix."""
    share = rng.random()
    first, last = rng.choice(taken(COMMON_FIRST, half)), rng.choice(taken(COMMON_LAST, half))
    if COMMON <= share < COMMON + ORIGIN:
        origin = ORIGINS[rng.choice(sorted(ORIGINS))]
        if rng.random() < 0.8:
            first = rng.choice(taken(origin[0], half))
        last = rng.choice(taken(origin[1], half))
    elif share >= COMMON + ORIGIN:
        which = rng.random()
        if which < 0.6:
            first = rng.choice(taken(WORD_FIRST, half))
        if which > 0.4:
            last = rng.choice(taken(WORD_LAST, half))
    if rng.random() < 0.05:
        last = f"{last}-{rng.choice(taken(COMMON_LAST, half))}"
    suffix = rng.choice((" Jr.", " Sr.", " III", ", Jr.", " II")) if rng.random() < 0.03 else ""
    return Person(first, rng.choice("ABCDEFGHJKLMNPRSTVW"), last, suffix)


def spelled(name: str, rng: random.Random) -> str:
    """A name spelled out loud: letters parted by spaces, hyphens or periods, or each with a word."""
    signs = list(letters(name).lower())
    way = rng.random()
    if way < 0.15:
        return " ".join(f"{sign} as in {_AS_IN[sign]}" for sign in signs[:6])
    return (" " if way < 0.6 else "-" if way < 0.9 else ". ").join(signs)


def misheard(name: str, rng: random.Random) -> str:
    """A name as speech recognition writes it: one to two sounds changed, now and then parted in two words."""
    first, heard = name.lower()[0], name.lower()[1:]
    fits = [(sound, other) for sound, other in _SOUNDS if sound in heard]
    if fits:
        sound, other = rng.choice(fits)
        before, _, after = heard.partition(sound)
        if rng.random() < 0.4:
            again = [change for change in _SOUNDS if change[0] in after]
            after = after.replace(*rng.choice(again), 1) if again else after
        heard = before + other + after
    heard = first + heard
    heard = heard.replace("-", " ").replace("'", "")
    if len(heard) > 7 and " " not in heard and rng.random() < 0.2:
        heard = f"{heard[: len(heard) // 2]} {heard[len(heard) // 2 :]}"
    return heard.title()
