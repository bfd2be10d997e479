"""Numbers in spoken words: a run of digit words is a number that somebody read out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.by_letter import by_letter
from appliance.deid.recognisers.numbers import NumberRecogniser

_DIGITS = {
    "zero": 1,
    "oh": 1,
    "o": 1,
    "one": 1,
    "two": 1,
    "three": 1,
    "four": 1,
    "five": 1,
    "six": 1,
    "seven": 1,
    "eight": 1,
    "nine": 1,
    "ten": 2,
    "eleven": 2,
    "twelve": 2,
    "thirteen": 2,
    "fourteen": 2,
    "fifteen": 2,
    "sixteen": 2,
    "seventeen": 2,
    "eighteen": 2,
    "nineteen": 2,
    "twenty": 1,
    "thirty": 1,
    "forty": 1,
    "fifty": 1,
    "sixty": 1,
    "seventy": 1,
    "eighty": 1,
    "ninety": 1,
    "hundred": 2,
    "thousand": 3,
}
_WORD = "|".join(sorted(_DIGITS, key=len, reverse=True))
_SPELT = r"[a-z](?:\s+as in\s+\w{1,20})?"
_FILLER = r"(?:dash|hyphen|space|slash|dot|point|area code|then|and then|and|uh|um|double|triple|is|again)"
_PART = rf"(?:{by_letter(_WORD)}|\d{{1,9}})"
_RUN = re.compile(
    rf"(?<![\w.])(?:{_SPELT}\s+(?:[-,.]\s*)?(?:(?:dash|hyphen|slash)\s+)?){{0,5}}(?:(?:double"
    rf"|triple)\s+)?(?:{_PART})(?:(?:\s*[-,.–]\s*|\s+)(?:(?:{_FILLER})[\s,]+){{0,2}}(?:{_PART}"
    rf"|(?![ai]\b)[a-z](?=[\s,.-]))(?!['’\w])){{2,24}}",
    re.I,
)
_WORDS = re.compile(rf"\b{by_letter(_WORD)}\b", re.I)
_SHORTEST = 7
"""Digits from which a run is a number by itself; shorter ones need a label (vital signs are read out as well)."""
_MOSTLY_SPOKEN = 3
_READ_OUT = 5
"""Digits said one by one; without them the words are years, ages or measured values."""
_ALL_READ_OUT = 6
"""Single digits that nothing but a number that stands for something has: no vital sign is read out so."""
_LETTERS_OF_A_LABEL = re.compile(r"(?:m r n|s s n|n p i|d e a|v i n|d o b|i d)\s+(?:is\s+)?", re.I)
_SINGLE = around("spoken.single")


class SpokenNumberRecogniser(ReadingRecogniser):
    """Numbers that were read out: "one two three, forty five, six seven eight nine"."""

    kinds = NumberRecogniser.kinds

    def __init__(self) -> None:
        super().__init__()
        self._numbers = NumberRecogniser()

    def find(self, reading: Reading) -> Iterator[Found]:
        """Runs of digit words; their label says the kind, else nine digits are an SSN and ten a telephone number."""
        text = reading.text
        if not _WORDS.search(text):
            return
        for match in _RUN.finditer(text):
            label = _LETTERS_OF_A_LABEL.match(match.group())
            start = match.start() + (label.end() if label else 0)
            run = text[start : match.end()]
            spoken = [word.lower() for word in _WORDS.findall(run)]
            if len(spoken) < _MOSTLY_SPOKEN:
                continue
            digits = sum(_DIGITS[word] for word in spoken) + sum(character.isdigit() for character in run)
            digits += 2 * len(re.findall(r"\btriple\b", run, re.I)) + len(re.findall(r"\bdouble\b", run, re.I))
            kind = self._numbers.labelled(text, start, digits)
            single = sum(word in _SINGLE for word in spoken)
            if kind is None and (single >= _ALL_READ_OUT or (digits >= _SHORTEST and single >= _READ_OUT)):
                kind = {9: IdentifierKind.SSN, 10: IdentifierKind.PHONE, 7: IdentifierKind.PHONE}.get(
                    digits, IdentifierKind.OTHER
                )
            if kind is not None:
                yield Found(start, start + len(run.rstrip(" ,.-")), kind, LIKELY)
