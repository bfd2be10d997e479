"""The bytes of a pack: one read-only file a table, whose SHA-256 is its identity.

    magic (8 bytes) | length of the header (u32) | header: canonical JSON in ASCII | sections, back to back

Everything is little-endian and uncompressed, and nothing in it depends on the clock, the machine or the version of a
library: the same inputs give the same bytes everywhere. (An SQLite file carries the version of the library that wrote
it, and what a compressor writes changes with its version.) Texts lie in one section; records point into it.
"""

from __future__ import annotations

import datetime
import struct
from dataclasses import dataclass
from enum import StrEnum

MAGIC = b"FLCODES\x01"
HEADER_LENGTH = struct.Struct("<I")
MAX_HEADER_BYTES = 1 << 20
MAX_PACK_BYTES = 1 << 30

ENTRY = struct.Struct("<IBIHBiiIH")
"""Code and title (offset, length), flags, parent (index or -1), group (index or -1), first note, notes."""
GROUP = struct.Struct("<IBIHiIH")
"""A chapter or block: name (offset, length), title (offset, length), group above (index or -1), first note, notes."""
NOTE = struct.Struct("<BII")
"""Kind (index into `NOTE_KINDS`), text (offset, length)."""
PERIOD = struct.Struct("<7sIII")
"""Code without the dot, padded with blanks; first and last day (yyyymmdd, 0 open), flags (bits of the header's)."""
PAIR = struct.Struct("<5s5sIIBB")
"""Column 1, column 2, first and last day (yyyymmdd, 0 open), modifier indicator (0, 1, 9), rationale (index)."""
UNIT = struct.Struct("<5sIIIBB")
"""Code, first and last day, units, adjudication indicator (1 line, 2 and 3 day, 0 not stated), rationale (index)."""
KEY_BYTES = 12
INDEX = struct.Struct(f"<{KEY_BYTES}sI")
"""Code as it is compared, padded with blanks, and its place among the entries; sorted."""

BILLABLE = 1
SEVENTH_CHARACTER = 2
"""The code was made of the code above it and one of the 7th characters that are listed for it."""

NOTE_KINDS = (
    "includes", "inclusion_term", "excludes1", "excludes2", "code_first", "use_additional", "code_also",
    "seventh_character", "definition", "note",
)  # fmt: skip


class PackKind(StrEnum):
    """What a pack holds."""

    CODES = "codes"
    PAIRS = "pairs"
    UNITS = "units"
    FAVOURITES = "favourites"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that a pack was made of: how its publisher names it, and what it was, by digest."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class PackHead:
    """What a pack says of itself.

    Args:
        kind: What it holds.
        system: The code system; of pairs and units the table's name ("ncci-ptp", "ncci-mue").
        version: As its publisher names it.
        effective_from: First day of service that it was published for.
        effective_to: The last; None while no successor is known.
        licence: Whose words they are and what allows them here.
        sources: What it was made of.
        flags: Names of the bits of `PERIOD`, from the lowest.
        rationales: Of pairs and units, as published.
        counts: Records by name.
    """

    kind: PackKind
    system: str
    version: str
    effective_from: datetime.date
    effective_to: datetime.date | None
    licence: str
    sources: tuple[Source, ...]
    flags: tuple[str, ...] = ()
    rationales: tuple[str, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()

    def in_force(self, day: datetime.date) -> bool:
        """Whether it was published for that day of service."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


def normal(code: str) -> str:
    """A code as it is compared: upper case, without dot and blanks."""
    return code.strip().upper().replace(".", "")


def number_of(day: datetime.date | None) -> int:
    """A day as yyyymmdd; 0 for none."""
    return 0 if day is None else day.year * 10_000 + day.month * 100 + day.day


def day_of(number: int) -> datetime.date | None:
    """The day of a yyyymmdd; None for 0. ValueError for no day at all."""
    return None if number == 0 else datetime.date(number // 10_000, number // 100 % 100, number % 100)
