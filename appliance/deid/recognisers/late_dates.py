"""Dates in other languages, and days that the words around them show: "Thursday the 12th", "week of the fourth"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid import date_languages as languages
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import CERTAIN, LIKELY

_FOREIGN_MONTH, _ENGLISH_TOO = languages.either(languages.FOREIGN), languages.either(languages.SHARED)
# Words of English as well: only before a year.
_SHORT_MONTHS = r"ene|abr|ago|dic|janv|févr|avr|juil|déc|mrz|okt|dez|gen|mag|giu|lug|set|ott|fev|out"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
_YEAR = r"(?:19|20)\d\d"
_OF = r"(?:d(?:e|i|o|el|en)\s|d['’])?"
_FOREIGN = re.compile(
    rf"(?<![\w.,/-]){_DAY}(?:er|º|°|\.)?[ -]{_OF}{_FOREIGN_MONTH}(?!\w)(?:\.?,?[ -]{_OF}(?:{_YEAR}|\d\d)(?!\d))?"
    rf"|(?<!\w){_YEAR}\.? {_FOREIGN_MONTH} {_DAY}\.?(?!\w)"
    rf"|(?<!\w){_FOREIGN_MONTH}\s(?:del?\s)?{_YEAR}(?!\w)"
    rf"|(?<![\w.,/-]){_DAY}[ -](?:{_SHORT_MONTHS})\.?[ -]{_YEAR}(?!\w)",
    re.I,
)
# "en abril", "im März": a month without a day or a year is one behind these alone.
_IN_FOREIGN = re.compile(
    rf"\b(?:en|em|im|desde|depuis|seit|since|hasta|until|last|mes de|mois de|mois d['’])\s?"
    rf"(?P<date>{_FOREIGN_MONTH})(?!\w)",
    re.I,
)
# "5. April Jones called": an ordinal with a point is a day before a year, or behind a word for "on".
_POINTED = re.compile(
    rf"(?<![\w.,/-]){_DAY}\. {_ENGLISH_TOO} {_YEAR}(?!\w)"
    rf"|\b(?:am|vom|bis|zum|den|seit)\s(?P<date>{_DAY}\. {_ENGLISH_TOO})(?!\w)",
    re.I,
)
_BORN = re.compile(
    r"\b(?:geb(?:oren)?\.?(?:\sam)?|geburtsdatum|née?(?:\sle)?|fecha de nacimiento|data di nascita|data de nascimento"
    r"|nacid[oa](?:\sel)?|nat[oa](?:\sil)?|geboortedatum|ur\.|født(?:\sden)?|född(?:\sden)?|narozen[aý]?|nar\."
    r"|doğum tarihi|data urodzenia)"
    r"\s*:?\s*(?P<date>\d{1,2}(?:[/-]|\.\s?)\d{1,2}(?:[/-]|\.\s?)(?:19|20)?\d\d)(?!\d)",
    re.I,
)
# A day without a year behind a word for "on", not behind a time of day: "8:30 am 5/6".
_ON_FOREIGN = re.compile(
    rf"(?<!\d)(?<!\d )(?<!\w)(?:am|vom|den|el|le|il|dnia|dne|em)\s"
    rf"(?P<date>{_DAY}(?:/{_DAY}(?![\w/]|\.\d)|\. ?{_DAY}\.(?!\w)))"
)
_EASTERN = re.compile(
    rf"(?<!\d)(?:(?:1[89]|20)\d\d\s?[年년]\s?)?(?:1[0-2]|0?[1-9])\s?[月월]\s?{_DAY}\s?[日일]"
    rf"|(?<!\w){_DAY} tháng (?:1[0-2]|0?[1-9])(?:,? (?:năm )?{_YEAR})?(?!\w)"
)
_NUMERAL = (
    r"(?:uno?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|dieci\w{4,6}|veint[ei]\w{0,8}"
    r"|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|novecientos|mil|y)"
)
_SAID_FOREIGN = re.compile(
    rf"\b(?:primero|{_NUMERAL}(?: y uno?)?) de {_FOREIGN_MONTH}(?!\w)"
    rf"(?: del?(?: {_NUMERAL}\b){{1,6}}|(?: del? {_YEAR}))?",
    re.I,
)
_ROMAN = re.compile(rf"(?<![\w./-]){_DAY}[./ -](?:XI{{0,2}}|IX|IV|VI{{0,3}}|I{{1,3}})[./ -](?:19|20)\d\d(?!\w)")
_ORDINAL = (
    r"(?:(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)|(?:twenty[- ])?(?:first|second|third|fourth|fifth|sixth|seventh"
    r"|eighth|ninth)"
    r"|tenth|eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth|thirty[- ]first)"
)
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_DAYS = re.compile(
    rf"\b(?P<date>{_WEEKDAY}\s(?:the\s)?{_ORDINAL})\b(?!\s(?:time|dose|one|visit|of\smy))"
    rf"|\b(?:weekend|week|night|morning|evening|afternoon|day)\s(?:of|after"
    rf"|before)\s(?P<date2>the\s{_ORDINAL})(?=\s*(?:[.,;?!\n]|$)"
    rf"|\s(?:and|i|we|he|she|because|when|of)\b)"
    rf"|\b(?:around|come back|back on|set for|scheduled for|due|return|seen|visit on|happened)\s(?P<date3>the\s"
    rf"{_ORDINAL})(?=\s*(?:[.,;?!\n]|$)|\s(?:and i|because|when|at)\b)",
    re.I,
)
# Two figures for month, day and year said in a row behind a birthday: "two nine fifty eight".
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_BIRTHDAY = re.compile(
    rf"\b(?:birthday|birth date|date of birth|born|d o b|dob)(?:['’]s|\s(?:is|was|on|it['’]s))?,?\s(?:uh\s"
    rf"|um\s)?(?P<date>(?:oh\s)?"
    rf"(?:{_ONES}|ten|eleven|twelve)\s(?:oh\s)?(?:\w{{3,5}}teen|ten|eleven|twelve|thirty(?:\sone)?"
    rf"|twenty(?:\s(?:{_ONES}))?|{_ONES})\s"
    rf"(?:nineteen\s|twenty\s)?(?:(?:{_TENS})(?:\s(?:{_ONES}))?|oh\s(?:{_ONES})|\w{{3,5}}teen|ten|eleven|twelve))\b",
    re.I,
)
_THIS_DAY = re.compile(
    rf"\bthis\s(?P<date>{_ORDINAL}\sday\sof\s\w{{3,9}},?\s(?:19|20)\d\d)|\b(?:l\.?n?\.?m\.?p\.?"
    rf"|last period)\s*:?\s*(?P<date2>"
    r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?![\w-])",
    re.I,
)
# The day before the month, where the words say that it is one: "due 14/3".
_DAY_MONTH = re.compile(
    r"\b(?:due|appt|appointment|seen|since|until|dated|collected|reviewed?|next|booked)\s(?:on\s|for\s|visit\s)?"
    r"(?P<date>(?:1[3-9]|2\d|3[01])/(?:0?[1-9]|1[0-2]))(?![\w/%]|[.]\d|\s*(?:mg|ml|vision|mmhg))",
    re.I,
)
_ISO_DOTTED = re.compile(r"(?<![\w.])(?:19|20)\d\d\.(?:0[1-9]|1[0-2])\.(?:0[1-9]|[12]\d|3[01])(?![\w.]*\d)")
_MONTH_WORDS = languages.FOREIGN | frozenset(_SHORT_MONTHS.split("|"))
_NTH = around("late_dates.ordinals")
_LABELS = around("late_dates.labels")
_WINDOW = 45  # characters around a word in which its date stands


def late_dates(reading: Reading) -> Iterator[tuple[int, int, float]]:
    """Places of such dates, and how sure they are; patterns run around words that a reading has anyway."""
    text = reading.text
    patterns: tuple[re.Pattern[str], ...]
    for pattern in (_ROMAN, _ISO_DOTTED):
        for match in pattern.finditer(text):
            yield *match.span(), LIKELY
    for word in reading.words:
        if word.low in _MONTH_WORDS:
            # Surer than the lists of names and streets, which know none of these words.
            patterns, score = (_FOREIGN, _IN_FOREIGN, _SAID_FOREIGN), CERTAIN
        elif word.low in languages.SHARED:
            patterns, score = (_POINTED,), CERTAIN
        elif word.low in _NTH:
            patterns, score = (_DAYS, _THIS_DAY), LIKELY
        elif word.low in _LABELS:
            patterns, score = (_BORN, _BIRTHDAY, _THIS_DAY, _DAY_MONTH, _ON_FOREIGN, _EASTERN), LIKELY
        else:
            continue
        start, end = max(0, word.start - _WINDOW), min(len(text), word.end + _WINDOW)
        for pattern in patterns:
            for match in pattern.finditer(text, start, end):
                yield *match.span(match.lastgroup or 0), score
