"""Dates in every written and spoken form, and ages over 89; a year alone stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from appliance.deid.identifier import IdentifierKind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.bare_ages import bare_ages
from appliance.deid.recognisers.base import CERTAIN, LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.by_letter import by_letter
from appliance.deid.recognisers.date_forms import date_forms
from appliance.deid.recognisers.date_parts import date_parts, with_beside
from appliance.deid.recognisers.days import days
from appliance.deid.recognisers.further_dates import further_dates
from appliance.deid.recognisers.late_dates import late_dates
from appliance.deid.recognisers.old_ages import old_ages
from appliance.deid.recognisers.said_dates import said_dates

_LONG_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_MONTH = rf"(?:{_LONG_MONTH}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
_UNITS = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
_ORDINAL = (
    rf"(?:twenty[- ](?:{_UNITS})|thirty[- ]first|twentieth|thirtieth|tenth|eleventh|twelfth"
    rf"|thirteenth|fourteenth|fifteenth"
    rf"|sixteenth|seventeenth|eighteenth|nineteenth|{_UNITS})"
)
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_CARDINAL = rf"(?:(?:{_TENS})(?:[- ](?:{_ONES}))?|{_TEENS}|{_ONES})"
_SPOKEN_YEAR = (
    rf"(?:(?:nineteen|twenty)[- ](?:hundred(?:[- ]and)?[- ]?)?(?:(?:oh|o|zero)[- ](?:{_ONES})"
    rf"|(?:{_TENS})(?:[- ](?:{_ONES}))?|{_TEENS})"
    rf"|two[- ]thousand(?:[- ](?:and[- ])?{_CARDINAL})?)"
)
_DAY = rf"(?:the\s+)?(?:(?:0?[1-9]|[12]\d|3[01])(?:\s?(?:st|nd|rd|th))?(?!\d|[.,]\d|\s?%)|{_ORDINAL})"
_DAY_SPOKEN = rf"(?:{_DAY}|{_CARDINAL})"
_YEAR = rf"(?:(?:19|20)\d\d(?!\d)|['’]\d\d(?!\d)|{_SPOKEN_YEAR})"
_COMMA_YEAR = rf"(?:\s*,?\s*(?:(?:of|in)\s+)?(?:the\s+year\s+)?{_YEAR})"
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)"
_RANGE = (
    rf"(?:\s*(?:-|–|—|to|through|thru|and|or|until)\s*{_DAY}(?!\s*(?:mg|mcg|ml|days?|weeks?"
    rf"|months?|years?|hours?|times|%)))?"
)
_NOT_UNIT = (
    r"(?!\s*(?:mg|mcg|ml|g|kg|units?|days?|weeks?|months?|years?|hours?|minutes?|times|tablets?|pills?|doses?|more|%))"
)

# With what such a date can begin: the whole pattern is tried nowhere else.
_ORDINAL_SIGNS = "twe|thi|ten|ele|fou|fif|six|sev|eig|nin|fir|sec"
_NAMED_SIGNS = by_letter(
    "mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    rf"|{_ORDINAL_SIGNS}|the\s+(?:\d|{by_letter(_ORDINAL_SIGNS)})"
)
_NAMED = re.compile(
    rf"\b(?=\d|{_NAMED_SIGNS})(?:{_WEEKDAY}\.?,?\s+(?:the\s+)?)?(?:"
    rf"(?:{_MONTH})\.?\s+{_DAY}{_NOT_UNIT}{_RANGE}{_COMMA_YEAR}?"
    rf"|(?:{_LONG_MONTH})\s+{_CARDINAL}{_NOT_UNIT}{_COMMA_YEAR}?"
    rf"|{_DAY}{_RANGE}(?:\s+day)?\s*(?:of\s+)?(?:{_MONTH})\b\.?{_COMMA_YEAR}?"
    rf"|(?:0?[1-9]|[12]\d|3[01])[-/. ](?:{_MONTH})[-/., ]{{1,2}}(?:(?:19|20)\d\d|\d\d)"
    rf"|(?:0?[1-9]|[12]\d|3[01])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:19|20)?\d\d"
    rf"|(?:19|20)\d\d[-/ ](?:{_MONTH})[-/ ](?:0?[1-9]|[12]\d|3[01])"
    rf"|(?:{_MONTH})\.?[-/,]?\s*(?:of\s+)?(?:the\s+year\s+)?{_YEAR}"
    rf"|(?:{_LONG_MONTH})\s+of\s+(?:last|this|that|next)\s+year"
    rf")(?![\w])",
    re.I,
)
_MONTH_ALONE = re.compile(
    rf"\b{by_letter('january|february|april|june|july|august|september|october|november|december')}(?:'s|’s)?\b"
    # The word first, then what stands before it.
    r"|(?-i:[mM])(?=ay\b|arch\b)(?:(?<=\bin .)|(?<=\bsince .)|(?<=\blast .)|(?<=\bnext .)|(?<=\buntil .)|(?<=\bof .)"
    r"|(?<=\bearly .)|(?<=\blate .)|(?<=\bmid .)|(?<=\bmid-.)|(?<=\bduring .)|(?<=\bfrom .)|(?<=\bthis past .)"
    r"|(?<=\bthrough .)|(?<=\bbetween .))(?:ay|arch)",
    re.I,
)
# "may" and "march" where no verb can stand: beside another month, behind "around", at the end of a question.
_VERBAL_MONTH = re.compile(r"\b(?:may|march)\b", re.I)
_TIMES = re.compile(
    r"\b(?:around|about|after|before|by|till|through|past|beginning of|end of|middle of|start of|into|like)\s+$", re.I
)
_MONTH_BEFORE = re.compile(rf"\b({_LONG_MONTH})\s+(?:or|and|to|through|until|into)\s+(?:maybe\s+)?$", re.I)
_MONTH_BEHIND = re.compile(rf"\s+(?:or|and|to|through|until|into)\s+(?:maybe\s+)?({_LONG_MONTH})\b", re.I)
_IT_WAS = re.compile(
    r"\b(?:was (?:it|that)|is (?:it|that)|it was|that was|it ?['’]s|that ?['’]s|in|due)\s+(?:like |about |around )?$",
    re.I,
)
_ENDS = re.compile(r"\s*(?:[?.,\n]|$)")
_VERB = re.compile(
    r"\s+(?:be|have|not|i|we|you|he|she|they|it|also|need|want|help|cause|in place|on|just|well|or may|want)\b", re.I
)
_MONTH_CAPITAL = re.compile(
    r"M(?=ay\b|arch\b)(?:(?:(?<=\bby M)|(?<=\bthis M))(?:ay|arch)|(?:(?<=\band M)|(?<=\bto M))(?:ay|arch)(?=[.,;]))"
)
_NUMERIC = re.compile(
    r"(?<![\w.])(?<!\d[/-])(?:"
    r"(?P<a>\d{1,2})(?P<s>\s?[/.-]\s?|\s)(?P<b>\d{1,2})(?P=s)(?P<y>(?:19|20)\d\d|\d\d)"
    r"|(?P<y2>(?:19|20)\d\d)(?P<s2>[/.-])(?P<a2>\d{1,2})(?P=s2)(?P<b2>\d{1,2})(?:[T"
    r" ]\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r")(?![\w/]|[.-]\d)"
)
_COMPACT = re.compile(r"(?<![\w.-])(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?(?![\w])")
_MONTH_YEAR = re.compile(r"(?<![\w./-])(?:0?[1-9]|1[0-2])\s?[/-]\s?(?:19|20)\d\d(?![\w/-])")
_DAY_ALONE = re.compile(
    rf"\b{by_letter('on|by|until|since|before|after|from')}\s+(?P<date>the\s+(?:(?:0?[1-9]|[12]\d"
    rf"|3[01])(?:st|nd|rd|th)|{_ORDINAL})"
    r"(?:\s+of\s+(?:this|last|next|the)\s+month)?)(?=\s*(?:[.,;!?\n]|$)|\s+(?:at|and i|and we|because|or the"
    r"|if that|works?|he|she|i|we|they|my|when|in the (?:morning|afternoon))\b|(?<=month))",
    re.I,
)
# "For the twenty second at ten": ordinals that count nothing else as often.
_DAY_LATE = re.compile(
    r"\b"
    + by_letter("for|is|was|it['’]s|around|about")
    + r"\s+(?P<date>the\s+(?:twenty[- ](?:"
    + _UNITS
    + r")|thirty[- ]first|thirtieth"
    r"|twentieth|eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth))(?=\s*(?:[.,;!?\n]|$)|\s+(?:at|and"
    r"|or|because|if|in the|i|we)\b)",
    re.I,
)
# "Five twelve nineteen sixty": month, day and a year of two parts.
_READ_OUT = re.compile(
    rf"\b(?:oh\s+)?(?:{_ONES}|ten|eleven|twelve)[ ,]{{1,2}}(?:oh\s+)?(?:{_CARDINAL})[ ,]{{1,2}}"
    rf"(?:nineteen[- ](?:oh[- ])?(?:(?:{_TENS})(?:[- ](?:{_ONES}))?|{_TEENS}|{_ONES})"
    rf"|twenty[- ](?:oh[- ](?:{_ONES})|twenty(?:[- ](?:{_ONES}))?|{_TEENS})"
    rf"|two[- ]thousand(?:[- ](?:and[- ])?{_CARDINAL})?)\b",
    re.I,
)
_QUARTER = re.compile(r"\bQ[1-4]\s?(?:of\s)?(?:19|20)\d\d\b")
_DAY_OF_WEEK = re.compile(
    rf"\b(?=[wmtfs])(?:week(?:end)? of|{_WEEKDAY},?(?:\s+(?:on|is|was|,))?"
    rf"|the month,?)\s+(?P<date>the\s+(?:(?:0?[1-9]|[12]\d|3[01])"
    rf"(?:st|nd|rd|th)|{_ORDINAL}))\b(?!\s+(?:time|dose|one|day|visit|trimester|week|month|floor))",
    re.I,
)
_LABEL = re.compile(
    r"\b"
    + by_letter(
        r"d\.?o\.?b\.?|d o b|date\s+of\s+(?:birth|death|service|admission|discharge|surgery)"
        r"|birth\s?(?:date|day)|born(?:\s+on)?|dos|doa|dod"
    )
    + r"(?![\w])"
    r"(?:\s*(?:(?:is|was|on|the|of|it's|that's|would be)\b|[:=,-])){0,4}\s*",
    re.I,
)
_LABELLED = re.compile(
    rf"(?:(?:{_MONTH}\b\.?|{_DAY_SPOKEN}|{_YEAR}|\d{{1,8}}|oh|zero|hundred|thousand|and|of"
    rf"|the)(?:\s*[/.,-]\s*|\s+|(?=[^\w\s])|$)){{1,10}}",
    re.I,
)
_ONLY_YEAR = re.compile(rf"(?:in\s+|the\s+year\s+)?{_YEAR}\W*$|\d{{4}}\W*$", re.I)
# The pattern runs only where the text has one of these.
_HOLIDAY_SIGNS = (
    "christmas", "thanksgiving", "halloween", "new year", "valentine", "independence", "memorial day", "labor day",
    "easter", "s day", "s' day", "s’ day", "juneteenth", "mlk", "king", "columbus", "groundhog", "boxing", "indigenous",
    "flag", "canada", "friday", "ash wed", "palm sun", "mardi", "de mayo", "bowl sun", "hanukkah", "chanukah",
    "passover",
    "yom", "rosh", "ramadan", "eid", "diwali", "kwanzaa",
)  # fmt: skip
_HOLIDAY = re.compile(
    r"\b"
    + by_letter(
        r"christmas(?:\s+(?:eve|day))?|thanksgiving(?:\s+day)?|halloween"
        r"|new\s+year(?:['’]?s)?\s+(?:eve|day)|new\s+year['’]?s(?!\s+resolution)|valentine['’]?s\s+day|independence\s+day"
        r"|memorial\s+day|labor\s+day|easter(?:\s+(?:sunday|monday))?|(?:mother|father|grandparent|veteran|president"
        r"|patriot"
        r"|all saint|all soul|saint patrick|st\.? patrick)(?:['’]?s|s['’])?\s+day|juneteenth|(?:mlk"
        r"|martin luther king(?: jr\.?)?"
        r"|columbus|groundhog|boxing|indigenous peoples['’]?|flag|canada)\s+day|(?:good|black)\s+friday|ash\s+wednesday"
        r"|palm\s+sunday|mardi\s+gras|cinco\s+de\s+mayo|super\s?bowl\s+sunday|hanukkah|chanukah|passover|yom\s+kippur"
        r"|rosh\s+hashanah?|ramadan|eid(?:\s+al[- ]\w{4,5})?|diwali|kwanzaa"
    )
    + r"\b(?!\s+(?:disease|factor|tree|island))",
    re.I,
)


class DateRecogniser(ReadingRecogniser):
    """Months and days; a weekday beside them belongs to the date, because it would tell how far it was shifted."""

    kinds = (IdentifierKind.DATE,)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Searches by form; the forms overlap and are joined later."""
        further = (Found(start, end, IdentifierKind.DATE, LIKELY) for start, end in further_dates(reading))
        for found in chain(self._forms(reading), further):
            start = with_beside(reading.text, found.start)
            yield found if start == found.start else replace(found, start=start)

    def _forms(self, reading: Reading) -> Iterator[Found]:
        text = reading.text
        for match in _NAMED.finditer(text):
            if not _is_modal(match.group()):
                yield Found(match.start(), match.end(), IdentifierKind.DATE, CERTAIN)
        low = text.lower()
        forms = [_MONTH_ALONE, _MONTH_CAPITAL, _QUARTER]
        if any(sign in low for sign in _HOLIDAY_SIGNS):
            forms.append(_HOLIDAY)
        if "nineteen" in low or "twenty" in low or "thousand" in low:
            forms.append(_READ_OUT)
        for pattern in forms:
            for match in pattern.finditer(text):
                yield Found(match.start(), match.end(), IdentifierKind.DATE, LIKELY)
        for pattern in (_COMPACT, _MONTH_YEAR):
            for match in pattern.finditer(text):
                yield Found(match.start(), match.end(), IdentifierKind.DATE, LIKELY)
        for match in _NUMERIC.finditer(text):
            if _is_date(match):
                yield Found(match.start(), match.end(), IdentifierKind.DATE, CERTAIN)
        if "/" in text:
            yield from days(text)
        for start, end in chain(date_forms(text), date_parts(reading), said_dates(text)):
            yield Found(start, end, IdentifierKind.DATE, LIKELY)
        for start, end, score in late_dates(reading):
            yield Found(start, end, IdentifierKind.DATE, score)
        for pattern in (_DAY_ALONE, _DAY_LATE, _DAY_OF_WEEK):
            for match in pattern.finditer(text):
                yield Found(match.start("date"), match.end("date"), IdentifierKind.DATE, LIKELY)
        for word in _VERBAL_MONTH.finditer(text):
            if _is_month(text, word):
                yield Found(word.start(), word.end(), IdentifierKind.DATE, LIKELY)
        for label in _LABEL.finditer(text):
            value = _LABELLED.match(text, label.end())
            if value and any(c.isalnum() for c in value.group()) and not _ONLY_YEAR.match(value.group().strip()):
                end = value.start() + len(value.group().rstrip(" \t\n,.-/"))
                yield Found(value.start(), end, IdentifierKind.DATE, LIKELY)


