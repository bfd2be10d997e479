"""What importers hand to the writer of packs: checked records, nothing of a file's form any more."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from appliance.coding.suggestion import Note


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """One code; `parent` is the code above it, `group` its block or chapter (empty: none)."""

    code: str
    title: str
    billable: bool
    parent: str = ""
    group: str = ""
    notes: tuple[Note, ...] = ()
    seventh_character: bool = False


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A chapter or a block of codes ("9", "I10-I1A"), whose notes hold for everything in it."""

    name: str
    title: str
    above: str = ""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when a code (without the dot) may be on a claim, and the Medicare edits that hold then.

    Args:
        code: Without the dot, upper case.
        start: First day of service.
        end: Last day; None while it is open.
        flags: Names of edits ("manifestation", "newborn").
    """

    code: str
    start: datetime.date
    end: datetime.date | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairRecord:
    """A procedure-to-procedure edit: column 2 is not paid beside column 1.

    Args:
        column_1: What is paid.
        column_2: What is not.
        start: First day of service.
        end: Last day; None while it is open.
        modifier: 0 no modifier helps, 1 one may, 9 the edit no longer counts.
        rationale: Index into the pack's rationales.
    """

    column_1: str
    column_2: str
    start: datetime.date
    end: datetime.date | None
    modifier: int
    rationale: int


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A medically unlikely edit: the most units of a code.

    Args:
        code: HCPCS or CPT.
        start: First day of service.
        end: Last day; None while it is open.
        units: The most that are paid.
        adjudication: 1 of a claim line, 2 of a day (policy), 3 of a day (clinical), 0 not stated.
        rationale: Index into the pack's rationales.
    """

    code: str
    start: datetime.date
    end: datetime.date | None
    units: int
    adjudication: int
    rationale: int
