"""The bytes of a pack: one read-only file a table, whose SHA-256 is its identity.

    magic (8 bytes) | length of the header (u32) | header: canonical JSON in ASCII | sections, back to back

Everything is little-endian and uncompressed, and nothing in it depends on the clock, the machine or the version of a
library: the same inputs give the same bytes everywhere. (An SQLite file carries the version of the library that wrote
it, and what a compressor writes changes with its version.) Texts lie in one section; records point into it.
"""

from __future__ import annotations

import datetime
import struct

from appliance.contract.code_pack import HEADER_LENGTH, MAGIC, MAX_PACK_BYTES, PackHead, PackKind, Source

__all__ = ["HEADER_LENGTH", "MAGIC", "MAX_PACK_BYTES", "PackHead", "PackKind", "Source"]

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
PAIR_KEY_BYTES = 14
UNIT = struct.Struct("<5sIIIBB")
"""Code, first and last day, units, adjudication indicator (1 line, 2 and 3 day, 0 not stated), rationale (index)."""
UNIT_KEY_BYTES = 9
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


def normal(code: str) -> str:
    """A code as it is compared: upper case, without dot and blanks."""
    return code.strip().upper().replace(".", "")


def number_of(day: datetime.date | None) -> int:
    """A day as yyyymmdd; 0 for none."""
    return 0 if day is None else day.year * 10_000 + day.month * 100 + day.day


def day_of(number: int) -> datetime.date | None:
    """The day of a yyyymmdd; None for 0. ValueError for no day at all."""
    return None if number == 0 else datetime.date(number // 10_000, number // 100 % 100, number % 100)