def _is_modal(text: str) -> bool:
    """Whether "may" or "march" is a verb here: "may one", "march two"; a figure or an ordinal makes it a month."""
    low = text.lower()
    return (
        low.startswith(("may ", "march "))
        and text[0].islower()
        and not re.search(
            r"\d(?:st|nd|rd|th)|\d{4}|(?:th|first|second|third|ieth)\b|^\w+\s\d{1,2}$|,|thousand|nineteen|twenty", low
        )
    )


def _is_month(text: str, word: re.Match[str]) -> bool:
    """Whether "may" or "march" stands where a month stands and no verb can."""
    if _VERB.match(text, word.end()):
        return False
    start, said = max(0, word.start() - 30), word.group().lower()
    before, behind = _MONTH_BEFORE.search(text, start, word.start()), _MONTH_BEHIND.match(text, word.end())
    if any(other is not None and other[1].lower() != said for other in (before, behind)):
        return True
    if _TIMES.search(text, start, word.start()):
        return True
    return bool(_IT_WAS.search(text, start, word.start()) and _ENDS.match(text, word.end()))


def _is_date(match: re.Match[str]) -> bool:
    if match["y2"]:
        return 1 <= int(match["a2"]) <= 12 and 1 <= int(match["b2"]) <= 31
    first, second, sign = int(match["a"]), int(match["b"]), match["s"].strip()
    fits = (1 <= first <= 12 and 1 <= second <= 31) or (1 <= second <= 12 and 1 <= first <= 31)
    # 12 08 1990 is a date, 12 08 90 could be anything; 1.2.30 could be a section.
    long = len(match["y"]) == 4
    return fits and (
        long
        or sign == "/"
        or (sign == "-" and not (first > 12 and second > 12))
        or (sign == "." and first > 0 and second > 9)
    )


