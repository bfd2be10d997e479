"""Dates that are said in figures: with "slash" between them, or as the answer to a question for a day."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ONES = "one|two|three|four|five|six|seven|eight|nine"
_MONTH = rf"(?:oh\s+)?(?:{_ONES}|ten|eleven|twelve)"
_DAY = rf"(?:oh\s+)?(?:thirty(?:[- ]one)?|twenty(?:[- ](?:{_ONES}))?|ten|eleven|twelve|\w{{3,5}}teen|{_ONES})"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_SHORT_YEAR = rf"(?:(?:{_TENS})(?:[- ](?:{_ONES}))?|oh\s(?:{_ONES})|ten|eleven|twelve|\w{{3,5}}teen)"
_YEAR = rf"(?:nineteen\s|twenty\s)?{_SHORT_YEAR}|two\sthousand(?:\s(?:and\s)?\w{{3,9}}){{0,2}}"
_SIGN = r"\s(?:slash|dash|stroke|hyphen)\s"
_SLASHED = re.compile(
    rf"\b(?:{_MONTH}|1[0-2]|0?[1-9]){_SIGN}(?:{_DAY}|3[01]|[12]\d|0?[1-9]){_SIGN}(?:{_YEAR}|(?:19|20)?\d\d)(?!\w)", re.I
)
_SLASHES = (" slash ", " dash ", " stroke ", " hyphen ")
_BIRTH = r"(?:date of birth|birth ?(?:date|day)s?|dob|d o b|were you born|was (?:he|she) born)"
_ASKS = rf"(?:{_BIRTH}|date of [a-z]+|(?:since|until|till|as of|by) when|(?:what|which) (?:date|day|dates|days))"
# The question is one speaker's, the day another's.
_TURN = r"[^\n\[\]]{0,30}?\s*(?:\n\s*|(?=\[))(?:\[[^\]\n]{1,24}\]|[a-z][a-z .]{1,24}:)\s*"
_FILLERS = (
    r"(?:(?:um|uh|sure|yes|yeah|yep|ok|okay|oh|so|it's|its|it is|that's|my|mine|hers|his|is|the|well|since|on|was|it"
    r"|about|around|like|i think)[\s,.]+){0,5}"
)
_NUMBER = rf"(?:oh|{_ONES}|ten|eleven|twelve|\w{{3,5}}teen|{_TENS}|hundred)\b"
_ENDS = (
    r"(?=\s*(?:[.,;?!\n]|$)|\s(?:i|we|he|she|they|it|and|but|so|at|when|because|of|for|that|is|was|or|maybe|last|this"
    r"|slash|dash)\b)"
)
_ANSWERS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b{_BIRTH}\b{_TURN}{_FILLERS}"
        rf"(?P<date>{_MONTH}[\s,]+{_DAY}(?:[\s,]+(?:of\s+)?(?:oh\s+)?(?:{_YEAR}|{_ONES})(?!\w))?)(?!\w)",
        # Somebody says the name first, as they were asked; then all of the date is wanted.
        rf"\b{_BIRTH}\b{_TURN}(?:(?!{_NUMBER})[a-z'’-]+[\s,.]+){{1,6}}"
        rf"(?P<date>{_MONTH}[\s,]+{_DAY}[\s,]+(?:{_YEAR}))(?!\w)",
        rf"\b{_ASKS}\b{_TURN}{_FILLERS}"
        rf"(?P<date>{_MONTH}(?:[\s,]+|{_SIGN}){_DAY}(?:(?:[\s,]+|{_SIGN})(?:{_YEAR}))?){_ENDS}",
    )
)
_BIRTH_SIGNS = ("birth", "born", "dob", "d o b")
_ASKED_SIGNS = ("date of", "ce when", "il when", "ll when", "of when", "y when", "what da", "which da", *_BIRTH_SIGNS)


def said_dates(text: str) -> Iterator[tuple[int, int]]:
    """Places of such dates; a pattern runs only where the text has a sign that it needs."""
    low = text.lower()
    if any(sign in low for sign in _SLASHES):
        for match in _SLASHED.finditer(text):
            yield match.span()
    for pattern, signs in zip(_ANSWERS, (_BIRTH_SIGNS, _BIRTH_SIGNS, _ASKED_SIGNS), strict=True):
        if any(sign in low for sign in signs):
            for match in pattern.finditer(text):
                yield match.span("date")
