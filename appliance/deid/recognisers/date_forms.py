"""Dates close to something else or without a part: ranges, "14-Mar", "late Feb", "2024-03", the 5th of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SHORT = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)"
# As a word of its own in title case: MAR is a record of drugs, OCT an image, and "may" a verb.
_TITLE = r"(?-i:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
_LONG = r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_M, _D = r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12]\d|0?[1-9])"
_M2, _D2 = r"(?:1[0-2]|0[1-9])", r"(?:3[01]|[12]\d|0[1-9])"
_LAST_CENTURIES = r"(?:19|20)\d\d"
_VERSION = re.compile(
    r"(?:version|ver|v|software|firmware|build|release|rev|section|sec|§|table|fig(?:ure)?|chapter|item|step|ip)"
    r"\.?\s*$",
    re.I,
)
# Two slashes or an ISO date are a date whatever touches them: "3/1/24-3/9/24", "scan_2024-03-14.pdf".
_FIGURES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\d/])(?<!\d\.)(?:{_M}/{_D}|{_D}/{_M})/(?:{_LAST_CENTURIES}|\d\d)(?![\d/]|\.\d)",
        rf"(?<![\d/.-]){_M}/{_D}(?=\s?(?:-|–|—|to|thru|through)\s?{_M}/{_D}/\d\d)",
        rf"(?<!\d)(?<!\d-){_LAST_CENTURIES}-{_M2}-{_D2}(?!\d|-\d)",
        rf"(?<!\d)(?:(?<=[_-])|(?<=[A-Za-z])){_LAST_CENTURIES}{_M2}{_D2}(?!\d)",
        rf"(?<![\w.-]){_LAST_CENTURIES}{_M2}{_D2}T\d{{4,6}}Z?(?!\w)",
        rf"(?<![\w.-]){_M2}{_D2}{_LAST_CENTURIES}(?![\w-]|\.\d)",
        rf"(?<![\w./-]){_LAST_CENTURIES}-{_M2}(?![\w/-]|\.\d)",
        rf"(?<![\w./]){_M}/{_LAST_CENTURIES}(?![\w/])",
        rf"(?<![\d/.])(?<!\d-){_M}/(?:{_D}/)?['’]\d\d(?!\w)",
        # Hyphens of typesetting.
        rf"(?<![\w.])(?:{_M}(?P<h>[‐‑–−]){_D}|{_D}(?P<h2>[‐‑–−]){_M})(?(h)(?P=h)|(?P=h2))(?:{_LAST_CENTURIES}|\d\d)(?!\w)",
    )
)
_DOTTED = re.compile(rf"(?<![\w.])(?:{_M2}\.{_D2}|{_D2}\.{_M2}|(?:1[3-9]|2\d|3[01])\.[1-9])\.[0-4]\d(?!\w|\.\d)")
# Parts of months without a year, or with one that is glued on.
_NAMED = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"(?<![\w./-]){_D}[-/](?:{_LONG}|{_SHORT})(?![\w-])",
        rf"(?<![\w-])(?:{_LONG}|{_TITLE}|(?-i:May))[-/]\d\d(?![\w/-]|\.\d)",
        rf"(?<![\w-])(?:{_LONG}|{_SHORT})\s{_D}/\d\d(?![\w/-]|\.\d)",
        rf"(?<![\w-]){_SHORT}\.{_D}(?:st|nd|rd|th)?(?:\s?,\s?{_LAST_CENTURIES})?(?![\w/]|\.\d)",
        rf"(?<![\w-])(?:{_TITLE}|(?-i:May))(?:[-–/]| - | to | thru | through )(?:{_TITLE}|(?-i:May))\b",
        # "Feb-March '24".
        rf"(?<![\w-])(?:{_TITLE}|(?-i:May)|{_LONG})\.?\s?[-–/]\s?(?:{_TITLE}|(?-i:May)|{_LONG})\b"
        rf"(?:\.?,?\s(?:{_LAST_CENTURIES}|['’]\d\d)(?!\w))?",
        rf"\b(?:(?:early|mid|late|since|until|till|last|next|this|during|through|thru|by|in|from|end of|middle of"
        rf"|beginning of|start of)[ -]|mid)(?P<date>{_TITLE})(?![\w-])",
        r"\b(?:early|mid|late|since|until|last|next)[ -](?P<date>feb|apr|jun|jul|aug|sept?|oct|nov|dec)(?![\w-])",
    )
)
# Months by name with something glued on or a word for a part before them; plain ones are found elsewhere.
_MONTH_SIGN = re.compile(
    r"(?:J(?:an|AN|u[nl]|U[NL])|j(?:an|u[nl])|F(?:eb|EB)|feb|M(?:a[ry]|A[RY])|ma[ry]|A(?:pr|PR|ug|UG)|a(?:pr|ug)"
    r"|S(?:ep|EP)|sep|O(?:ct|CT)|oct|N(?:ov|OV)|nov|D(?:ec|EC)|dec)(?<![A-Za-z]...)(?=[a-z]{0,6}[.,;:!?/–\n-]|[Tt]?\b|[A-Z]{0,6}[/-]|[a-z]{0,6}\s\d)"
)
# "Starts the 5th.": a day of the month, unless ribs, toes or centiles are counted.
_NTH = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)"
_THE_DAY = re.compile(
    rf"\bthe\s+(?P<date>{_NTH})(?:\s*(?:-|–|to|through|thru|and|or|&)\s*(?:the\s+)?(?P<date2>{_NTH}))?"
    r"(?=\s*(?:[.;!?\n]|$)|,?\s+(?:at\s+\d|in the (?:morning|afternoon|evening)))",
    re.I,
)
# "Bed ready the 21st per", "on the 3rd of every month": a word before and one behind that no count has.
_THE_DAY_OF = re.compile(
    rf"\b(?:on|by|until|till|since|from|before|after|due|ready|back|available|scheduled|booked|starting|beginning|home"
    rf"|moved to|in|open)\s+(?P<date>the\s+{_NTH})"
    r"(?=\s+(?:per|by|of (?:each|every|the|this|next|last)(?: month)?|with|w/|if|so|for"
    r"|but|unless|pending|instead|through|until)\b|\s?\()",
    re.I,
)
COUNTED = re.compile(
    r"\b(?:percentiles?|centiles?|%ile|toes?|fingers?|digits?|metatarsals?|metacarpals?|ribs?|nerves?|cn|rays?|discs?"
    r"|grade|interspaces?|intercostal|phalanx|phalanges|webspaces?|web spaces?|floor|generation|trimester|degree"
    r"|doses?|shots?|births?|child|baby|pregnancy|fractures?|fractured|amputat\w{2,4}|compartments?|ventricle|stages?|chapter|edition|avenue|street)\b",
    re.I,
)
_NEAR = 70  # characters before and behind in which something counted is looked for
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_DAY_SAID = rf"(?:thirty(?:[- ]one)?|twenty(?:[- ](?:{_ONES}))?|ten|eleven|twelve|\w{{3,5}}teen|{_ONES})"
_MONTH_SAID = rf"(?:{_ONES}|ten|eleven|twelve)"
# "Back on three twelve": not "she's on two ten", which is a drug.
_ON_SAID = re.compile(
    r"on(?<!\won)(?<!['’]s on)(?<!['’]m on)(?<!['’]re on)(?<!\bis on)(?<!\bare on)(?<!\bwas on)"
    r"(?<!\bbeen on)(?<!\bam on)"
    rf"(?<!\bbe on)\s+(?P<date>{_MONTH_SAID}\s(?:oh\s)?{_DAY_SAID})(?=\s*(?:[.,;?!\n]|$)|\s+(?:at|and (?:i|he|she|we)"
    rf"|when"
    r"|for the|because|we|i|he|she|they)\b)"
)
_DAY_SIGN, _EIGHT = re.compile(r"\d(?:st|nd|rd|th)\b", re.I), re.compile(r"\d{8}")
_NEEDED = ("/", "/", "-", "8", "8", "8", "-", "/", "'’", "‐‑–−")  # what a text must have for each of the figures
_WINDOW = 30  # characters around a month's name in which its forms are looked for


def date_forms(text: str) -> Iterator[tuple[int, int]]:
    """Places of such dates."""
    eight = _EIGHT.search(text) is not None
    for pattern, needed in zip(_FIGURES, _NEEDED, strict=True):
        if eight if needed == "8" else any(sign in text for sign in needed):
            for match in pattern.finditer(text):
                yield match.span()
    for match in _DOTTED.finditer(text):
        if not _VERSION.search(text, max(0, match.start() - 12), match.start()):
            yield match.span()
    for match in _THE_DAY.finditer(text) if _DAY_SIGN.search(text) else ():
        near = text[max(0, match.start() - _NEAR) : match.end() + _NEAR]
        if not COUNTED.search(near):
            yield match.span("date")
            if match["date2"]:
                yield match.span("date2")
    for day in _DAY_SIGN.finditer(text):
        for match in _THE_DAY_OF.finditer(text, max(0, day.start() - _WINDOW), day.end() + _WINDOW):
            if not COUNTED.search(text, max(0, match.start() - _NEAR), match.end() + _NEAR):
                yield match.span("date")
    for sign in _MONTH_SIGN.finditer(text):
        start, end = max(0, sign.start() - _WINDOW), min(len(text), sign.end() + _WINDOW)
        for pattern in _NAMED:
            for match in pattern.finditer(text, start, end):
                yield match.span("date") if "date" in pattern.groupindex else match.span()
    for match in _ON_SAID.finditer(text):
        yield match.span("date")
