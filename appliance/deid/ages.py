"""Ages over 89, which become one class (45 CFR 164.514(b)(2)(i)(C)), and how that class is written and read."""

from __future__ import annotations

import re

from appliance.deid.date_words import SPOKEN

HIDDEN = "90+"
_OVER_89 = re.compile(r"(?<![\d.,/])(?:9\d|1[0-4]\d)(?![\d/]|[.,]\d)")
_TENS = "|".join(sorted((word.replace(" ", r"[\s-]+") for word, n in SPOKEN.items() if n >= 90), key=len, reverse=True))
_SPOKEN = re.compile(rf"\b(?:{_TENS}|(?:a|one) hundred(?:(?: and)? \w+)?)\b", re.IGNORECASE)
# What a model makes of it.
_YEARS = r"[\s-]*(?:years?|y/?o\b|yrs?\b)"
WRITTEN = re.compile(
    rf"(?<![\w.,/+-])(?:90\s?\+|90(?:\s+years?)?\s+or\s+(?:over|older|more|above)|ninety\s+or\s+(?:over|older|more)"
    rf"|(?:over|above|at\s+least|more\s+than|older\s+than)\s+(?:90|ninety)(?={_YEARS})"
    rf"|(?:90|ninety)(?={_YEARS}))(?!\d)(?!\s*(?:mm|bpm|%|mg|ml|beats|percent|degrees|kg|cm))",
    re.IGNORECASE,
)


def hidden(text: str) -> str:
    """Return an age with its number replaced by the class; words that hold no number are replaced as a whole."""
    for pattern in (_OVER_89, _SPOKEN):
        made, count = pattern.subn(HIDDEN, text)
        if count:
            return made
    return HIDDEN


def number_of(text: str) -> str | None:
    """Return the age's number as it was written, or None when it has none or several."""
    found = {match[0].casefold() for pattern in (_OVER_89, _SPOKEN) for match in pattern.finditer(text)}
    return found.pop() if len(found) == 1 else None
