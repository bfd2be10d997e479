"""What the written sets draw alike: people who keep their role through a text, dates in every form, ages over 89.

Only what Safe Harbor takes is an identifier (45 CFR 164.514(b)(2)): of a date the month and day, of an age the number
where it is over 89.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final

from deidcases.second_numbers import TEENS, number_words
from deidcases.second_people import Person, letters, misheard, spelled
from deidcases.second_pools import MONTHS

Piece = tuple[str, bool]
"""Text, and whether it is part of the identifier."""
Kinds = dict[str, tuple[str, Callable[[str], str | list[Piece]]]]
"""By slot: the type of the identifier, and what draws it in a form."""

_ORDINALS: Final = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"


class TextDraws(ABC):
    """The values of one text: a role keeps its person through the text, everything else is drawn anew.

    Args:
        rng: Source of all choices.
    """

    roles: ClassVar[tuple[str, ...]]
    """The slots that are people."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._people: dict[str, Person] = {}

    @abstractmethod
    def _person(self, role: str) -> Person:
        """Draw whoever has this role."""

    @abstractmethod
    def _kinds(self) -> Kinds:
        """The slots that are no people."""

    def value(self, slot: str) -> tuple[str, list[Piece]]:
        """Type and pieces of a slot such as `date.us` or `pt.last`; a KeyError names a slot that does not exist."""
        base, _, form = slot.partition(".")
        drawn: str | list[Piece]
        if base in self.roles:
            kind, drawn = self._name(base, form)
        else:
            kind, draw = self._kinds()[base]
            drawn = draw(form)
            kind += " (spoken)" if form.startswith("say") else ""
        pieces = drawn if isinstance(drawn, list) else [(drawn, True)]
        text, hidden = pieces[-1]
        if hidden and text.endswith("."):  # the period of an abbreviation tells nobody anything
            pieces[-1:] = [(text[:-1], True), (".", False)]
        return kind, pieces

    def _filled(self, pattern: str) -> str:
        """Write a digit for #, a letter for ?, either for *; both without what is easily misread."""
        signs = {"#": "0123456789", "?": "ABCDEFGHJKLMNPRSTUVWXYZ", "*": "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"}
        return "".join(self._rng.choice(signs[sign]) if sign in signs else sign for sign in pattern)

    def _any(self, *patterns: str) -> str:
        return self._filled(self._rng.choice(patterns))

    def _name(self, role: str, form: str) -> tuple[str, list[Piece]]:
        if role not in self._people:
            self._people[role] = self._person(role)
        who = self._people[role]
        first, last, rng = who.first, who.last, self._rng
        if form in ("spell", "spellfirst"):
            return "name (spoken)", [(spelled(first if form == "spellfirst" else last, rng), True)]
        if form in ("heard", "heardfirst"):
            return "name (misheard)", [(misheard(first if form == "heardfirst" else last, rng), True)]
        forms = {
            "": f"{first} {last}{who.suffix}", "first": first, "last": last, "mid": f"{first} {who.middle}. {last}",
            "comma": f"{last}, {first}", "caps": f"{last}, {first} {who.middle}".upper(), "plain": f"{first} {last}",
            "upper": f"{first} {last}".upper(), "hl7": f"{last}^{first}^{who.middle}".upper(),
            "init": f"{first[0]}.{last[0]}.".upper(), "initlast": f"{first[0]}. {last}",
            "tight": f"{first[0]}{last[0]}".upper(), "user": f"{first[0]}{letters(last)}".lower(),
            "commamid": f"{last}, {first} {who.middle}.", "lastfirst": f"{last} {first}",
            "firstin": f"{first} {last[0]}.", "low": f"{first} {last}".lower(), "lowlast": last.lower(),
        }  # fmt: skip
        return "name", [(forms[form], True)]

    def _date(self, form: str, since: int, until: int = 2025) -> list[Piece]:
        rng = self._rng
        year, month, day = rng.randint(since, until), rng.randint(1, 12), rng.randint(1, 28)
        name = MONTHS.split()[month - 1]
        short = name[:3]
        ordinal = f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
        ordinals = [*_ORDINALS.split(), *(f"{word}th" for word in TEENS[3:])]
        said = ordinals[day - 1] if day < 20 else "twentieth" if day == 20 else f"twenty {ordinals[day - 21]}"
        century = {19: "nineteen", 20: "twenty"}[year // 100]
        said_year = f"{century} {'oh ' if 0 < year % 100 < 10 else ''}{number_words(year % 100)}"
        if 2000 <= year < 2010:
            said_year = "two thousand" + (f" {number_words(year % 100)}" if year % 100 else "")
        forms: dict[str, list[Piece]] = {
            "us": [(f"{month}/{day}", True), (f"/{year}", False)],
            "us2": [(f"{month:02}/{day:02}", True), (f"/{year % 100:02}", False)],
            "us1": [(f"{month}/{day}", True), (f"/{year % 100:02}", False)],
            "usfull": [(f"{month:02}/{day:02}", True), (f"/{year}", False)],
            "md": [(f"{month}/{day}", True)],
            "iso": [(f"{year}-", False), (f"{month:02}-{day:02}", True)],
            "dash": [(f"{month:02}-{day:02}", True), (f"-{year}", False)],
            "dash1": [(f"{month}-{day}", True), (f"-{year % 100:02}", False)],
            "dot": [(f"{day:02}.{month:02}", True), (f".{year}", False)],
            "dotus": [(f"{month:02}.{day:02}", True), (f".{year % 100:02}", False)],
            "long": [(f"{name} {day}", True), (f", {year}", False)],
            "longth": [(f"{name} {ordinal}", True), (f", {year}", False)],
            "plain": [(f"{name} {day}", True), (f" {year}", False)],
            "short": [(f"{short} {day}", True), (f", {year}", False)],
            "abbr": [(f"{short}. {day}", True), (f", {year}", False)],
            "dmy": [(f"{day} {short}", True), (f" {year}", False)],
            "dmylong": [(f"{day} {name}", True), (f" {year}", False)],
            "mil": [(f"{day:02}{short.upper()}", True), (f"{year}", False)],
            "dmon": [(f"{day:02}-{short.upper()}", True), (f"-{year}", False)],
            "dmon2": [(f"{day:02}-{short}", True), (f"-{year % 100:02}", False)],
            "ord": [(f"{name} {ordinal}", True)],
            "of": [("the ", False), (f"{ordinal} of {name}", True)],
            "mon": [(f"{short} {day}", True)],
            "day": [("the ", False), (ordinal, True)],
            "month": [(name, True), (f" {year}", False)],
            "shortmonth": [(short, True), (f" {year}", False)],
            "monthonly": [(name, True)],
            "my": [(f"{month:02}", True), (f"/{year}", False)],
            "eight": [(f"{year}", False), (f"{month:02}{day:02}", True)],
            "say": [(f"{name} {said}", True)],
            "sayyear": [(f"{name} {said}", True), (f" {said_year}", False)],
            "sayof": [("the ", False), (f"{said} of {name}", True)],
            "saymd": [(f"{number_words(month)} {number_words(day)}", True)],
            "saynum": [
                (f"{number_words(month)} {number_words(day)}", True), (f" {number_words(rng.randint(31, 99))}", False),
            ],
            "saymonth": [(name, True)],
        }  # fmt: skip
        return forms[form]

    def _age(self, form: str) -> str:
        years = self._rng.choice((90, 91, 91, 92, 92, 93, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 104))
        if form == "say":
            over = f"a hundred and {number_words(years - 100)}" if years > 100 else "a hundred"
            return over if years >= 100 else number_words(years)
        return str(years)
