"""The words that surrogates are made of, and those of an identifier that stay because they identify nobody.

Given names are in use for any gender. No name of the list is a word of English, a drug, or an eponym of medicine: a
model writes such words by itself, and they would be taken for a surrogate when the text comes back.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Literal

from appliance.deid.lexicon import words as lexicon_words

Pool = Literal["given", "family", "place"]

# Runs of letters and digits; an apostrophe inside belongs to it (O'Brien), and so do combining accents.
TOKEN = re.compile(r"\w[\w\u0300-\u036f]*(?:['’]\w[\w\u0300-\u036f]*)*")
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)


@cache
def _words() -> dict[str, tuple[str, ...]]:
    found = json.loads((Path(__file__).parent / "surrogate_words.json").read_text(encoding="utf-8"))
    return {name: tuple(words) for name, words in found.items()}


@cache
def listed(name: str) -> frozenset[str]:
    """Return a list of words that stay: titles, credentials, particles, facility, address, states, labels."""
    return frozenset(_words()[name])


@cache
def pool(name: Pool) -> tuple[str, ...]:
    """Return the words that a name's or a place's surrogate is drawn from."""
    if name == "place":
        words = _words()
        return tuple(first + last for first in words["place_first"] for last in words["place_last"])
    return _words()[name]


def pool_of(word: str, *, is_name: bool) -> Pool:
    """Say from which pool the surrogate of a folded word is drawn.

    By the word, not by where it stands: a surname alone and behind a given name must have the same surrogate in two
    texts. Only a word that no list knows goes by what it is part of: a person's name (`is_name`) or anything else.
    """
    known = lexicon_words()
    if word in known.given or word in known.given_words:
        return "given"
    if word in known.surnames or word in known.surname_words:
        return "family"
    is_place = word in known.places or word in known.ordinary_places
    return "family" if is_name and not is_place else "place"


@cache
def every_pool_word() -> frozenset[str]:
    """Return all of them, folded: a text that holds one cannot have it as a surrogate."""
    return frozenset(word.casefold() for name in ("given", "family", "place") for word in pool(name))


def invented(numbers: tuple[int, ...]) -> str:
    """Return a name that nobody has, from three or more drawn numbers; for when a pool is used up."""
    words = _words()
    parts = [words["invented_first"], *([words["invented_middle"]] * (len(numbers) - 2)), words["invented_last"]]
    return "".join(part[number % len(part)] for part, number in zip(parts, numbers, strict=True))


def stem(token: str) -> str:
    """Return a word without a possessive ending."""
    return _POSSESSIVE.sub("", token)


def shaped(word: str, like: str) -> str:
    """Return a capitalised word in the case of another: lower, UPPER, or as it is."""
    letters = [letter for letter in like if letter.isalpha()]
    if len(letters) > 1 and all(letter.isupper() for letter in letters):
        return word.upper()
    if letters and all(letter.islower() for letter in letters):
        return word.lower()
    return word


def is_mixed(word: str) -> bool:
    """Whether a word's case says how it is written: neither all lower (speech) nor all upper (a heading)."""
    letters = [letter for letter in word if letter.isalpha()]
    if len(letters) < 2:
        return bool(letters) and letters[0].isupper()
    return not (all(letter.islower() for letter in letters) or all(letter.isupper() for letter in letters))
