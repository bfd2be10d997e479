"""Months, days and years as people write and say them, both ways, keeping the way of writing."""

from __future__ import annotations

import re

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty first", "twenty second", "twenty third", "twenty fourth", "twenty fifth", "twenty sixth",
    "twenty seventh", "twenty eighth", "twenty ninth", "thirtieth", "thirty first",
)  # fmt: skip


def _spoken_numbers() -> dict[str, int]:
    found = {word: number for number, word in enumerate((*_UNITS, *_TEENS), 1)}
    for tens, word in enumerate(_TENS, 2):
        found[word] = 10 * tens
        found.update({f"{word} {unit}": 10 * tens + number for number, unit in enumerate(_UNITS, 1)})
    return found


SPOKEN = _spoken_numbers()
"""Numbers from one to ninety-nine by their words, a blank between tens and units."""
_WORDS_OF = {number: words for words, number in SPOKEN.items()}


def _either(words: list[str]) -> str:
    # The longest first: an alternative that is a beginning of another would win.
    return "|".join(re.escape(word).replace(r"\ ", r"[\s-]+") for word in sorted(words, key=len, reverse=True))


MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|sept|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec)"
)
DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
SPOKEN_DAY = f"(?:{_either(list(_ORDINALS))})"
_SPOKEN_99 = f"(?:{_either(list(SPOKEN))})"
YEAR = r"(?:1[89]|20|21)\d\d"
SPOKEN_YEAR = (
    rf"(?:(?:eighteen|nineteen|twenty)[\s-]+(?:hundred|o(?:h|')?[\s-]+(?:{'|'.join(_UNITS)})|{_SPOKEN_99})"
    rf"|two[\s-]+thousand(?:[\s-]+(?:and[\s-]+)?{_SPOKEN_99})?)"
)
# "1er octobre", "1º de abril": the first day of a month alone has one.
_FOREIGN_ENDINGS = ("er", "º", "°")
# 2-digit years: 41 and later are of the last century (a birth), the others of this one.
_PIVOT = 40


PART_OF_MONTH = (
    r"(?:\b(?:(?:the\s+)?(?:very\s+)?(?:(?:beginning|start|middle|end|close)|(?:first|second|third|fourth|last|latter|early"
    r"|later|1st|2nd|3rd|4th)\s+(?:(?:or|and)\s+(?:second|third|fourth|last)\s+)?(?:week|weekend|half|part|few\s+days"
    r"|couple\s+of\s+weeks|(?:mon|tues|wednes|thurs|fri|satur|sun)day))\s+(?:of|in)\s+"
    r"|(?:early|mid|late)(?:(?:[- ]to[- ]|/|[- ]or[- ])(?:early|mid|late))?(?:[- ]|(?<=mid)))\s?)"
)
"""What says in which part of a month something is, before its name: the third week of, mid-."""


def month_of(written: str) -> int:
    """Return a month's number, from its digits or at least three of its letters."""
    if written.isdigit():
        return int(written)
    return next(number for number, name in enumerate(MONTHS, 1) if name[:3] == written[:3].casefold())


def day_of(written: str) -> int:
    """Return a day's number, from digits with or without an ending, or from an ordinal."""
    if digits := re.match(r"\d+", written):
        return int(digits[0])
    return _ORDINALS.index(" ".join(re.split(r"[\s-]+", written.casefold()))) + 1


def year_of(written: str) -> int:
    """Return a year, from four digits, two, or words."""
    plain = written.lstrip("'’")
    if plain.isdigit():
        number = int(plain)
        return number if len(plain) == 4 else number + (2000 if number <= _PIVOT else 1900)
    words = re.split(r"[\s-]+", plain.casefold())
    if words[:2] == ["two", "thousand"]:
        rest = [word for word in words[2:] if word != "and"]
        return 2000 + (SPOKEN[" ".join(rest)] if rest else 0)
    century = 100 * SPOKEN[words[0]]
    rest = [word for word in words[1:] if word not in ("oh", "o", "o'", "hundred")]
    return century + (SPOKEN[" ".join(rest)] if rest else 0)


def cased(words: str, like: str) -> str:
    """Return words in the case of others: lower, UPPER, or Title."""
    letters = [letter for letter in like if letter.isalpha()]
    if len(letters) > 1 and all(letter.isupper() for letter in letters):
        return words.upper()
    if letters and letters[0].isupper():
        return words[:1].upper() + words[1:]
    return words


def write_figure(number: int, *, padded: bool) -> str:
    """Return a month or a day in figures."""
    return f"{number:02}" if padded else str(number)


def write_short(month: int, like: str) -> str:
    """Return a month of English with as many letters as another one."""
    return cased("sept" if month == 9 and len(like) == 4 else MONTHS[month - 1][:3], like)


def write_day(day: int, like: str, *, padded: bool) -> str:
    """Return a day written as another one was."""
    if not like[0].isdigit():
        return cased(_ORDINALS[day - 1].replace(" ", "-" if "-" in like else " "), like)
    digits = write_figure(day, padded=padded)
    ending = like.lstrip("0123456789")
    if not ending:
        return digits
    if ending in _FOREIGN_ENDINGS:
        return digits + ending if day == 1 else digits
    wanted = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return digits + (wanted.upper() if ending.isupper() else wanted)


def write_year(year: int, like: str) -> str:
    """Return a year written as another one was."""
    plain = like.lstrip("'’")
    mark = like[: len(like) - len(plain)]
    if plain.isdigit():
        return f"{mark}{year:04}" if len(plain) == 4 else f"{mark}{year % 100:02}"
    century, rest = divmod(year, 100)
    if century == 20 and plain.casefold().startswith("two"):
        words = "two thousand" + (f" {_WORDS_OF[rest]}" if rest else "")
    elif rest == 0:
        words = "two thousand" if century == 20 else f"{_WORDS_OF[century]} hundred"
    else:
        words = f"{_WORDS_OF[century]} {'oh ' if rest < 10 else ''}{_WORDS_OF[rest]}"
    return cased(words, like)
