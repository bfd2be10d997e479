"""Dates with a short year behind a month's name, feast days of other calendars, days that are said in figures where a
day is asked for or arranged, and months in capitals at the end of what began or ended then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.slash_days import slash_days

_TITLE = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEPT?|OCT|NOV|DEC)"
_D = r"(?:3[01]|[12]\d|0?[1-9])"
_SHORT_YEAR = re.compile(
    rf"(?<![\w.,/-]){_D}(?:st|nd|rd|th)?[ ](?:{_TITLE}|January|February|March|April|June|July|August|September|October"
    r"|November|December)\.?,?[ ]['’]?\d\d(?![\w%°]|[:.,/-]\d|\s?(?:mg|mcg|ml|units?|hrs?|hours?|days?|weeks?|am|pm"
    r"|yo|y/o)\b)"
)
_NIGHT = re.compile(
    rf"(?<![\w.,/-]){_D}[/–-]{_D}(?:st|nd|rd|th)?[ ](?:of[ ])?{_TITLE}[a-z]{{0,6}}\b(?:[ ](?:19|20)\d\d)?"
)
_SHORT_SIGN = re.compile(r"\d(?:st|nd|rd|th)? (?:of )?[JFMASOND][A-Za-z]{2}")
_FEASTS = re.compile(
    r"\b(?:bonfire night|guy fawkes(?:['’]?s?)?(?: (?:night|day))?|michaelmas(?: day)?|martinmas|candlemas|lammas"
    r"|whits?un(?:tide)?"
    r"|whit (?:sunday|monday)|shrove tuesday|pancake (?:day|tuesday)|mothering sunday|maundy thursday"
    r"|holy (?:thursday|saturday)"
    r"|low sunday|trinity sunday|advent sunday|ascension (?:day|thursday)|corpus christi day|pentecost(?: sunday)?"
    r"|hogmanay"
    r"|burns night|twelfth night|st(?:int|\.)? (?:george|andrew|david|swithin|nicholas|lucia|valentine"
    r"|stephen)['’]?s(?: day| eve)?"
    r"|remembrance (?:day|sunday)|armistice day|anzac day|waitangi day|australia day|bastille day|(?:early )?may day"
    r"|(?:spring|summer|may|august|late may|early may|easter)? ?bank holiday(?: monday)?|day of the dead"
    r"|d[ií]a de (?:los )?muertos"
    r"|three kings(?: day)?|(?:lunar|chinese|orthodox|jewish) (?:new year|christmas|easter)(?: eve)?|purim|sukkot"
    r"|sukkoth|shavuot"
    r"|simchat torah|nowruz|holi festival|vesak|vaisakhi|songkran|president['’]?s['’]? day|tax day|election day"
    r"|leap day|earth day|super tuesday|the (?:super bowl|ides of march))\b",
    re.I,
)
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_MONTH_SAID = rf"(?:oh )?(?:{_ONES}|ten|eleven|twelve)"
_DAY_SAID = (
    rf"(?:oh (?:{_ONES})|thirty(?:[- ]one)?|twenty(?:[- ](?:{_ONES}))?|ten|eleven|twelve|(?:thir|four|fif|six|seven"
    rf"|eigh"
    rf"|nine)teen|{_ONES})"
)
_YEAR_SAID = (
    r"(?: (?:of )?(?:(?:nineteen|twenty) )?(?:oh \w{3,5}|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
    rf"(?:[- ](?:{_ONES}))?|\w{{3,5}}teen|ten|eleven|twelve))?"
)
_SAID = re.compile(rf"{_MONTH_SAID} {_DAY_SAID}(?P<year>{_YEAR_SAID})(?!['’\w])", re.I)
_STOPS = r"\s*(?:[.,;?!\n\[]|$)"
# What stands before and behind a month and a day that are said in figures.
_SHOWN = tuple(
    (re.compile(rf"{before}$", re.I), re.compile(behind, re.I))
    for before, behind in (
        # "Got you down for five twenty two at nine fifteen".
        (
            r"\b(?:down for|set for|booked for|scheduled for|appointment(?:['’]s)?(?: is| on| for| was)?"
            r"|see you(?: on)?"
            r"|openings?(?: on| is)?|available(?: on)?|moved?(?: it| you| that)? to|back on|due(?: on)?"
            r"|coming in(?: on)?)\s",
            r"\sat\s(?:noon|the|about|around|like|\w+(?:\s(?:\w+teen|thirty|fifteen|forty|o['’]?clock|a\s?m|p\s?m"
            r"|in)))\b"
            r"|\swith\s[a-z]",
        ),
        # "Last dose four two", "yeah she came seven twenty one": what was done, and the end of the turn.
        (
            r"\b(?:(?:last|next|first|previous) (?:dose|visit|shot|seen|period|refill|fill|change|time|one"
            r"|appointment|check"
            r"|treatment|infusion|session|bm)(?: (?:was|is|on))?|came(?: by| in| out)?|was here|visited|stopped by"
            r"|was seen"
            r"|saw (?:her|him|them)|changed|placed|started|removed|admitted|discharged|expires?|expired|dated|effective"
            r"|filled(?: on)?|drawn|collected|date of \w+(?: is| was)?|d o [bs]|fell|delivered|since|signed|mailed"
            r"|went home)\s",
            _STOPS,
        ),
        # The answer to a question for a day in one line: "Date of service? PT: twelve eight."
        (
            r"\b(?:date of [a-z]+|(?:what|which) (?:day|date)|since when|birth ?(?:day|date))\b[^\n\[\]:.]{0,24}\?\s*"
            r"(?:[A-Za-z][A-Za-z.' ]{0,20}:|\[[^\]\n]{1,20}\])\s*(?:(?:um|uh|it's|that's|it was|the|oh|on|my"
            r"|is)[\s,]+){0,3}",
            _STOPS,
        ),
    )
)
_PADDED = re.compile(rf"oh (?:{_ONES})[ ,]+{_DAY_SAID}{_YEAR_SAID[:-1]}(?!['’\w]|[\s,]+(?:oh|zero|{_ONES})\b)", re.I)
_FIRST_DAYS = re.compile(
    r"\b(?:appointment|visit|surgery|booked|scheduled|down|set|see you|back|due)(?:['’]s)?(?:\s(?:is|was"
    r"|in))?\s(?:for|on|by)\s"
    r"(?P<date>the\s(?:first|second|third))(?=\s*(?:[.,;?!\n]|$)|\s(?:at|with|in the|because)\b)",
    re.I,
)
_MONTHS_SAID = frozenset((*_ONES.split("|"), "oh", "ten", "eleven", "twelve"))
_FIRST_THREE = frozenset(("first", "second", "third"))
_WEEKDAYS = frozenset(("mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun"))
_NTH_OF_WEEK = re.compile(r"\w{3,5}\.?,?[ ](?:the[ ])?\d{1,2}(?:st|nd|rd|th)\b")
_DATED = frozenset(("dated", "date", "dob"))
_SPACED = re.compile(r"\w+:?[ ](?:on[ ]|is[ ])?(?P<date>\d{1,2}[ ]\d{1,2}[ ]\d\d)(?![\w.]|[ ]\d)")
_MONTHS = frozenset(("may", "march"))
_FEAST_SIGNS = around("further_dates.feasts")
_SIGNS = _MONTHS_SAID | _FIRST_THREE | _FEAST_SIGNS | _MONTHS | _WEEKDAYS | _DATED
_FEAST = 24  # characters around a word of a feast day
_BACK = 90  # characters before a day in which the question for it stands
# At the end of what began or ended then; a woman called May does not end there.
_CAPITAL = re.compile(
    r"\b(?:off|out|back|since|due|last|next|started|ended|ending|begins|began|hired|retired|discharged|graduated"
    r"|until|til|till"
    r"|through|thru|mid|early|late|exp|expires|eff|surgery|again|visit|appt|every|each|diagnosed|dx|onset|in|for)\s"
    r"(?P<date>May|March)(?=\s*(?:[.,;)\n]|$))"
)
_MONTH_ASKED = re.compile(
    r"\bmonth\b[^\n]{0,24}\n(?:[a-z][a-z .]{0,20}:\s)?(?:(?:it['’]s|uh|um|is it|oh)[ ,]){0,2}$", re.I
)
_SAID_MONTH = re.compile(
    r"march\s(?:twenty|thirty|(?:thir|four|fif|six|seven|eigh|nine)teen|ten|eleven|twelve)(?:[- ](?:one|two|three"
    r"|four|five|six"
    r"|seven|eight|nine))?(?!\s(?:steps|miles|people|times)\b)(?!\w)"
)


def further_dates(reading: Reading) -> Iterator[tuple[int, int]]:
    """Places of such dates; most patterns run around words that a reading has anyway."""
    text = reading.text
    if "/" in text:
        yield from slash_days(text)
    if _SHORT_SIGN.search(text):
        for match in chain(_SHORT_YEAR.finditer(text), _NIGHT.finditer(text)):
            yield match.span()
    for word in reading.words:
        if word.low in _SIGNS:
            yield from _around(text, word)


def _around(text: str, word: Word) -> Iterator[tuple[int, int]]:
    start, end = word.start, word.end
    if word.low in _MONTHS_SAID:
        yield from _said(text, start)
    elif word.low in _FIRST_THREE:
        if text[max(0, start - 4) : start].lower() == "the ":
            for match in _FIRST_DAYS.finditer(text, max(0, start - _BACK), end + 12):
                yield match.span("date")
    elif word.low in _WEEKDAYS and word.capital and (nth := _NTH_OF_WEEK.match(text, start)):
        yield nth.span()
    elif word.low in _DATED and (spaced := _SPACED.match(text, start)):
        yield spaced.span("date")
    elif word.low in _FEAST_SIGNS:
        for match in _FEASTS.finditer(text, max(0, start - _FEAST), end + _FEAST):
            yield match.span()
    if word.low in _MONTHS:
        if _MONTH_ASKED.search(text, max(0, start - _BACK), start):
            yield start, end
        if month := _SAID_MONTH.match(text, start):
            yield month.span()
        if word.capital:
            for match in _CAPITAL.finditer(text, max(0, start - 12), end + 2):
                yield match.span("date")


def _said(text: str, start: int) -> Iterator[tuple[int, int]]:
    said = _SAID.match(text, start)
    if said:
        back = max(0, start - _BACK)
        if any(behind.match(text, said.end()) and before.search(text, back, start) for before, behind in _SHOWN):
            yield said.span()
    padded = _PADDED.match(text, start)
    if padded:
        yield padded.span()
