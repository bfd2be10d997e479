"""What an identifier is: a span of a text, its kind by Safe Harbor (45 CFR 164.514(b)(2)), and who found it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class IdentifierKind(StrEnum):
    """Kinds of identifiers, by Safe Harbor."""

    NAME = "name"
    ADDRESS = "address"
    """A street address, with apartment, city, state and ZIP code where they are written together."""
    PLACE = "place"
    """Geography below a state: city, county, precinct, ZIP code."""
    FACILITY = "facility"
    """A hospital, practice, pharmacy, school or employer: it tells where somebody is."""
    DATE = "date"
    """Month and day; a year alone stays."""
    AGE = "age"
    """An age over 89; others stay."""
    PHONE = "phone"
    FAX = "fax"
    EMAIL = "email"
    SSN = "ssn"
    RECORD = "record"
    """A medical record number, an encounter, order or accession number."""
    PLAN = "plan"
    """A health plan's beneficiary, member, group, policy or claim number."""
    ACCOUNT = "account"
    LICENCE = "licence"
    """A certificate or licence: NPI, DEA, state licence, driver's licence, passport."""
    VEHICLE = "vehicle"
    DEVICE = "device"
    URL = "url"
    IP = "ip"
    SOCIAL = "social"
    OTHER = "other"
    """Any other unique number or code."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier of a text.

    Args:
        start: Offset of its first character.
        end: Offset behind its last character.
        kind: What it is.
        source: The recogniser that found it, for reports (never the text).
        confidence: 0 to 1, as the recogniser states it.
    """

    start: int
    end: int
    kind: IdentifierKind
    source: str
    confidence: float


class Detector(Protocol):
    """Finds identifiers. No network, no text in logs, safe to call from several threads."""

    def find(self, text: str, *, known_names: Sequence[str] = ()) -> tuple[Identifier, ...]:
        """The identifiers of `text`, by start, none overlapping another.

        Args:
            text: Any text: a note, a transcript (lower case, no titles), a letter.
            known_names: Full names that are known to occur (patient, relatives, clinicians of the encounter); their
                parts are found in any case, also alone.
        """
        ...