_OLD = r"(?:9\d|1[0-4]\d)"
_OLD_SPOKEN = rf"(?:ninety(?:[- ](?:{_ONES}))?|(?:a|one)[- ]hundred(?:(?:[- ]and)?[- ](?:{_ONES}|{_TEENS}))?)"
# With what such an age can begin behind what stands before it.
_AGE_SIGNS = by_letter("ninet|a[- ]hundred|one[- ]hundred|of\\s|early|mid|late|90|hundreds|nonagen|centen|supercenten")
_AGE = re.compile(
    rf"(?={_OLD}|{_AGE_SIGNS})(?:(?<![\w.,/-])(?:{_OLD}|{_OLD_SPOKEN})[\s-]*(?:(?:years?|yrs?|yr|y)\.?[\s-]*(?:olds?\b|young\b"
    rf"|/?o\b\.?|of\s+age)|yo[mf]?\b|y/?o\b|y\.o\.)"
    rf"|(?<=\bage )(?:of\s+)?(?:{_OLD}|{_OLD_SPOKEN})(?![\w%]|[.,]\d)"
    rf"|(?<=\bage: )(?:{_OLD})(?![\w%]|[.,]\d)|(?<=\bage:)(?:{_OLD})(?![\w%]|[.,]\d)|(?<=\bage"
    rf" is )(?:{_OLD}|{_OLD_SPOKEN})(?![\w%])"
    rf"|(?<=\baged )(?:{_OLD}|{_OLD_SPOKEN})(?![\w%]|[.,]\d)"
    rf"|(?<=\bturned )(?:{_OLD}|{_OLD_SPOKEN})(?![\w%]|[.,]\d|\s*degrees)|(?<=\bturning"
    rf" )(?:{_OLD}|{_OLD_SPOKEN})(?![\w%]|\s*degrees)"
    rf"|(?<=\bin (?:his|her) )(?:(?:early|mid|late)[\s-])?(?:nineties|90['’]?s|hundreds)\b"
    rf"|(?<=\bin their )(?:(?:early|mid|late)[\s-])?(?:nineties|90['’]?s)\b"
    rf"|\b(?:nonagenarian|centenarian|supercentenarian)s?\b"
    rf"|(?<![\w.,/-]){_OLD}\s?[MF](?=\s+(?:with|w/|presents|presenting|c/o|h/o|s/p|admitted"
    rf"|here|who|from|pt|patient)\b))",
    re.I,
)
_IS_AGE = re.compile(
    rf"\b(?:who|she|he|they|mother|father|mom|dad|grandmother|grandfather|grandma|grandpa"
    rf"|patient|wife|husband|i|age|aunt|uncle)(?:\s+(?:is|was|am|are)|\s?['’](?:s|m|re))"
    rf"(?:\s+(?:now|already|almost|just|about|only|like|currently))?\s+(?P<age>{_OLD}"
    rf"|{_OLD_SPOKEN})(?=\s*(?:[,;!?\n]|\.(?!\d)|$)|\s+(?:and|but|so|now|with|or|when|who)\b)",
    re.I,
)
# Beside a sex an age has no unit: "91F BIBA", "pt 94M"; a temperature has one too, "T 99F".
_AGE_SEX = re.compile(
    rf"(?P<before>(?:^|\n|[:;(]|\b(?:pt|patient|is|an?|this|the|our|hpi|cc|id|s|male|female|elderly|frail|pleasant"
    rf"|with|w))\s*)?"
    rf"(?<![\w.,/-])(?P<age>{_OLD})\s?(?:[MF]|(?:y\.?o\.?\s?)?(?:male|female|man|woman|gentleman|lady|wm|wf|bm|bf))"
    rf"(?P<behind>\s+(?:with|w/?|p/?w|presents?|presenting|c/o|h/o|hx|pmh|s/p|biba|bib|via|admitted|here|who|from"
    rf"|found|sent|brought"
    rf"|transferred|fell|fall|lives|residing|seen|had|has|in|on|s|status|pt|patient|dnr|a&o|ecog|nursing|snf|alf)\b"
    rf"|[,;)](?!\d))?"
    rf"(?![\w°])",
    re.I,
)
WARM = re.compile(
    r"\b(?:temp(?:erature)?|tmax|tm|t|fever|febrile|afebrile|degrees?|oral|axillary|rectal"
    r"|tympanic)\b\W*(?:\w+\W+){0,2}$",
    re.I,
)
"""Behind these words a number with an F is a temperature, not an age with a sex."""
# Spoken, after somebody: nothing that is counted or measured follows.
_SAID_AGE = re.compile(
    rf"\b(?:he|she|who|i|mom|dad|mother|father|grandma|grandpa|grandmother|grandfather|wife|husband|aunt|uncle"
    rf"|brother|sister)"
    rf"(?:\s+(?:is|was|am|just turned|turned|turns|will be|would be|['’]?ll be|must be)|\s?['’](?:s|m|d be|ll be))"
    rf"(?:\s+(?:now|already|almost|just|about|only|like|currently|gonna be|going to be))?\s+(?P<age>{_OLD_SPOKEN})"
    rf"(?!\s*[-/]|\s+(?:percent|degrees?|pounds?|lbs|kilos?|kilograms?|days?|weeks?|months?|hours?|minutes?"
    rf"|seconds?|miles"
    rf"|feet|times|over|on|milligrams?|dollars|beats|sure|certain|better|steps|points|by|per|to|or|thousand|point|{_ONES}|and)\b)",
    re.I,
)
_GOING_ON = re.compile(
    rf"\b(?:going on|pushing|nearly|(?:he|she|you|i|they|mom|dad) hits?|live to be|made it to|celebrat(?:ed"
    rf"|ing) (?:his|her))"
    rf"\s+(?P<age>{_OLD}|{_OLD_SPOKEN})(?![\w%/]|[.,]\d|\s+(?:percent|degrees?|pounds?|days?|weeks?|months?|hours?"
    rf"|minutes?|miles|feet|times|dollars|beats|steps|points|thousand|mg|ml)\b)"
    rf"|(?<![\w.])(?<!\d/)(?P<sexed>{_OLD})\s?/\s?[MF]\b|\b[MF]\s?/\s?(?P<after>{_OLD})(?![\w/%]|[.]\d)"
    rf"|(?<![\w./,-])(?P<years>{_OLD}\s?(?:yrs?|y))(?=[\s.,;)]|$)|(?<=[;,]\s)at\s+(?P<now>{_OLD_SPOKEN}),?\s+(?:i"
    rf"|he|she|you|we)\b",
    re.I,
)
_NINETY = re.compile(r"9\d|1[0-4]\d|(?:ninet|hundred|nonagen|centen)", re.I)
_REACHED = re.compile(
    rf"\b{by_letter('died|passed(?: away| on)?|death|lived|made it|reached|deceased|still alive|turns?')}\s+"
    rf"(?:\w{{1,12}}\s+){{0,3}}?"
    rf"(?:at|to(?: be)?|until|age|past)\s+(?:the age of\s+|age\s+|almost\s+|over\s+)?(?P<age>{_OLD}|{_OLD_SPOKEN})"
    rf"(?![\w%/]|[.,]\d)"
    rf"|(?:^|[\].?!\n])\s*(?:(?:and|but|so|well),?\s+)?at\s+(?P<now>{_OLD}|{_OLD_SPOKEN}),?\s+(?:i|he|she|you|we)\b"
    rf"|\b(?:(?:grand|step)?(?:mother|father|son|daughter)|mom|dad|grandma|grandpa|aunt|uncle|sister|brother"
    rf"|husband|wife)"
    rf",?\s\(?(?P<kin>{_OLD})(?=\)|,\s)",
    re.I,
)


