"""Dates in other languages, and days that the words around them show: "Thursday the 12th", "week of the fourth"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.lexicon import around
from appliance.deid.reading import Reading

_MONTHS = (
    # Spanish, French, German, Italian, Portuguese, Dutch, Polish (genitive), Swedish, Danish and Norwegian.
    r"enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|diciembre"
    r"|janvier|février|fevrier|mars|avril|mai|juin|juillet|août|aout|septembre|octobre|novembre|décembre|decembre"
    r"|jänner|januar|februar|märz|maerz|juni|juli|oktober|dezember"
    r"|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
    r"|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro"
    r"|januari|februari|maart|mei|augustus|desember|desember"
    r"|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|listopada|grudnia"
)
# Words of English as well: only before a year.
_SHORT_MONTHS = r"ene|abr|ago|dic|janv|févr|avr|juil|déc|mrz|okt|dez|gen|mag|giu|lug|set|ott|fev|out"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_FOREIGN = re.compile(
    rf"(?<![\w.,/-]){_DAY}(?:er|º|\.)?[ -](?:de |di |d['’])?(?:{_MONTHS})\b\.?(?:[ -](?:de |del |di )?(?:(?:19"
    rf"|20)\d\d|\d\d(?!\d)))?"
    rf"|\b(?:{_MONTHS})\s(?:de\s|del\s)?(?:19|20)\d\d\b"
    rf"|(?<![\w.,/-]){_DAY}[ -](?:{_SHORT_MONTHS})\.?[ -](?:19|20)\d\d\b",
    re.I,
)
_BORN = re.compile(
    r"\b(?:geb(?:oren)?\.?(?:\sam)?|geburtsdatum|née?(?:\sle)?|fecha de nacimiento|data di nascita|data de nascimento"
    r"|nacid[oa]"
    r"(?:\sel)?|nat[oa](?:\sil)?|geboortedatum|ur\.|født)\s*:?\s*(?P<date>\d{1,2}[./-]\d{1,2}[./-](?:19"
    r"|20)?\d\d)(?!\d)",
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
_MONTH_WORDS = frozenset(f"{_MONTHS}|{_SHORT_MONTHS}".split("|"))
_NTH = around("late_dates.ordinals")
_LABELS = around("late_dates.labels")
_WINDOW = 45  # characters around a word in which its date stands


def late_dates(reading: Reading) -> Iterator[tuple[int, int]]:
    """Places of such dates; patterns run around words that a reading has anyway."""
    text = reading.text
    for pattern in (_ROMAN, _ISO_DOTTED):
        for match in pattern.finditer(text):
            yield match.span()
    for word in reading.words:
        if word.low in _MONTH_WORDS:
            patterns: tuple[re.Pattern[str], ...] = (_FOREIGN,)
        elif word.low in _NTH:
            patterns = (_DAYS, _THIS_DAY)
        elif word.low in _LABELS:
            patterns = (_BORN, _BIRTHDAY, _THIS_DAY, _DAY_MONTH)
        else:
            continue
        start, end = max(0, word.start - _WINDOW), min(len(text), word.end + _WINDOW)
        for pattern in patterns:
            for match in pattern.finditer(text, start, end):
                yield match.span(match.lastgroup or 0)
