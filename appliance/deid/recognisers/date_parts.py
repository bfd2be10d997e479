"""Dates in parts: words that belong to a date beside them, days said alone, days with hyphens, misspelt months."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.date_words import MONTHS, PART_OF_MONTH
from appliance.deid.lexicon import words as lexicon
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.date_forms import COUNTED

_M, _D = r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12]\d|0?[1-9])"
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_TENS = "thirty|forty|fifty|sixty|seventy|eighty|ninety"
_LOW = "fourth|fifth|sixth|seventh|eighth|ninth|tenth"
_HIGH = (
    r"eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth|thirty[- ]first"
    r"|twenty[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)"
)
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?-i:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun))"
# Before a date: the day of the week, which would tell how far it moved, and the part of its month.
_BESIDE = re.compile(rf"(?:{PART_OF_MONTH}|\b{_WEEKDAY}\b\.?,?\s+(?:the\s+)?)$", re.I)
_BESIDE_CHARS = 48
# What can follow a day that is said alone; anything else may be what is counted.
_ENDS = (
    r"(?=\s*(?:[.,;:!?)\n]|$)|\s+(?:and|or|but|so|at|because|if|in the|when|while|with|i|we|he|she|they|you|it|instead"
    r"|then|would|was|is|to|through|thru|til|till|until|works?|should|could|my|her|his|for)\b)"
)
_SAID_DAYS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b(?P<date>the\s+(?:{_HIGH})){_ENDS}",
        rf"\b(?:on|by|until|till?|since|before|after|from|due|around|through|to)\s+(?P<date>the\s+(?:{_LOW})){_ENDS}",
        rf"\bfrom\s+(?P<date>the\s+(?:first|second|third)\s+(?:to|through|thru|until|till?)\s+the\s+(?:{_LOW}|{_HIGH})){_ENDS}",
        r"\b(?P<date>(?:the\s+)?first\s+of\s+(?:the|next|this)\s+(?:year|month))\b",
    )
)
_NTH = re.compile(
    r"\b(?:night|morning|evening|afternoon|day|week|weekend|weekday)\s+of\s+(?P<date>the\s+"
    r"(?:3[01]|[12]\d|[1-9])(?:st|nd|rd|th))(?!\w)",
    re.I,
)
# Figures that are said: month, day, and the last two of a year.
_FIGURES = (
    rf"(?:oh\s)?(?:{_ONES}|ten|eleven|twelve)[\s,]{{1,2}}(?:oh\s)?(?:thirty(?:[- ]one)?|twenty(?:[- ](?:{_ONES}))?"
    rf"|ten|eleven|twelve|\w{{3,5}}teen|{_ONES})[\s,]{{1,2}}(?:nineteen\s|twenty\s)?"
    rf"(?:(?:twenty|{_TENS})(?:[- ](?:{_ONES}))?|oh\s(?:{_ONES})|ten|eleven|twelve|\w{{3,5}}teen)"
)
_SAID_FIGURES = (
    re.compile(
        rf"\b(?:on|since|from|until|dated|it was|that was)\s(?P<date>{_FIGURES})(?=\s*(?:[.,;!?\n]|$)"
        r"|\s(?:and|at|when|because|but|so|i|we|he|she|they)\b)",
        re.I,
    ),
    re.compile(
        rf"\b(?P<date>{_FIGURES}),?\s(?:is\s|that['’]s\s)?(?:my|his|her|the)\s"
        r"(?:date of birth|birthday|birth ?date|d ?o ?b)\b",
        re.I,
    ),
)
_HYPHENED = re.compile(
    rf"(?<![\w./-])(?P<date>{_M}-{_D}(?P<last>\s?(?:to|thru|through|–|—)\s?{_M}-{_D})?)(?![\w/-]|\.\d)"
)
_DAY_FOLLOWS = re.compile(
    r"\b(?:d/?c(?:['’]?d)?|f/?u|rtc|lmp|edd|edc|doi|doa|dod|eta|elos|appt|visit|given|placed|read|dated?|on|since|until|thru|through|seen|sent"
    r"|rec['’]?d|recvd|received|scanned|faxed|mailed|called|due|next|last|admitted|adm|discharged|started|stopped|surgery"
    r"|dos|doi|eff|exp|filled|refilled|back|returned|signed|drawn|collected)[.:]?\s(?:on\s)?$",
    re.I,
)
_DAY_ENDS = re.compile(
    r"\s*(?:[.,;)\n]|$)|\s+(?:@|at\s\d|by|per|w/|and\s\d|to\s(?:chart|file|pt)\b|(?:[01]\d|2[0-3]):?[0-5]\d\b)", re.I
)
# A month and a day with a slash, behind an earlier study or behind who did one. Strength is told of 5, pain of 10.
_SLASHED = re.compile(rf"(?<![\w./-]){_M}/(?P<day>{_D})(?![\w/%-]|\.\d|\s?(?:mg|ml|kg|mmhg)\b)", re.I)
_STUDY = (
    r"(?:CT|CTA|MRI|MRA|XR|CXR|KUB|US|PET|DEXA|TTE|TEE|echo|cath|EKG|ECG|EEG|EMG|labs?|films?|x-?rays?|scan|study|exam|visit"
    r"|mammo(?:gram)?|colonoscopy|EGD|biopsy|bx|note|culture|cx)"
)
_EARLIER = re.compile(
    rf"\b(?:prior|previous|comparison|compared?|compared (?:to|with)|old|outside|last)[:]?\s"
    rf"(?P<study>(?:{_STUDY}\s){{0,2}})$",
    re.I,
)
_DONE_BY = re.compile(r"\b(?:by|per|with|w/)\s(?:(?:Dr|Mr|Ms|Mrs)\.?\s)?(?P<study>(?:[A-Z][\w'’.-]+\s){1,3})$")
_SHOWN = re.compile(
    r"\s*[:;)]|\s(?:from|at|by|showed|shows|revealed|with|was|per|and|study|exam|scan|for|normal|negative)\b"
)
_OUT_OF = frozenset(("5", "10"))
_SEASON = re.compile(r"\b(?:spring|summer|fall|autumn|winter),?\s(?:of\s)?(?:(?:19|20)\d\d|['’]\d\d)(?!\w)", re.I)
_QUARTER = re.compile(
    r"\b(?:[1-4]Q\s?|Q[1-4]\s?(?:of\s|FY\s?)?)(?:(?:19|20)\d\d|['’]?\d\d)(?![\w%]|[.,]\d)|\b(?:19|20)\d\d\s?Q[1-4]\b"
)
_QUARTER_SAID = re.compile(
    r"\b(?:first|second|third|fourth)\squarter\s(?:of\s)?(?:(?:19|20)\d\d|(?:last|this|next)\syear)\b", re.I
)
_WINDOW = 64
_OF_PART = frozenset(("night", "morning", "evening", "afternoon", "day", "week", "weekend"))
_FIRST_FIGURES = frozenset(f"on since from until dated it that oh {_ONES.replace('|', ' ')} ten eleven twelve".split())
_SEASONS = frozenset(("spring", "summer", "fall", "autumn", "winter"))
_UNDER_ELEVEN = ("first", "second", "third", *_LOW.split("|"))
_ORDINALS = frozenset((*_UNDER_ELEVEN, "eleventh", "twelfth", "twentieth", "thirtieth")) | {
    f"{one}teenth" for one in ("thir", "four", "fif", "six", "seven", "eigh", "nine")
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_BESIDE_MISSPELT = re.compile(rf"\.?\s{_D}(?:st|nd|rd|th)?(?![\w/:%]|\.\d|\s?(?:mg|ml|mcg|units?)\b)")


def _misspelt() -> frozenset[str]:
    """Words one letter from a month's name, or with two neighbours changed over, that no list has as words."""
    lists = lexicon()
    listed = lists.ordinary | lists.vocabulary | lists.clinical | lists.given | lists.given_words | lists.surnames
    found: set[str] = set()
    for name in MONTHS:
        if len(name) < 4:
            continue
        for at in range(len(name)):
            found.add(name[:at] + name[at + 1 :])
            found.add(name[:at] + name[at : at + 2][::-1] + name[at + 2 :])
            if len(name) > 5:
                found.update(name[:at] + letter + name[at + 1 :] for letter in _LETTERS)
                found.update(name[:at] + letter + name[at:] for letter in _LETTERS)
    return frozenset(word for word in found if word not in MONTHS and word not in listed)


