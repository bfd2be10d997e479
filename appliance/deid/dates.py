"""Dates in every written form: found, taken apart, moved by days, and written again as they were written."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from appliance.deid import date_languages as languages
from appliance.deid import date_words as w
from appliance.deid.date_order import Usage

Fields = Literal["ymd", "md", "ym", "m"]
# A year that has a 29th of February: a reference for dates without a year.
REFERENCE_YEAR = 2024
_DAYS_A_MONTH = 365.2425 / 12
_NO_DIGIT_BEFORE, _NO_DIGIT_AFTER = r"(?<![\w])(?<!\d[./-])", r"(?![\w])(?![./-]\d)"

_DAY = rf"(?:{w.SPOKEN_DAY}|{w.DAY})"
_YEAR = rf"(?:{w.YEAR}|{w.SPOKEN_YEAR}|['’]\d\d)"
_THROUGH = r"\s*(?:-|–|—|to|and|through|thru)\s*(?:the\s+)?"
_NO_LETTER = r"(?![^\W\d_])"
_M, _D, _Y = r"(?P<month>1[0-2]|0?[1-9])", r"(?P<day>3[01]|[12]\d|0?[1-9])", rf"(?P<year>{w.YEAR}|['’]?\d\d)"
_FOREIGN = languages.either(languages.FOREIGN)
_DAY_OF_ANY = r"(?P<day>1(?:er|º|°)|3[01]|[12]\d|0?[1-9])"
_OF = r"(?:d(?:e|i|el|o|en)\s|d['’])?"
# In this order: a form that is the beginning of another comes later. Those with months of other languages are tried
# where a text has one: so many words at each place take time.
_FOREIGN_NAMED = (
    # 9 de abril de 1948; 1er octobre; 9 avril
    rf"{_DAY_OF_ANY}\.?[\s-]{_OF}(?P<month>{_FOREIGN})(?!\w)\.?"
    rf"(?:,?[\s-]{_OF}(?P<year>{w.YEAR}|['’]\d\d)(?![\w:]))?",
    # 1948. április 9.; abril de 2024
    rf"(?P<year>{w.YEAR})\.?\s(?P<month>{_FOREIGN})\s{_D}\.?(?!\w)",
    rf"(?P<month>{_FOREIGN})\.?(?:\s*,\s*|\s+del?\s+|[\s-]+)(?P<year>{w.YEAR})(?![\w:])",
)
# Behind the year only where the text is Hungarian: elsewhere a sentence may end with it ("in 2019. March 5").
_HUNGARIAN_NAMED = (rf"(?P<year>{w.YEAR})\.\s(?P<month>{w.MONTH}){_NO_LETTER}\s{_D}\.?(?!\w)",)
_NAMED = (
    # March 5, 2024; Mar. 5th '24; march the fifth twenty twenty four; March 3-5, 2024
    rf"(?P<month>{w.MONTH})\.?,?\s+(?:the\s+)?(?P<day>{_DAY})(?!\s*[:/]\d)(?:{_THROUGH}(?P<day2>{_DAY})(?![\w/:]))?"
    rf"(?:\s*,?\s*(?:of\s+|in\s+)?(?P<year>{_YEAR})(?![\w:]))?(?!\w)",
    # 5 March 2024; the 5th of March; 05-Mar-24; 05MAR2024; 5. April 2024
    rf"(?P<day>{_DAY})(?:\s+of\s+|\.\s|[\s-]*)(?P<month>{w.MONTH}){_NO_LETTER}\.?"
    rf"(?:[\s,-]*(?:of\s+|in\s+)?(?P<year>{_YEAR})(?![\w:])|-(?P<year2>\d\d)(?![\w:]))?",
    # March 2024; March of 2024; Mar '24
    rf"(?P<month>{w.MONTH})\.?(?:\s+of\s+|\s*,\s*|[\s-]+)(?P<year>{_YEAR})(?![\w:])",
    # 1948年4月9日; ngày 9 tháng 4 năm 1948
    rf"(?P<year>{w.YEAR})\s?[年년]\s?{_M}\s?[月월]\s?{_D}\s?[日일]",
    rf"{_D}\s+tháng\s+{_M}(?:\s*,?\s*(?:năm\s+)?(?P<year>{w.YEAR}))?(?!\w)",
    rf"(?P<year>{w.YEAR})[-/.](?P<month>1[0-2]|0?[1-9])[-/.](?P<day>3[01]|[12]\d|0?[1-9])(?![\d])(?![./-]\d)",
)
_MONTH_FIRST = (rf"{_M}[-/.]{_D}[-/.]{_Y}{_NO_DIGIT_AFTER}",)
_DAY_FIRST = (
    rf"{_D}[-/.]{_M}[-/.]{_Y}{_NO_DIGIT_AFTER}",
    rf"{_D}\.\s{_M}\.\s(?P<year>{w.YEAR}){_NO_DIGIT_AFTER}",
)
_NO_DAY = (
    rf"(?P<month>1[0-2]|0?[1-9])/(?P<year>{w.YEAR}){_NO_DIGIT_AFTER}",
    rf"(?P<month>1[0-2]|0?[1-9])/(?P<year>['’]\d\d){_NO_DIGIT_AFTER}",
    rf"(?P<year>{w.YEAR})-(?P<month>1[0-2]|0[1-9]){_NO_DIGIT_AFTER}",
    rf"(?P<year>{w.YEAR})(?P<month>1[0-2]|0[1-9])(?P<day>3[01]|[12]\d|0[1-9])(?=(?:\d{{4}}|\d{{6}})?(?!\d))",
)
# Only where a detector says that it is a date: 3/5 may be a strength, and may a verb.
_BARE_MONTH_FIRST = (rf"{_M}[/-]{_D}{_NO_DIGIT_AFTER}",)
_BARE_DAY_FIRST = (rf"{_D}[/-]{_M}{_NO_DIGIT_AFTER}", rf"{_D}\.\s?{_M}\.(?![\w])")
_BARE_MONTH = (rf"(?P<month>{w.MONTH}){_NO_LETTER}\.?",)
_BARE_FOREIGN = (rf"(?P<month>{_FOREIGN})(?!\w)\.?",)
_Forms = tuple[re.Pattern[str], ...]


def _compiled(forms: tuple[str, ...]) -> _Forms:
    return tuple(re.compile(_NO_DIGIT_BEFORE + form, re.IGNORECASE) for form in forms)


_FIGURES = {"month": _compiled(_MONTH_FIRST + _DAY_FIRST), "day": _compiled(_DAY_FIRST + _MONTH_FIRST)}
_BARE_FIGURES = {
    "month": _compiled(_BARE_MONTH_FIRST + _BARE_DAY_FIRST),
    "day": _compiled(_BARE_DAY_FIRST + _BARE_MONTH_FIRST),
}
_PLAIN_NAMED, _PLAIN_NO_DAY, _BARE_NAMED = _compiled(_NAMED), _compiled(_NO_DAY), _compiled(_BARE_MONTH)
_HUNGARIAN = _compiled(_HUNGARIAN_NAMED)
_PLAIN_FOREIGN, _BARE_NAMED_FOREIGN = _compiled(_FOREIGN_NAMED), _compiled(_BARE_FOREIGN)
_BARE = frozenset((*_BARE_FIGURES["month"], *_BARE_NAMED, *_BARE_NAMED_FOREIGN))
_ORDERED = frozenset((*_FIGURES["month"], *_BARE_FIGURES["month"]))
_LETTERS = re.compile(r"[^\W\d_]+")
_CLOCK = re.compile(r"(?<!\d)T?\s*\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:[.,]\d+)?\s*(?:[ap]\.?m\.?|Z|[+-]\d\d:?\d\d)?", re.I)
_HARMLESS = re.compile(
    r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?|on|of|the|in|and|or|to|through|thru|from|at"
    r"|between|dob|date|dates|birth|born|since|until|till|by|early|mid|late|around|about|am|pm|T|Z|a|m|p"
    r"|(?:1[89]|20|21)\d\ds?",
    re.IGNORECASE,
)
_PART = re.compile(w.PART_OF_MONTH, re.IGNORECASE)
_LITTLE = languages.LITTLE | languages.WORDS.keys()


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
    languages: frozenset[str] = frozenset()
    """In which the text around is written; empty: nothing shows one."""

    @property
    def is_bare(self) -> bool:
        """Whether it is a date only because somebody says so."""
        return self.match.re in _BARE

    @property
    def is_turnable(self) -> bool:
        """Whether its figures could be read the other way round."""
        return self.match.re in _ORDERED and self.value.day <= 12 and self.value.day != self.value.month

    @property
    def day_first(self) -> bool:
        """Whether its day stands in figures before its month."""
        return self.match.re in _ORDERED and self.match.start("day") < self.match.start("month")


_ANY_USAGE = Usage()


def find(
    text: str, *, bare: bool = False, year: int = REFERENCE_YEAR, usage: Usage = _ANY_USAGE
) -> tuple[Written, ...]:
    """Return the dates of a text in order.

    `bare`: also forms that may be something else; `year`: the year of those that say none; `usage`: how figures are
    ordered, and in which languages months are named. What can be read in two ways where the order is open is left out.
    """
    found: list[Written] = []
    first = usage.first or "month"
    foreign = not languages.FOREIGN.isdisjoint(_LETTERS.findall(text.lower()))
    forms = (
        *(_PLAIN_FOREIGN if foreign else ()),
        *(_HUNGARIAN if "hu" in usage.languages else ()),
        *_PLAIN_NAMED,
        *_FIGURES[first],
        *_PLAIN_NO_DAY,
    )
    if bare:
        forms += (*_BARE_FIGURES[first], *(_BARE_NAMED_FOREIGN if foreign else ()), *_BARE_NAMED)
    for form in forms:
        new = []
        for match in form.finditer(text):
            # In order and apart, so that only the neighbours can overlap.
            at = bisect_left(found, match.start(), key=lambda one: one.start)
            if (at and found[at - 1].end > match.start()) or (at < len(found) and found[at].start < match.end()):
                continue
            written = _read(match, year, usage.languages)
            if written is not None and (usage.first is not None or not written.is_turnable):
                new.append(written)
        found = sorted((*found, *new), key=lambda one: one.start)
    return tuple(found)


def turned(written: Written) -> Written:
    """Return a date in figures that are read the other way round; only where `is_turnable`."""
    order: Literal["month", "day"] = "month" if written.day_first else "day"
    text, value = written.match.string[: written.end], written.value
    match = next(
        again
        for form in (_BARE_FIGURES if written.is_bare else _FIGURES)[order]
        if (again := form.match(text, written.start)) and again.end() == written.end
    )
    return replace(written, match=match, value=date(value.year, value.day, value.month))


def _read(match: re.Match[str], year: int, shown: frozenset[str]) -> Written | None:
    named = match.groupdict()
    said_year = named.get("year") or named.get("year2")
    said_day = named.get("day")
    try:
        at_year = w.year_of(said_year) if said_year else year
        month = _month_of(named["month"], shown)
        day = w.day_of(said_day) if said_day else 15
        if said_year is None and said_day and (month, day) == (2, 29):
            at_year = REFERENCE_YEAR
        value = date(at_year, month, day)
        last = date(at_year, month, w.day_of(named["day2"])) if named.get("day2") else None
    except (ValueError, KeyError):
        return None
    fields: Fields = ("ymd" if said_year else "md") if said_day else ("ym" if said_year else "m")
    return Written(match.start(), match.end(), match, value, fields, last, shown)


def _month_of(written: str, shown: frozenset[str]) -> int:
    return languages.number_of(written, shown) if written.lower() in languages.NUMBERS else w.month_of(written)


def _write_month(written: Written, month: int, like: str, *, padded: bool) -> str:
    if like.isdigit():
        return w.write_figure(month, padded=padded)
    if like.lower() in languages.NUMBERS:
        return w.cased(languages.name_of(month, like, written.languages), like)
    if written.languages and languages.ENGLISH not in written.languages:
        raise ValueError("a short month of another language")
    return w.write_short(month, like)


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
    """Return the date `value` in the form in which another one stands.

    Raises ValueError where it cannot be told in which language its month is named.
    """
    match = written.match
    named = {name: match[name] for name in match.groupdict() if match[name] is not None}
    digits = [said for name, said in named.items() if name in ("month", "day") and said.isdigit()]
    fixed = "year" in named and match.start("year") == match.start() and len(digits) == 2
    padded = any(said.startswith("0") for said in digits) or (fixed and all(len(said) == 2 for said in digits))
    writers: dict[str, Callable[[str], str]] = {
        "month": lambda like: _write_month(written, value.month, like, padded=padded),
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
    words = re.findall(r"\w+", _CLOCK.sub(" ", _PART.sub(" ", " ".join(rest))))
    return all(_HARMLESS.fullmatch(word) or word.lower() in _LITTLE for word in words)


_YEAR_ALONE = re.compile(rf"(?<![\w.,/$-]){w.YEAR}(?![\w/%-]|[.,]\d)")


def years(text: str) -> list[str]:
    """Return the years that stand alone in a text."""
    return _YEAR_ALONE.findall(text)


def year_places(text: str) -> list[re.Match[str]]:
    """Return where years stand alone."""
    return list(_YEAR_ALONE.finditer(text))
