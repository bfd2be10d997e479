"""Names as they were heard: what a caller says before "calling", words that sound like spelt letters or a name.

A transcript writes a name it does not know as words that sound alike: "hulu al hushimi" for a name that is spelt behind
it. Such words are known by where they stand, and by their likeness to a name of the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import DamerauLevenshtein

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Word
from appliance.deid.recognisers.base import LIKELY, POSSIBLE, Found
from appliance.deid.recognisers.name_class import NameWords, Weight

_PART = r"[^\W\d_][\w'’-]{1,20}"
_CALLING = re.compile(
    rf"\b(?:this is|it's|it is|i'm|i am|my name is|name is) (?:uh |um |,)*(?P<name>{_PART}(?: {_PART}){{0,3}}?),?"
    r" (?:calling|speaking|and (?:i'm|i am) calling|i'm calling|i am calling|returning (?:a|your)"
    r"|date of birth|my date of birth|d o b|dob|birthday)\b",
    re.I,
)
# Who calls without a name: "this is the pharmacy calling".
_NOBODY = around("roles.nobody")
_DOTTED = re.compile(
    r"(?<![\w.])[a-z]\.(?:[ ][a-z]\.){2,20}(?:[ ][a-z](?![\w'’]))?|(?<![\w.])[a-z](?:\.[ ][a-z]){2,20}(?![\w'’])",
    re.I,
)
_SPELT = re.compile(r"(?<![\w'’-])[a-z](?:[ ,.-]{1,3}[a-z]){2,20}(?![\w'’])", re.I)
_LOOK_BACK = 70  # characters in which a name was said that is spelt now
_LONGEST_HEARD = 3  # words that one name can be heard as
# Sounds that transcribers take for each other.
_SOUNDS = (
    ("ph", "f"),
    ("gh", "f"),
    ("ck", "k"),
    ("qu", "k"),
    ("x", "ks"),
    ("sch", "s"),
    ("sh", "s"),
    ("tch", "s"),
    ("ch", "s"),
    ("wh", "w"),
)
_CONSONANTS = {"b": "p", "v": "f", "c": "k", "g": "k", "j": "s", "q": "k", "z": "s", "d": "t", "m": "n"}
_SILENT = frozenset("aeiouwhy")
_SHORTEST = 4
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


class HeardNames:
    """Finds names by the sound of others."""

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes
        self._lists = classes.words

    def find(self, text: str) -> Iterator[Found]:
        """What a caller says, letters with dots, and the words before that the letters spell."""
        low = text.lower()
        if "calling" in low or "speaking" in low or "birth" in low or "d o b" in low:
            for match in _CALLING.finditer(text):
                parts = match["name"].lower().replace("’", "'").split()
                if not _NOBODY.intersection(parts) and not any(part in self._lists.relatives for part in parts):
                    yield Found(match.start("name"), match.end("name"), IdentifierKind.NAME, LIKELY)
        for match in _DOTTED.finditer(text):
            letters = re.sub(r"[^a-z]", "", match.group().lower())
            if letters in _ALPHABET:
                continue  # steps a. b. c.
            if len(letters) > 3 or re.search(
                r"\b(?:spel\w+|names?)\b", low[max(0, match.start() - 30) : match.start()]
            ):
                yield Found(match.start(), match.end(), IdentifierKind.NAME, POSSIBLE)
        for match in _SPELT.finditer(text):
            yield from self._heard(text, re.sub(r"[^a-z]", "", match.group().lower()), match.start())

    def _heard(self, text: str, letters: str, end: int) -> Iterator[Found]:
        """Words before spelt letters that sound like them, together or alone."""
        if len(letters) < _SHORTEST:
            return
        said = list(re.finditer(_PART, text[max(0, end - _LOOK_BACK) : end]))
        start = max(0, end - _LOOK_BACK)
        wanted = sound(letters)
        for count in range(1, _LONGEST_HEARD + 1):
            for first in range(len(said) - count + 1):
                group = said[first : first + count]
                joined = "".join(match.group().lower() for match in group)
                joined = re.sub(r"[^a-z]", "", joined)
                if abs(len(joined) - len(letters)) > 2 or any(match.group().lower() in _NOBODY for match in group):
                    continue
                if alike(joined, letters) or (sound(joined) == wanted and len(wanted) > 1):
                    yield Found(start + group[0].start(), start + group[-1].end(), IdentifierKind.NAME, LIKELY)

    def repeated(self, words: Sequence[Word], strong: set[str], taken: set[int]) -> Iterator[Found]:
        """Words of no list that sound like a name of the same text."""
        sounds = {sound(name) for name in strong if len(name) > _SHORTEST}
        sounds = {key for key in sounds if len(key) > 1}
        if not sounds:
            return
        for at, word in enumerate(words):
            if at in taken or len(word.low) <= _SHORTEST or word.text.isupper() or not word.low.isalpha():
                continue
            strange = self._classes.weight(word.low) == Weight.UNKNOWN and sound(word.low) in sounds
            if strange and any(alike(word.low, name, loose=True) for name in strong):
                yield Found(word.start, word.end, IdentifierKind.NAME, POSSIBLE)


def sound(word: str) -> str:
    """The consonants of a word by classes of sound, the first letter kept: "moorphy" and "murphy" are both "nrf"."""
    for written, heard in _SOUNDS:
        word = word.replace(written, heard)
    key = ""
    for at, letter in enumerate(word):
        heard = _CONSONANTS.get(letter, letter)
        if letter in _SILENT:
            heard = "a" if at == 0 else ""
        if heard and not key.endswith(heard):
            key += heard
    return key


def alike(one: str, other: str, *, loose: bool = False) -> bool:
    """Whether two words differ by a letter, or two of seven and more (`loose`: a third of the letters)."""
    allowed = len(other) // 3 if loose else 1 + (min(len(one), len(other)) > 6)
    return DamerauLevenshtein.distance(one, other, score_cutoff=allowed) <= allowed
