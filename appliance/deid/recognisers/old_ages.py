"""Ages over 89 without a word for years: behind somebody, beside a year of birth, in pairs, before a birthday."""

from __future__ import annotations

import re
from collections.abc import Iterator

OLD = r"(?:9\d|1[0-2]\d)"
"""Pattern of an age from 90 on in figures."""
SPELT = (
    r"(?:ninety(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?|(?:a|one)[- ]hundred(?:(?: and)? (?:one|two"
    r"|three"
    r"|four|five|six|seven|eight|nine|ten))?)"
)
"""Pattern of an age from 90 on in words."""
_WHO = (
    r"(?:pt|patient|resident|client|he|she|i|who|man|woman|lady|gentleman|widow|widower|veteran|twin|spouse|partner"
    r"|decedent|claimant|participant|subject|driver|passenger|pedestrian|victim|caregiver|carer|caller|tenant|inmate"
    r"|husband|wife|sib(?:ling)?s?|sisters?|brothers?|aunt|uncle|cousin|neighbou?r|friend|roommate"
    r"|(?:grand|great[- ]grand|step)?(?:mother|father|ma|pa|mom|dad)(?:-in-law)?|mom|dad|parents?"
    r"|mum|mummy|nann?a|gran|granny|abuel[ao]|oma|opa|(?-i:Mo|Fa|Bro|Sis|MGM|MGF|PGM|PGF|GM|GF)"
    r"|(?:mr|mrs|ms|miss|mx|rev|sr|fr)\.?\s+(?-i:[A-Z])[\w'’-]+(?:\s(?-i:[A-Z])[\w'’-]+)?)"
)
# What a number of 90 and more is when it is no age: a measure, a score, a count, a part of another number.
_NOT = (
    r"(?![\w%/°]|[.,:]\d|\s*[-–]\s*\d|\s?(?:%|percent|on|to|per|over|out|of|lbs?|pounds?|kgs?|kilos?|bpm|beats|degrees?"
    r"|mgs?|mcg|ml|cc|cm|mm|in(?!\s(?:the\s|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)))|inch(?:es)?|feet"
    r"|ft|miles?|units?|days?|weeks?|months?|hours?|hrs?|minutes?|mins?"
    r"|seconds?|times|steps|points|dollars|room|ra|nc|systolic|diastolic|and a half|sat|breaths|pack|tablets?|pills?"
    r"|doses?|visits?|people|patients|others|more|f|c)\b)"
)
_LIVES = (
    r"(?:lives|living|widow(?:ed|er)?|retired|frail|married|resides|residing|resident|independent|ambulat\w{2,5}"
    r"|nursing home|wheelchair|former|dnr)"
)
AGE = rf"(?P<age>{OLD}){_NOT}"
"""Pattern of an age in figures, with the group `age`; nothing that is measured or counted follows."""
SAID_AGE = rf"(?P<age>{OLD}|{SPELT}){_NOT}"
"""The same, also in words."""
_PATTERNS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b{_WHO}(?:\s+(?:is|was|are|were|also|still|now|only|already|both|almost|nearly|just|about|like|alive"
        rf"|living|well"
        rf"|d|dec\.?|dcd|age|aged|at|will be|would be|turned|turns|just turned|deceased|died|d\.)){{1,4}},?\s+"
        rf"{SAID_AGE}",
        rf"\b{_WHO}\s*[,(:-]\s*(?:now\s+|age\s+|alive\s+|living\s+|aged\s+|at\s+)?{AGE}(?=\s*[,;.)]|\s*$|\s+and\b)",
        rf"\b(?:mother|father|sister|brother|husband|wife|aunt|uncle|mom|dad|spouse)\s+{AGE}(?=\s*[,;.)]|\s*$"
        rf"|\s+and\b)",
        rf"\b(?:alive|living|well|died|deceased|passed(?: away)?|lived|expired|d\.)(?:,|\s+at|\s+until|\s+to|\s+to be"
        rf"|\s+past)?\s+(?:age\s+|the age of\s+)?{SAID_AGE}",
        rf"[A-Za-z]\s?[,(]\s?{AGE}(?=\s?[,)]\s+(?:was|is|who|has|had|presents?|presented|found|lives|of|a|an|denies"
        rf"|widowed|retired|married|fell|came|brought|admitted)\b)",
        rf"\b(?:born|b\.|dob|birth|birthdate|yob)\b[^\n]{{0,24}}?(?:\b(?:18|19)\d\d|[/-]\d\d)\s?[,;]?\s*(?:\("
        rf"|age[:d]?\s|now\s"
        rf"|so\s)?"
        rf"\s?{AGE}(?=\s*[,;.)]|\s*$|\s+(?:y|and|who|now)\b)",
        rf"\({AGE}\s+(?:in|this|next)\s+(?:[A-Z]\w+|month|week|year)\)".replace(_NOT, ""),
        rf"(?<![\w.])(?P<age>{OLD}(?:st|nd|rd|th)|ninet(?:y|ieth)(?:[- ]\w{{3,7}})?|(?:one )?hundredth)"
        rf"(?=\s+(?:birthday|b-?day|year of life))",
        # A name behind a role, also one that could be a word: "Client A. K. Ford, 97."
        rf"\b{_WHO}(?:\s(?!temp|sats?\b|pulse|heart|oxygen|weight|glucose|sugar|score|rate\b)(?-i:[A-Z](?:\."
        rf"|[a-z'’-]+)))"
        rf"{{1,4}},\s{AGE}(?=\s*(?:[.,;)\n]|$))",
        # No course and no dose lasts so many years.
        rf"(?<!for )(?<!over )(?<!last )(?<!past )(?<!than )(?<!within )(?<!every )(?<!about )(?<![\w.,/-])"
        rf"(?P<age>{OLD}\s(?:years|yrs))(?!\s(?:ago|later|after|before|from|of|or|survival|in)\b|\w|[-'’])",
        rf"\baet(?:at)?\.?\s?{AGE}|(?-i:(?<![\w/])[WBHA]/?[MF])\s(?P<sexed>{OLD})(?![\w%/]|\.\d)",
        rf"\b(?:will|to|about to|going to|gonna|would|did)\s+turn\s+{SAID_AGE}",
        rf"\b(?:age|aged|ages)\s*(?:[:=/(-]|is|was|of|sex:?)?\s*{AGE}",
    )
)
_FIGURES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b(?-i:Mo|Fa|Bro|Sis|MGM|MGF|PGM|PGF|GM|GF)\s+{AGE}",
        # With a name and without a title, when what follows is said of somebody: "Ada Alder is 94 and lives alone".
        rf"(?-i:\b[A-Z][a-z'’-]+\s[A-Z][a-z'’-]+)\s(?:is|was)\s(?:now\s|already\s|almost\s)?{AGE}"
        rf"(?=,?\s(?:and|but|with|who)\s(?:his|her|she|he|has|had|frail|lives|still|very|otherwise|uses|walks|takes|was"
        rf"|is)\b)",
        rf"(?<![\w/])now\s+{AGE}(?=,?\s+(?:and\s+)?{_LIVES}\b)",
        rf"(?<![\w.,/-]){AGE}(?=,\s+{_LIVES}\b)",
        r"\b(?:his|her|their|my|your|our)\s+(?P<age>(?:(?:early|mid|late|upper)[\s-])?(?:90['’]?s|nineties"
        r"|hundreds))\b",
        rf"\bturn(?:s|ed|ing)\s+{SAID_AGE}",
        rf"\bage(?:\s*\((?:in\s+)?(?:yrs?|years|y)\))?(?:\s+(?:at|on|when"
        rf"|of)\s+(?:[a-z]+\s?){{1,3}}?)?\s*[:=]?\s*{AGE}",
        rf"(?<![\w.,/-])(?P<age>{OLD})(?=\s?(?:\((?:M|F|male|female)\)|[♀♂]|y/[MF]\b))",
        rf"(?:\b(?:male|female)|(?:^|\n|\()[MF])[\s,]{{1,2}}{AGE}(?=\s*[,;.)]|\s*$)",
    )
)
# These run around a number alone: there are many.
_AROUND = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        # Fields of records and forms: JSON, XML, "Age at death: 94", "Patient age (years): 94".
        rf"[\"'](?:\w{{0,20}}_)?(?:age|\w{{0,20}}(?-i:Age))(?:_\w{{1,20}}|(?-i:[A-Z])\w{{0,20}}"
        rf"|y(?:ea)?rs)?[\"']\s*:\s*"
        rf"(?:\{{\s*[\"']value[\"']\s*:\s*)?[\"']?{AGE}(?=[\"'\s,}}]|$)",
        # HL7's observations and lines of a form: "30525-0^Age^LN||94|a", "AGE|94|", "Age.....94".
        rf"\bage\b[^|\n\d]{{0,16}}\|[^|\n]{{0,4}}\|?{AGE}(?=\s*(?:\||$|\n))",
        rf"\bage(?:\s(?:in\s)?(?:years|yrs))?\s?(?:\.{{2,30}}|_{{2,30}}|=)\s?{AGE}",
        rf"<\w{{0,12}}age\b[^<>\d]{{0,40}}>?[\"']?{AGE}(?=[\"'<])",
        rf"\bage\s(?:at|on|when|of)\s(?:[a-z]+\s?){{1,3}}\s?[:=]\s?{AGE}",
        r"\b(?P<age>ninety[- ](?:something|odd|plus))\b",
        rf"\b(?:they|we|both|parents|grandparents|twins)\s(?:are|were|was)\s(?:both\s)?{SAID_AGE}"
        r"(?!\sand\s\S+(?:\s\S+)?\s?(?:%|percent\b|on\b))",
        rf"\b(?:they|we|both|parents|grandparents|twins)\s(?:are|were)\s(?:\d{{1,3}}|\w+(?:[ -]\w+)?)\sand\s{SAID_AGE}",
        rf"\b(?:nona|cente)(?:gen|n)arian\s?\(?,?\s?{AGE}",
        # Somebody's end or present in a family's history, "PGF (94, CHF)"; how old somebody is, asked and answered.
        rf"\b(?:[MP]?G[MF]|[MP]GG[MF]|Mom|Dad|Aunt|Uncle|Sib|Sis|Bro)\s?\(\s?{AGE}",
        rf"\b(?:reached|made it to|made it past|saw|living to|lived past|survived to|celebrated|nearing|approaching)"
        rf"\s(?:age\s|the age of\s|his\s|her\s|about\s)?{SAID_AGE}",
        r"\b(?:parents|grandparents|siblings|relatives|family|both|all)\s(?:\w+\s){0,3}(?:into|in|to)\stheir\s"
        r"(?:early\s|mid[- ]|late\s)?(?P<age>90['’]?s|nineties|hundreds|100['’]?s)",
        rf"(?:how old (?:are|is|was) (?:you|he|she|they|your \w+)(?:\s(?:now|again|exactly|these days|sir|ma['’]?am"
        rf"|today))?"
        rf"|(?:your|his|her) age)[\s?,.]{{1,3}}(?:\[\w+\]\s?"
        rf"|\w+:\s)?"
        rf"(?:(?:i['’]m|he['’]s|she['’]s|he is|she is|i am|oh|uh|um|well|about|just)[\s,]){{0,3}}{SAID_AGE}",
        # Spoken: behind somebody's short form, "my neighbor's ninety seven", "well i'm like ninety four".
        rf"\b(?:i['’]m|he['’]s|she['’]s|(?:mom|dad|mother|father|neighbou?r|friend|aunt|uncle|wife|husband|grandma"
        rf"|grandpa"
        rf"|pop|nana)['’]s)\s(?:like\s|about\s|almost\s|now\s|already\s|gonna be\s|going to be\s|only\s"
        rf"|just\s){{0,2}}{SAID_AGE}"
        rf"(?=\s*(?:[,.;?!\n]|$)|\s(?:and|but|so|now|when|in|this|next|years?|doc|you know)\b)",
        rf"\b(?:will|['’]ll|would|gonna|going to)\sbe\s(?P<age>{OLD}|{SPELT})(?=\s*(?:[,.;?!\n]|$)|\s(?:in|on|this"
        rf"|next|come)\b)",
        rf"(?:^|\n|[.?!]\s|\bwell\s|\band\s)at\s{SAID_AGE},?\s(?:i|he|she|you|we|they|remains?|still)\b",
        rf"\b(?P<age>{OLD}[- ]?y(?:ea)?r?s?\.?[- ]?old|{OLD}\s?-?\s?y-o|{SPELT}[- ]years?[- ](?:old|young))\b",
        rf"(?<=[,(;]\s)(?P<age>{OLD})\s?Y(?=\s*(?:[,);.\n]|$))",
    )
)
_ALL = (*_PATTERNS, *_AROUND, *_FIGURES)
_BEFORE, _BEHIND = 80, 50  # characters around a number in which it is said what it is
_SEVERAL = re.compile(r"\b(?:ages|aged)\s+\d{1,3}(?:\s*(?:,|and|&|/)\s*(?:and\s+)?\d{1,3}){1,6}(?![\w%/]|[.]\d)", re.I)
_EACH = re.compile(rf"(?<!\d){OLD}(?!\d)")
# A number that can be such an age: shares, pressures and decimals are none.
# Each alternative begins with a sign, which is looked for at once, and only then looks at what stands before it.
SIGN = re.compile(
    r"9(?<![\d/].)(?<!\d[.,].)\d(?!\d|\s?%|/\d|\.\d)|1(?<![\d/].)(?<!\d[.,].)[0-2]\d(?!\d|\s?%|/\d|\.\d)"
    r"|ninet|N(?:inet|INET)|hundred|H(?:undred|UNDRED)"
)
"""A number that can be such an age."""


def old_ages(text: str) -> Iterator[tuple[int, int]]:
    """Places of ages from 90 on; patterns run around numbers that can be one, once where their surroundings meet."""
    start = end = 0
    for sign in SIGN.finditer(text):
        if sign.start() - _BEFORE > end:
            yield from _between(text, start, end)
            start = sign.start() - _BEFORE
        end = min(len(text), sign.end() + _BEHIND)
    yield from _between(text, start, end)


def _between(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if start == end:
        return
    for pattern in _ALL:
        for match in pattern.finditer(text, max(0, start), end):
            yield match.span(match.lastgroup or "age")
    for several in _SEVERAL.finditer(text, max(0, start), end):
        for each in _EACH.finditer(text, several.start(), several.end()):
            yield each.span()
