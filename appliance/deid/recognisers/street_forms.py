"""Streets without a house number or a name: highways, corners, numbered and lettered streets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.recognisers.by_letter import by_letter

_WORD = (
    r"(?:Street|Avenue|Boulevard|Lane|Road|Drive|Court|Circle|Way|Place|Trail|Parkway|Terrace|Pike|St|Ave|Blvd|Ln|Rd|Dr"
    r"|Ct|Cir|Pkwy|Pl|Hwy)"
)
_NAME = r"[^\W\d_a-z][\w'’.-]{1,25}"
_DIRECTION = r"(?:(?:North|South|East|West|Northeast|Northwest|Southeast|Southwest|[NSEW]{1,2}\.?)\s+)?"
_STREET = rf"{_DIRECTION}(?:(?:{_NAME}\s+){{1,3}}?{_WORD}|\d{{1,3}}(?:st|nd|rd|th)\s+{_WORD})\b\.?"
_ROAD = r"(?:US|U\.S\.|State|County|Old|Rural|Farm)"
_BEHIND = r"(?:on|off|along|near|at|down|up|to|from|of|in|On|Off|Along|Near|At|From)"
_NUMBERED_ROAD = (
    r"(?:(?:[Hh]ighway|[Hh]wy\.?|[Rr]oute|[Rr]te\.?|[Ii]nterstate|[Cc]ounty [Rr]oad|[Ss]tate [Rr]oad)\s+\d{1,4}[A-Z]?"
    r"|I-\d{1,3})"
)
_COURTS = r"(?:District|Superior|Supreme|Family|Probate|County|Circuit|Municipal|Drug|Juvenile|Federal|Traffic|Small)"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!\w)(?P<street>{_STREET}\s+(?:and|&|at|near)\s+(?:{_STREET}|{_NUMBERED_ROAD}\b))",
        rf"(?<!\w)(?P<street>{_NUMBERED_ROAD}\s+(?:and|&|at|near)\s+{_STREET})",
        rf"\b{_BEHIND}\s+(?P<street>(?:{_ROAD}\s+){{0,2}}{_NUMBERED_ROAD}\b"
        r"(?:\s+(?:North|South|East|West|[NSEW])\b)?)",
        # Numbered streets in any case: "8841 61ST TRL".
        rf"(?<![\w.,/-])(?P<street>\d{{1,6}}\s(?i:(?:[NSEW]{{1,2}}\.?\s)?\d{{1,3}}(?:st|nd|rd|th)\s"
        rf"(?:{_WORD[3:-1]}|Trl|Ter|Loop|Row|Run)\b))",
        rf"\b{_BEHIND}\s+(?P<street>{_DIRECTION}\d{{1,3}}(?:st|nd|rd|th)\s+{_WORD}\b)",
        rf"(?<![\w.,/-])(?P<street>\d{{1,6}}\s+{_DIRECTION}(?:Avenue|Ave\.?|Street|Road|Lane)\s+[A-Z\d]\w{{0,2}}\b)"
        r"(?!\s+\w+\s+(?:Street|St|Ave))",
        rf"(?<=[a-z] )(?P<street>(?:{_NAME}\s+){{1,3}}"
        r"(?:Street|Avenue|Boulevard|Lane|Road|Parkway|Circle|Ave|Blvd|Ln|Rd|Pkwy|Cir)\b\.?)",
        # Words that name other things as well, where a street stands; courts of law are no streets.
        rf"\b(?:on|off|along|near|around|down|up|from|at|to)\s(?P<street>(?!{_COURTS}\b)(?:{_NAME}\s){{1,3}}"
        r"(?:Drive|Court|Place|Way|Trail|Terrace|Loop|Run|Square|Alley|Crossing|Ct|Pl|Ter|Trl)\b)(?!\s+[A-Z])",
        rf"(?<=, )(?P<street>(?!{_COURTS}\b)(?:{_NAME}\s){{1,2}}(?:Drive|Street|Avenue|Boulevard|Lane|Road|Parkway"
        r"|Terrace|Court|Circle|Place|Way|Trail|Pike)\b)"
        r"(?=\s+(?:at|near|by)\b|\s*[,;.\n]|$)",
        # Numbers of a grid of townships: "N6088 County Road R".
        rf"\b(?P<street>[NSEW]\d{{2,5}}\s?(?:[NSEW]\d{{2,5}})?\s(?:(?:County|State|Town|Cty|Co)\.?\s"
        rf"(?:Road|Rd|Highway|Hwy|Trunk)\.?\s[A-Z\d]{{1,4}}|(?:{_NAME}\s){{1,3}}{_WORD})\b)",
        rf"(?<![\w.,/-])(?P<street>\d{{1,5}}\s(?:{_NAME}\s){{1,3}}(?:Drive|Court|Place|Way|Trail|Terrace|Road|Street"
        r"|Avenue|Lane|Circle|Boulevard))\b",
        r"\b(?P<street>(?:RR|R\.R\.|HC|Rural Route|RFD)\s?#?\s?\d{1,4},?\s+Box\s+#?\d{1,5}[A-Z]?)\b",
    )
)
_SIGN = re.compile(
    r"\b"
    + by_letter(
        rf"{_WORD[3:-1].lower()}|loop|run|square|alley|crossing|ter|trl|highway|hwy|route|rte|interstate"
        r"|i-\d{1,3}|rr|hc|rfd"
    )
    + r"\b",
    re.I,
)


def streets(text: str) -> Iterator[tuple[int, int]]:
    """Places of such streets; a pattern runs only around a word for one."""
    done = 0
    for sign in _SIGN.finditer(text):
        start, end = max(0, sign.start() - 90), min(len(text), sign.end() + 60)
        if start < done:
            start = max(start, done - 150)
        done = end
        for pattern in _PATTERNS:
            for match in pattern.finditer(text, start, end):
                yield match.span("street")
