"""Institutions by a form around them, whatever they are called: greetings on the telephone, "Drs. Alder and Oak"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.recognisers.by_letter import by_letter

# Nobody's name: "thank you for calling back", "for calling us".
_NO_NAME = (
    r"(?:back|us|me|in|today|again|him|her|them|about|early|the (?:office|clinic|nurse|doctor|pharmacy|hospital|line))"
)
_PATTERNS = (
    re.compile(
        rf"\bfor calling\s+(?:the\s+)?(?P<place>(?!{_NO_NAME}\b)[\w.&'’-]+(?:\s+[\w.&'’-]+){{0,6}}?)"
        r"(?=\s*,?\s+(?:this is|my name|how (?:can|may)|i['’]m|you['’]ve|your call|if this|please|we)\b|\s*[.,!?\n]|$)",
        re.I,
    ),
    re.compile(
        r"\bDrs\.?\s+(?P<place>[A-Z][\w'’-]+(?:,\s[A-Z][\w'’-]+){0,3},?\s(?:and|&)\s[A-Z][\w'’-]+(?:\s(?:and|&)\s"
        r"(?:Associates|Partners|Colleagues))?)"
    ),
    re.compile(
        r"(?:\b|(?<=_))(?P<place>(?:villa|casa|residence|residencia|maison|convent of)\s+(?:st\.?|ste\.?|saint"
        r"|sainte|san"
        r"|santa|sao)\s+[^\W\d_]{3,20})\b",
        re.I,
    ),
    re.compile(
        r"\b(?i:"
        + by_letter("occupation|job|profession|trade|employment|works? as an?")
        + r")\s?:?\s(?:[a-z-]+\s){0,3}[a-z-]+(?:,"
        r"|\s(?i:at|for|with))\s"
        r"(?P<place>[A-Z][\w&'’.-]+(?:\s(?:&|of|and)?\s?[A-Z][\w&'’.-]+){0,4})"
    ),
    re.compile(
        r"\b(?i:"
        + by_letter(
            r"pre-?school|day ?care|home health|home care|hospice|dme|church|gym|camp|vendor|supplier|head start"
            r"|dialysis unit"
        )
        + r")\s?:\s"
        r"(?P<place>[A-Z][\w&'’.-]+(?:\s(?:&|of|and)?\s?[A-Z][\w&'’.-]+){0,4})"
    ),
    # A capital article in a sentence opens a name: "discharged to The Gables".
    re.compile(r"(?<=[a-z] )(?P<place>The\s[A-Z][a-z'’-]+(?:\s[A-Z][a-z'’-]+)?)(?=\s*(?:[.,;\n]|$))"),
    re.compile(r"\b(?P<place>(?:USS|USNS|USCGC|HMS|HMCS|Fort|Ft\.|Camp)\s[A-Z][a-z'’-]+(?:\s[A-Z][a-z'’-]+)?)\b"),
)
_SIGNS = (
    "occupation",
    "job",
    "profession",
    "trade",
    "employment",
    "work as",
    "works as",
    "preschool",
    "daycare",
    "home health",
    "home care",
    "hospice",
    "dme",
    "church",
    "gym",
    "camp",
    "vendor",
    "supplier",
    "head start",
    "dialysis",
    " the ",
    "uss ",
    "usns",
    "uscgc",
    "hms",
    "fort ",
    "ft. ",
    "for calling",
    "drs",
    "villa",
    "casa",
    "residen",
    "maison",
    "convent",
)


def institution_forms(text: str) -> Iterator[tuple[int, int]]:
    """Places of such institutions."""
    low = text.lower()
    if any(sign in low for sign in _SIGNS):
        for pattern in _PATTERNS:
            for match in pattern.finditer(text):
                yield (match.start(), match.end()) if pattern is _PATTERNS[1] else match.span("place")
