"""The rules of E/M levels as data: families of codes, their minimum times by date, what the three elements ask for.

Facts of the CPT E/M guidelines (office 2021, all other settings 2023, minimum times since 2024), which CMS adopted in
its rules of the physician fee schedule for these years. Codes and numbers only: descriptors are the AMA's, the words
here are ours.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from appliance.errors import RefusedError, UsageError

_OFFICE = datetime.date(2021, 1, 1)
_ELSEWHERE = datetime.date(2023, 1, 1)
MINIMUM_TIMES_SINCE = datetime.date(2024, 1, 1)
"""Since then a time is a minimum that must be met or exceeded. Before, codes had ranges with the same lower ends."""


class Level(IntEnum):
    """Levels of medical decision making and of each of its elements; NONE: nothing that counts was found."""

    NONE = 0
    STRAIGHTFORWARD = 1
    LOW = 2
    MODERATE = 3
    HIGH = 4

    @property
    def word(self) -> str:
        """As reports write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class VisitCode:
    """One code of a family.

    Args:
        code: The CPT code.
        level: The decision making that it asks for.
        minutes: (since, total minutes on the date of the encounter), oldest first; empty where time never decides.
    """

    code: str
    level: Level
    minutes: tuple[tuple[datetime.date, int], ...] = ()

    def minimum(self, day: datetime.date) -> int | None:
        """The minutes that a service of this day must meet; None where time never decides."""
        held = [minutes for since, minutes in self.minutes if since <= day]
        return held[-1] if held else None


@dataclass(frozen=True, slots=True)
class Family:
    """The codes for one kind of visit, the lowest first.

    Args:
        name: As the command line takes it.
        words: What it is, for people.
        since: The first date of service that these rules hold for.
        codes: Those with a level; codes without one (99211, 99281) are not told from a note.
        implausible_min: Total minutes beyond which a statement is questioned and not used: far beyond the highest code
            and its prolonged service, so that a slip ("450 minutes") never decides.
        others: Codes of the same kind of visit that need neither time nor decision making.
    """

    name: str
    words: str
    since: datetime.date
    codes: tuple[VisitCode, ...]
    implausible_min: int
    others: tuple[str, ...] = ()

    def code(self, level: Level) -> VisitCode | None:
        """The highest code whose decision making a level meets."""
        met = [code for code in self.codes if code.level <= level]
        return met[-1] if met else None

    def by_time(self, minutes: int, day: datetime.date) -> VisitCode | None:
        """The highest code whose minimum is met or exceeded."""
        met = [code for code in self.codes if (least := code.minimum(day)) is not None and least <= minutes]
        return met[-1] if met else None

    def above(self, code: VisitCode | None) -> VisitCode | None:
        """The next code; None above the highest."""
        if code is None:
            return self.codes[0]
        place = self.codes.index(code) + 1
        return self.codes[place] if place < len(self.codes) else None

    def find(self, code: str) -> VisitCode | None:
        """The code by its name; None when it is of another family."""
        return next((one for one in self.codes if one.code == code), None)


def _family(
    name: str, words: str, since: datetime.date, table: str, implausible_min: int, others: tuple[str, ...] = ()
) -> Family:
    """Read "99202 straightforward 15 | 99306 high 45, 50 since 2024": the second number holds from 2024 on."""
    codes = []
    for row in table.split("|"):
        code, level, *times = row.replace(",", " ").split()
        minutes = tuple(
            (day, int(time)) for day, time in zip((since, MINIMUM_TIMES_SINCE), times, strict=False) if time != "-"
        )
        codes.append(VisitCode(code, Level[level.upper()], minutes))
    return Family(name, words, since, tuple(codes), implausible_min, others)


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        _family("new-office", "office or outpatient, new patient", _OFFICE,
                "99202 straightforward 15|99203 low 30|99204 moderate 45|99205 high 60", 240),
        _family("established-office", "office or outpatient, established patient", _OFFICE,
                "99212 straightforward 10|99213 low 20|99214 moderate 30|99215 high 40", 240, ("99211",)),
        _family("initial-hospital", "hospital inpatient or observation, initial", _ELSEWHERE,
                "99221 straightforward 40|99222 moderate 55|99223 high 75", 480),
        _family("subsequent-hospital", "hospital inpatient or observation, subsequent", _ELSEWHERE,
                "99231 straightforward 25|99232 moderate 35|99233 high 50", 480),
        _family("same-day-hospital", "hospital, admitted and discharged on one date", _ELSEWHERE,
                "99234 straightforward 45|99235 moderate 70|99236 high 85", 480),
        _family("office-consultation", "consultation, office or outpatient", _ELSEWHERE,
                "99242 straightforward 20|99243 low 30|99244 moderate 40|99245 high 55", 240),
        _family("inpatient-consultation", "consultation, inpatient or observation", _ELSEWHERE,
                "99252 straightforward 35|99253 low 45|99254 moderate 60|99255 high 80", 480),
        _family("emergency", "emergency department", _ELSEWHERE,
                "99282 straightforward|99283 low|99284 moderate|99285 high", 480, ("99281",)),
        _family("initial-nursing", "nursing facility, initial", _ELSEWHERE,
                "99304 straightforward 25|99305 moderate 35|99306 high 45, 50", 240),
        _family("subsequent-nursing", "nursing facility, subsequent", _ELSEWHERE,
                "99307 straightforward 10|99308 low 15, 20|99309 moderate 30|99310 high 45", 240),
        _family("new-home", "home or residence, new patient", _ELSEWHERE,
                "99341 straightforward 15|99342 low 30|99344 moderate 60|99345 high 75", 300),
        _family("established-home", "home or residence, established patient", _ELSEWHERE,
                "99347 straightforward 20|99348 low 30|99349 moderate 40|99350 high 60", 300),
    )
}  # fmt: skip
"""By name. The lowest hospital and nursing codes ask for straightforward or low decision making: one code for both."""

CONSULTATIONS = frozenset({"office-consultation", "inpatient-consultation"})
"""Medicare has paid none of these since 2010-01-01."""


def family_of(name: str, day: datetime.date) -> Family:
    """Return the family of a visit.

    Raises:
        UsageError: There is no such family.
        RefusedError: Other rules held on that day (the documentation guidelines of 1995 and 1997).
    """
    family = FAMILIES.get(name)
    if family is None:
        raise UsageError(f"--visit: {name} is unknown", hint=f"one of: {', '.join(sorted(FAMILIES))}")
    if day < family.since:
        raise RefusedError(
            f"{day.isoformat()}: {family.words}: before {family.since.isoformat()} the rules of 1995 and 1997 held",
            hint="this judges by the rules since then only; have a coder judge it",
        )
    return family


def family_of_code(code: str) -> Family | None:
    """The family that a code belongs to; None for a code that is no such visit."""
    for family in FAMILIES.values():
        if family.find(code) is not None or code in family.others:
            return family
    return None


def two_of_three(problems: Level, data: Level, risk: Level) -> Level:
    """The level that at least two elements meet or exceed: the middle one."""
    return sorted((problems, data, risk))[1]
