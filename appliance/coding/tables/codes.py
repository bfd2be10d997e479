"""A code table of a pack: what `CodeTable` (appliance/coding/suggestion.py) asks for, and the levels above a code."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from appliance.coding.suggestion import CodeSystem, Entry, Note
from appliance.coding.tables.layout import (
    BILLABLE,
    ENTRY,
    GROUP,
    INDEX,
    KEY_BYTES,
    NOTE,
    NOTE_KINDS,
    PERIOD,
    SEVENTH_CHARACTER,
    PackHead,
    PackKind,
    day_of,
    normal,
)
from appliance.coding.tables.pack import Pack, open_pack
from appliance.coding.tables.records import Period
from appliance.errors import NotVerifiedError

_MAX_CODE_CHARACTERS = 32
_ENTRIES_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Group:
    """A chapter or a block of codes.

    Args:
        name: "9" (a chapter) or "I10-I1A" (a block).
        title: As printed.
        above: The chapter of a block; empty for a chapter.
        notes: They hold for every code in it.
    """

    name: str
    title: str
    above: str
    notes: tuple[Note, ...]


class PackedTable:
    """A `CodeTable`, read-only, for any number of threads. Texts are read from the file when they are asked for."""

    def __init__(self, pack: Pack) -> None:
        if pack.head.kind is not PackKind.CODES:
            raise NotVerifiedError(f"a pack of {pack.head.kind} is no code table", hint="name a pack of codes")
        self.pack = pack
        self._system = CodeSystem(pack.head.system)
        self._places = pack.rows("entries", ENTRY)
        # Per table, not per class: a cache of a class would keep closed tables alive.
        self._entry = lru_cache(maxsize=_ENTRIES_KEPT)(self._read_entry)
        self._group = lru_cache(maxsize=512)(self._read_group)

    @property
    def system(self) -> CodeSystem:
        """The code system."""
        return self._system

    @property
    def version(self) -> str:
        """As the publisher names it."""
        return self.pack.head.version

    @property
    def digest(self) -> str:
        """SHA-256 of the pack, hexadecimal."""
        return self.pack.digest

    @property
    def head(self) -> PackHead:
        """What the pack says of itself."""
        return self.pack.head

    def __len__(self) -> int:
        return self._places

    def lookup(self, code: str) -> Entry | None:
        """A code, with or without the dot, in any case; None when the table has no such code."""
        place = self._place(code)
        return None if place is None else self._entry(place)

    def entries(self) -> Iterator[Entry]:
        """All, in the table's order. They are not kept, so that a walk over the table costs no memory."""
        return (self._read_entry(place) for place in range(self._places))

    def inherited(self, code: str, kind: str) -> tuple[Note, ...]:
        """Notes of a kind that hold for a code: its own, those of the codes above it, then of its block and chapter.

        Codes that were made with a 7th character stand under the code without it, so its notes hold as well.
        """
        found: list[Note] = []
        for _, notes in self.levels(code):
            found += [note for note in notes if note.kind == kind]
        return tuple(found)

    def levels(self, code: str) -> tuple[tuple[str, tuple[Note, ...]], ...]:
        """Every level whose notes hold for a code, from the code upwards: name ("E11", "E08-E13", "4") and notes."""
        place = self._place(code)
        levels: list[tuple[str, tuple[Note, ...]]] = []
        group = -1
        while place is not None and place >= 0:
            entry = self._entry(place)
            levels.append((entry.code, entry.notes))
            place, group = self._row(place)[5:7]
        while group >= 0:
            found, group = self._group(group)
            levels.append((found.name, found.notes))
        return tuple(levels)

    def groups(self, code: str) -> tuple[Group, ...]:
        """The block of a code and its chapter; empty when the table has no groups or not the code."""
        place = self._place(code)
        place = -1 if place is None else self._row(place)[6]
        found = []
        while place >= 0:
            group, place = self._group(place)
            found.append(group)
        return tuple(found)

    def chapter(self, code: str) -> Group | None:
        """The chapter that a code stands in."""
        groups = self.groups(code)
        return groups[-1] if groups else None

    def has_seventh_character(self, code: str) -> bool:
        """Whether a code was made of the code above it and one of its 7th characters (with placeholders X)."""
        place = self._place(code)
        return place is not None and bool(self._row(place)[4] & SEVENTH_CHARACTER)

    def children(self, code: str) -> tuple[Entry, ...]:
        """The codes right below a code, in the table's order."""
        above = self._place(code)
        if above is None:
            return ()
        found = []
        # Everything below a code follows it without a gap.
        for place in range(above + 1, self._places):
            parent = self._row(place)[5]
            if parent < above:
                break
            if parent == above:
                found.append(self._entry(place))
        return tuple(found)

    def periods(self, code: str) -> tuple[Period, ...]:
        """When a code could be on a claim, the oldest first, with Medicare's edits; deleted codes have theirs as well.

        Empty when the table has no such dates or does not know the code.
        """
        key = normal(code)
        if not key.isascii() or len(key) > 7:
            return ()
        wanted = key.encode().ljust(7)
        low, high = 0, self.pack.rows("periods", PERIOD)
        while low < high:
            middle = (low + high) // 2
            if self.pack.row("periods", PERIOD, middle)[0] < wanted:
                low = middle + 1
            else:
                high = middle
        found = []
        for place in range(low, self.pack.rows("periods", PERIOD)):
            name, start, end, bits = self.pack.row("periods", PERIOD, place)
            if name != wanted:
                break
            first = day_of(start)
            flags = tuple(flag for bit, flag in enumerate(self.head.flags) if bits >> bit & 1)
            found.append(Period(key, first or datetime.date.min, day_of(end), flags))
        return tuple(found)

    def seventh_characters(self, code: str) -> tuple[tuple[str, str], ...]:
        """The 7th characters that hold for a code, of the nearest level that has any: character and words."""
        for _, notes in self.levels(code):
            found = [note.text for note in notes if note.kind == "seventh_character"]
            listed = [text.split(" - ", 1) for text in found if text[1:4] == " - "]
            if listed:
                return tuple((character, words) for character, words in listed)
        return ()

    @property
    def dated(self) -> bool:
        """Whether the table says of every code when it was valid, so that it can judge claims of the past."""
        return self.pack.rows("periods", PERIOD) > 0

    def billable_on(self, code: str, day: datetime.date) -> bool:
        """Whether a claim of that date of service may carry the code.

        A table without dates of its codes can only say so from its own first day on.
        """
        if self.dated:
            return any(each.start <= day and (each.end is None or day <= each.end) for each in self.periods(code))
        entry = self.lookup(code)
        return entry is not None and entry.billable and self.head.in_force(day)

    def _place(self, code: str) -> int | None:
        if len(code) > _MAX_CODE_CHARACTERS:
            return None
        wanted = normal(code).encode("ascii", "replace").ljust(KEY_BYTES)
        content, start = self.pack.content, self.pack.section("order")[0]
        low, high = 0, self._places
        while low < high:
            middle = (low + high) // 2
            at = start + middle * INDEX.size
            if content[at : at + KEY_BYTES] < wanted:
                low = middle + 1
            else:
                high = middle
        if low == self._places:
            return None
        key, place = self.pack.row("order", INDEX, low)
        return place if key == wanted else None

    def _row(self, place: int) -> tuple[int, int, int, int, int, int, int, int, int]:
        if not 0 <= place < self._places:
            raise NotVerifiedError("a code pack points behind its own end", hint="import the table again")
        return self.pack.row("entries", ENTRY, place)

    def _read_entry(self, place: int) -> Entry:
        code, code_length, title, title_length, flags, parent, _, note, notes = self._row(place)
        above = "" if parent < 0 else self.pack.text(*self._row(parent)[:2])
        return Entry(
            self.pack.text(code, code_length),
            self.pack.text(title, title_length),
            bool(flags & BILLABLE),
            above,
            self._notes(note, notes),
        )

    def _read_group(self, place: int) -> tuple[Group, int]:
        name, name_length, title, title_length, above, note, notes = self.pack.row("groups", GROUP, place)
        over = "" if above < 0 else self.pack.text(*self.pack.row("groups", GROUP, above)[:2])
        group = Group(
            self.pack.text(name, name_length), self.pack.text(title, title_length), over, self._notes(note, notes)
        )
        return group, above

    def _notes(self, first: int, count: int) -> tuple[Note, ...]:
        rows = (self.pack.row("notes", NOTE, place) for place in range(first, first + count))
        return tuple(Note(NOTE_KINDS[kind], self.pack.text(offset, length)) for kind, offset, length in rows)


def open_table(path: Path, digest: str | None = None) -> PackedTable:
    """Open a code table's pack and verify it.

    Args:
        path: The pack.
        digest: The SHA-256 that it must have; None: whatever it has is its identity.

    Raises:
        NotVerifiedError: it is not that pack, or holds no codes.
        UnknownStateError: it cannot be read.
    """
    return PackedTable(open_pack(path, digest))
