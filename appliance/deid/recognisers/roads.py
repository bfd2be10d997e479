"""Where somebody was found or lives without a street's name: numbered roads, landmarks on them, places on the map."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found
from appliance.deid.recognisers.by_word import WordRule, WordRules

_CAPITAL = r"[A-Z][\w'’-]{2,20}"
_NUMBER_WORD = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred)"
)
# "Out past the old mill on": what stands on a road tells where as well as its number does.
_LANDMARK = (
    r"(?:(?:out|just|right)\s)?(?:past|behind|beyond|across\sfrom|next\sto|opposite)\s(?:the\s)?(?:[a-z]+\s){1,3}"
    r"(?:on|off|along)"
)
_COUNTY = (
    r"(?:County|Cty\.?|Co\.)(?:\s(?:Rd\.?|Road|Hwy|Highway|Trunk|Route|Line|Trail))?"
    r"\s(?:\d{1,4}[A-Z]?|[A-Z]{1,2})(?!\w)"
)
_WRITTEN = re.compile(rf"\b(?:on|off|down|along|past|near|to|from|at|by)\s(?P<place>{_COUNTY})")
# Corners of a street that has a name and one that has a number: "at Alder and 15th".
_CORNER = re.compile(
    rf"\b(?:[Oo]n|[Bb]y|[Aa]t|[Nn]ear|of|off|past)\s(?P<place>{_CAPITAL}(?:\s{_CAPITAL}){{0,2}}\s(?:and|&)\s\d{{1,3}}(?:st|nd|rd|th))"
    r"(?!\w|\s(?:floor|grade|time|visit|dose|of)\b)"
)
_NO_COUNT = r"(?![\w'’%]|[ ](?:milligrams?|times|percent|days?|weeks?|hours?|minutes?|units?|point)\b)"
_ROAD = (
    r"(?:(?:old|u\s?s|state)\s){0,2}(?:county\sroad|county|highway|hwy|route|interstate|state\sroad|rural\sroute"
    rf"|farm\sroad|road)\s{_NUMBER_WORD}(?:[ -]{_NUMBER_WORD}){{0,4}}{_NO_COUNT}"
)
_SAID = re.compile(rf"\b(?:on|off|down|along|past|near|to|from|at|by|out|take|is)\s(?P<place>{_ROAD})", re.I)
_PAST = re.compile(rf"\b(?P<place>{_LANDMARK}\s(?:{_COUNTY}|(?i:{_ROAD})))")
# Streets that are a number and a side of the town alone.
_SIDE = re.compile(
    r"(?:\b(?:on|at|near|off|to|from|by|past|and|&)\s|[(@&]\s?)"
    r"(?P<place>(?:[NSEW]|North|South|East|West)\.?\s\d{1,3}(?:st|nd|rd|th))"
    r"(?=\s*[,.;:)\n]|$|\s(?:and|&|in|at|near|by|for|with|to|where|was|is)\b)"
)
# Forms name both kinds of unit and repeat one of them: "Apt/Unit: Unit 270".
_UNIT = re.compile(
    r"\b(?:(?:apt|apartment|suite|ste)(?:\s?[/(]\s?(?:apt|unit|suite|lot|floor|bldg)\b\)?)?|unit\s?/\s?(?:apt|suite"
    r"|lot))"
    r"\.?\s?(?:no\.?|number|\#)?\s?[:#]\s*(?P<place>(?:(?:unit|apt|suite|lot|ste|trlr|trailer|spc|space|bldg|fl"
    r"|floor|rm|room|ph)\.?\s)?\#?(?:\w{0,4}\d\w{0,4}|[a-z]))(?!\w)",
    re.I,
)
_UNIT_SAID = re.compile(
    rf"\b(?P<place>(?:apartment|apt|suite|trailer|condo)\s(?:number\s)?{_NUMBER_WORD}(?:[ -]{_NUMBER_WORD}){{0,3}}"
    r"(?:\s[a-h])?)"
    r"(?!['’\w]|\s(?:years?|months?|weeks?|days?)\b)",
    re.I,
)
# A number and a name are a street where somebody's home stands, with or without a word for streets.
_HOUSE = re.compile(
    r"\b(?i:lives?|lived|living|resid(?:es?|ing)|stay(?:s|ing)|address|home|rents|picked up|found)\b[^\n.\d]{0,24}?"
    rf"(?:@|\b(?:at|is|to)\b"
    rf"|:)\s?(?P<place>\d{{2,6}}[A-Z]?\s(?:[NSEW]\.?\s)?{_CAPITAL}(?:\s{_CAPITAL})?)(?=\s*(?:[,.;\n(]|$))"
)
_MILE = re.compile(
    r"\b(?P<place>(?i:mm|mile\s?(?:marker|post)|exit)\s\d{1,3}(?:\.\d)?[A-Z]?(?:\s(?:on|of|off)|,)?\s(?:I|US|SR"
    r"|[A-Z]{2})-\s?\d{1,3}"
    r"|(?i:mile\s?(?:marker|post))\s\d{1,3}(?:\.\d)?)(?!\w)"
)
_ANGLE = r"(?<![A-Za-z])[NSEW]?\s?-?\d{1,3}(?:[.,]\d{3,8}|\s\d{1,2}[.,]\d{1,5})\s?°?\s?[NSEW]?"
_PAIR = rf"(?:\s?[,/;]?\s{{0,2}}(?:(?:lon(?:g(?:itude)?)?)\s?[:=]?\s?)?{_ANGLE})"
_LABELLED = re.compile(
    rf"\b(?:(?:gps|coord(?:inate)?s?|lz)\b[^\d\n]{{0,24}}?(?P<pair>{_ANGLE}{_PAIR})"
    rf"|lat(?:itude)?\b[^\d\n]{{0,14}}?(?P<place>{_ANGLE}{_PAIR}?))(?!\w|[.]\d)",
    re.I,
)
_MINUTES = r"\d{1,3}\s?°\s?\d{1,2}(?:[.,]\d{1,5})?\s?[′’'](?:\s?\d{1,2}(?:[.,]\d{1,4})?\s?(?:[″”\"]|''))?"
_POINT = rf"(?:[NSEW]\s?{_MINUTES}|{_MINUTES}\s?[NSEW](?!\w))"
_DEGREES = re.compile(rf"(?<![\w.]){_POINT}(?:[\s,;/]{{1,3}}{_POINT})?")
# Open location codes leave vowels out; three words name a square of three metres.
_OPEN_CODE = re.compile(r"(?<![\w+])(?:[2-9CFGHJMPQRVWX]{4}){1,2}\+[2-9CFGHJMPQRVWX]{2,3}(?!\w)")
_THREE_WORDS = re.compile(r"///[a-z]{3,20}\.[a-z]{3,20}\.[a-z]{3,20}\b")
_BY_SIGN = (("°", _DEGREES), ("+", _OPEN_CODE), ("///", _THREE_WORDS))
_RULES = WordRules(
    WordRule(f"roads.{signs}", Kind.ADDRESS, pattern, before, behind, capital)
    for pattern, signs, before, behind, capital in (
        (_WRITTEN, "counties", 10, 24, True),
        (_SAID, "roads", 16, 50, False),
        (_PAST, "roads", 70, 50, False),
        (_SIDE, "sides", 8, 10, True),
        (_CORNER, "nths", 64, 2, False),
        (_UNIT, "units", 8, 34, False),
        (_UNIT_SAID, "units", 2, 40, False),
        (_HOUSE, "homes", 2, 70, False),
        (_MILE, "miles", 2, 30, False),
        (_LABELLED, "maps", 2, 70, False),
    )
)


def roads(reading: Reading) -> Iterator[Found]:
    """Spans of such places."""
    text = reading.text
    for kind, match in _RULES.find(reading):
        name = str(match.lastgroup)
        yield Found(match.start(name), match.end(name), kind, LIKELY)
    for sign, pattern in _BY_SIGN:
        for match in pattern.finditer(text) if sign in text else ():
            yield Found(match.start(), match.end(), Kind.ADDRESS, LIKELY)
