"""Dates in every written form: found, taken apart, moved by days, and written again as they were written."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from appliance.deid import date_words as w

Fields = Literal["ymd", "md", "ym", "m"]
# A year that has a 29th of February: a reference for dates without a year.
REFERENCE_YEAR = 2024
_DAYS_A_MONTH = 365.2425 / 12
_NO_DIGIT_BEFORE, _NO_DIGIT_AFTER = r"(?<![\w])(?<!\d[./-])", r"(?![\w])(?![./-]\d)"

_DAY = rf"(?:{w.SPOKEN_DAY}|{w.DAY})"
_YEAR = rf"(?:{w.YEAR}|{w.SPOKEN_YEAR}|['’]\d\d)"
_THROUGH = r"\s*(?:-|–|—|to|and|through|thru)\s*(?:the\s+)?"
# In this order: a form that is the beginning of another comes later.
_FORMS = (
    # March 5, 2024; Mar. 5th '24; march the fifth twenty twenty four; March 3-5, 2024
    rf"(?P<month>{w.MONTH})\.?,?\s+(?:the\s+)?(?P<day>{_DAY})(?!\s*[:/]\d)(?:{_THROUGH}(?P<day2>{_DAY})(?![\w/:]))?"
    rf"(?:\s*,?\s*(?:of\s+|in\s+)?(?P<year>{_YEAR})(?![\w:]))?(?!\w)",
    # 5 March 2024; the 5th of March; 05-Mar-24; 05MAR2024
    rf"(?P<day>{_DAY})(?:\s+of\s+|[\s-]*)(?P<month>{w.MONTH})(?![a-z])\.?"
    rf"(?:[\s,-]*(?:of\s+|in\s+)?(?P<year>{_YEAR})(?![\w:])|-(?P<year2>\d\d)(?![\w:]))?",
    # March 2024; March of 2024; Mar '24
    rf"(?P<month>{w.MONTH})\.?(?:\s+of\s+|\s*,\s*|[\s-]+)(?P<year>{_YEAR})(?![\w:])",
    rf"(?P<year>{w.YEAR})[-/.](?P<month>1[0-2]|0?[1-9])[-/.](?P<day>3[01]|[12]\d|0?[1-9])(?![\d])(?![./-]\d)",
    rf"(?P<month>1[0-2]|0?[1-9])[-/.](?P<day>3[01]|[12]\d|0?[1-9])[-/.](?P<year>{w.YEAR}|['’]?\d\d){_NO_DIGIT_AFTER}",
    rf"(?P<day>3[01]|[12]\d|0?[1-9])[-/.](?P<month>1[0-2]|0?[1-9])[-/.](?P<year>{w.YEAR}|['’]?\d\d){_NO_DIGIT_AFTER}",
    rf"(?P<month>1[0-2]|0?[1-9])/(?P<year>{w.YEAR}){_NO_DIGIT_AFTER}",
    rf"(?P<year>{w.YEAR})-(?P<month>1[0-2]|0[1-9]){_NO_DIGIT_AFTER}",
    rf"(?P<year>{w.YEAR})(?P<month>1[0-2]|0[1-9])(?P<day>3[01]|[12]\d|0[1-9])(?=(?:\d{{4}}|\d{{6}})?(?!\d))",
)
# Only where a detector says that it is a date: 3/5 may be a strength, and may a verb.
_BARE = (
    rf"(?P<month>1[0-2]|0?[1-9])[/-](?P<day>3[01]|[12]\d|0?[1-9]){_NO_DIGIT_AFTER}",
    rf"(?P<month>{w.MONTH})(?![a-z])\.?",
)
_PLAIN = tuple(re.compile(_NO_DIGIT_BEFORE + form, re.IGNORECASE) for form in _FORMS)
_ALL = (*_PLAIN, *(re.compile(_NO_DIGIT_BEFORE + form, re.IGNORECASE) for form in _BARE))
_CLOCK = re.compile(r"(?<!\d)T?\s*\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:[.,]\d+)?\s*(?:[ap]\.?m\.?|Z|[+-]\d\d:?\d\d)?", re.I)
_HARMLESS = re.compile(
    r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?|on|of|the|in|and|or|to|through|thru|from|at"
    r"|between|dob|date|dates|birth|born|since|until|till|by|early|mid|late|around|about|am|pm|T|Z|a|m|p"
    r"|(?:1[89]|20|21)\d\ds?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Written:
    """A date as it stands in a text. `fields`: what of it is written; what is not is from a reference."""

    start: int
    end: int
    match: re.Match[str]
    value: date
    fields: Fields
    last: date | None = None
    """The second day of a form such as March 3-5."""

    @property
    def is_bare(self) -> bool:
        """Whether it is a date only because somebody says so."""
        return self.match.re in _ALL[len(_PLAIN) :]


def find(text: str, *, bare: bool = False, year: int = REFERENCE_YEAR) -> tuple[Written, ...]:
    """Return the dates of a text in order.

    `bare`: also forms that may be something else; `year`: the year of those that say none.
    """
    found: list[Written] = []
    for form in _ALL if bare else _PLAIN:
        new = []
        for match in form.finditer(text):
            # In order and apart, so that only the neighbours can overlap.
            at = bisect_left(found, match.start(), key=lambda one: one.start)
            if (at and found[at - 1].end > match.start()) or (at < len(found) and found[at].start < match.end()):
                continue
            written = _read(match, year)
            if written is not None:
                new.append(written)
        found = sorted((*found, *new), key=lambda one: one.start)
    return tuple(found)


def _read(match: re.Match[str], year: int) -> Written | None:
    named = match.groupdict()
    said_year = named.get("year") or named.get("year2")
    said_day = named.get("day")
    try:
        at_year = w.year_of(said_year) if said_year else year
        month = w.month_of(named["month"])
        day = w.day_of(said_day) if said_day else 15
        if said_year is None and said_day and (month, day) == (2, 29):
            at_year = REFERENCE_YEAR
        value = date(at_year, month, day)
        last = date(at_year, month, w.day_of(named["day2"])) if named.get("day2") else None
    except (ValueError, KeyError):
        return None
    fields: Fields = ("ymd" if said_year else "md") if said_day else ("ym" if said_year else "m")
    return Written(match.start(), match.end(), match, value, fields, last)


def moved(value: date, fields: Fields, days: int) -> date:
    """Return a date moved by days; one without a day by the months nearest to that, so that two never meet.

    Raises OverflowError beyond the years 1 to 9999.
    """
    if "d" in fields:
        return value + timedelta(days=days)
    months = round(days / _DAYS_A_MONTH) or (1 if days > 0 else -1)
    year, month = divmod(12 * value.year + value.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("date value out of range")
    return date(year, month + 1, 15)


def write(written: Written, value: date, last: date | None = None) -> str:
    """Return the date `value` in the form in which another one stands."""
    match = written.match
    named = {name: match[name] for name in match.groupdict() if match[name] is not None}
    digits = [said for name, said in named.items() if name in ("month", "day") and said.isdigit()]
    fixed = "year" in named and match.start("year") == match.start()
    padded = any(said.startswith("0") for said in digits) or (fixed and all(len(said) == 2 for said in digits))
    writers: dict[str, Callable[[str], str]] = {
        "month": lambda like: w.write_month(value.month, like, padded=padded),
        "day": lambda like: w.write_day(value.day, like, padded=padded),
        "day2": lambda like: w.write_day((last or value).day, like, padded=padded),
        "year": lambda like: w.write_year(value.year, like),
        "year2": lambda like: w.write_year(value.year, like),
    }
    text, at, pieces = match.string, match.start(), []
    for name, said in sorted(named.items(), key=lambda one: match.start(one[0])):
        pieces += [text[at : match.start(name)], writers[name](said)]
        at = match.end(name)
    return "".join((*pieces, text[at : match.end()]))


def is_only_dates(text: str, found: tuple[Written, ...]) -> bool:
    """Whether nothing but these dates, times of day, days of the week, years and little words stand in a text."""
    rest, at = [], 0
    for written in found:
        rest.append(text[at : written.start])
        at = written.end
    rest.append(text[at:])
    words = re.findall(r"\w+", _CLOCK.sub(" ", " ".join(rest)))
    return all(_HARMLESS.fullmatch(word) for word in words)


_YEAR_ALONE = re.compile(rf"(?<![\w.,/$-]){w.YEAR}(?![\w/%-]|[.,]\d)")


def years(text: str) -> list[str]:
    """Return the years that stand alone in a text."""
    return _YEAR_ALONE.findall(text)


def year_places(text: str) -> list[re.Match[str]]:
    """Return where years stand alone."""
    return list(_YEAR_ALONE.finditer(text))