class AgeRecogniser(ReadingRecogniser):
    """Ages over 89: with the words that make them an age, so that nothing tells what stood there."""

    kinds = (IdentifierKind.AGE,)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Numbers of 90 and more beside words of age."""
        for start, end in bare_ages(reading.text):
            yield Found(start, end, IdentifierKind.AGE, LIKELY)
        if not _NINETY.search(reading.text):
            return
        for match in _AGE.finditer(reading.text):
            if not (match.group()[-1] in "Ff" and WARM.search(reading.text, max(0, match.start() - 30), match.start())):
                yield Found(match.start(), match.end(), IdentifierKind.AGE, CERTAIN)
        for match in _AGE_SEX.finditer(reading.text):
            warm = WARM.search(reading.text, max(0, match.start("age") - 30), match.start("age"))
            if not warm and (match["before"] is not None or match["behind"]):
                yield Found(match.start("age"), match.end("age"), IdentifierKind.AGE, LIKELY)
        for pattern in (_IS_AGE, _REACHED, _SAID_AGE, _GOING_ON):
            for match in pattern.finditer(reading.text):
                name = str(match.lastgroup)
                yield Found(match.start(name), match.end(name), IdentifierKind.AGE, LIKELY)
        for start, end in old_ages(reading.text):
            if not WARM.search(reading.text, max(0, start - 30), start):
                yield Found(start, end, IdentifierKind.AGE, LIKELY)