_MISSPELT = _misspelt()


def with_beside(text: str, start: int) -> int:
    """Return where a date begins with the day of the week and the part of its month before it."""
    if start and not text[start - 1].isalnum():
        beside = _BESIDE.search(text, max(0, start - _BESIDE_CHARS), start)
        if beside:
            return beside.start()
    return start


def date_parts(reading: Reading) -> Iterator[tuple[int, int]]:
    """Places of such dates; most patterns run around words that a reading has anyway."""
    text = reading.text
    if "Q" in text:
        for match in _QUARTER.finditer(text):
            yield match.span()
    for match in _HYPHENED.finditer(text) if "-" in text else ():
        shown = match["last"] or _DAY_FOLLOWS.search(text, max(0, match.start() - 20), match.start())
        if shown and _DAY_ENDS.match(text, match.end()):
            yield match.span("date")
    for match in _SLASHED.finditer(text) if "/" in text else ():
        start = max(0, match.start() - _WINDOW)
        before = _EARLIER.search(text, start, match.start()) or _DONE_BY.search(text, start, match.start())
        graded = before and not before["study"] and match["day"] in _OUT_OF
        if before and not graded and _SHOWN.match(text, match.end()):
            yield match.span()
    for word in reading.words:
        if word.low in _ORDINALS:
            yield from _around(text, word, (*_SAID_DAYS, _QUARTER_SAID))
        elif word.low in _FIRST_FIGURES:
            for pattern in _SAID_FIGURES:
                said = pattern.match(text, word.start)
                if said:
                    yield said.span("date")
        elif word.low in _SEASONS:
            yield from (match.span() for match in _SEASON.finditer(text, word.start, word.end + 12))
        elif word.low in _OF_PART:
            yield from (match.span("date") for match in _NTH.finditer(text, word.start, word.end + 16))
        elif word.low in _MISSPELT:
            behind = _BESIDE_MISSPELT.match(text, word.end)
            if behind:
                yield word.start, behind.end()


def _around(text: str, word: Word, patterns: tuple[re.Pattern[str], ...]) -> Iterator[tuple[int, int]]:
    start, end = max(0, word.start - _WINDOW), min(len(text), word.end + _WINDOW)
    for pattern in patterns:
        for match in pattern.finditer(text, start, end):
            if match.start() <= word.start < match.end() and not COUNTED.search(text, start, end):
                yield match.span(match.lastgroup or 0)
