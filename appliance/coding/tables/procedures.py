"""NCCI's tables out of packs: which procedures are not paid beside each other, and how many units of one are."""

from __future__ import annotations

import datetime

from appliance.coding.tables.layout import PAIR, UNIT, PackHead, PackKind, day_of, number_of
from appliance.coding.tables.pack import Pack
from appliance.coding.tables.records import PairRecord, UnitRecord
from appliance.errors import NotVerifiedError


class PairTable:
    """Procedure-to-procedure edits; read-only, for any number of threads."""

    def __init__(self, pack: Pack) -> None:
        if pack.head.kind is not PackKind.PAIRS:
            raise NotVerifiedError(f"a pack of {pack.head.kind} holds no pairs", hint="name a pack of pairs")
        self.pack = pack
        self.head: PackHead = pack.head
        self.system = pack.head.system

    def find(self, column_1: str, column_2: str, day: datetime.date) -> PairRecord | None:
        """The edit of a pair that holds on a date of service; indicator 9 means that it no longer counts."""
        if not (column_1.isascii() and column_2.isascii()):
            return None
        wanted = column_1.encode().ljust(5)[:5] + column_2.encode().ljust(5)[:5]
        for place in self._from(wanted):
            first, second, start, end, modifier, rationale = self.pack.row("pairs", PAIR, place)
            if first + second != wanted:
                return None
            # Deleted as of its own first day: it never held (CMS deletes retroactively in that way).
            if start <= number_of(day) and (end == 0 or (number_of(day) <= end and end != start)) and modifier != 9:
                begun = day_of(start) or datetime.date.min
                return PairRecord(first.decode(), second.decode(), begun, day_of(end), modifier, rationale)
        return None

    def rationale(self, record: PairRecord) -> str:
        """Why, in CMS's words."""
        return self.head.rationales[record.rationale]

    def _from(self, wanted: bytes) -> range:
        rows = self.pack.rows("pairs", PAIR)
        low, high = 0, rows
        while low < high:
            middle = (low + high) // 2
            first, second = self.pack.row("pairs", PAIR, middle)[:2]
            if first + second < wanted:
                low = middle + 1
            else:
                high = middle
        return range(low, rows)


class UnitTable:
    """Medically unlikely edits; read-only, for any number of threads."""

    def __init__(self, pack: Pack) -> None:
        if pack.head.kind is not PackKind.UNITS:
            raise NotVerifiedError(f"a pack of {pack.head.kind} holds no units", hint="name a pack of units")
        self.pack = pack
        self.head: PackHead = pack.head
        self.system = pack.head.system

    def find(self, code: str) -> UnitRecord | None:
        """The most units of a code; None when CMS names none."""
        if not code.isascii() or len(code) > 5:
            return None
        wanted = code.encode().ljust(5)
        rows = self.pack.rows("units", UNIT)
        low, high = 0, rows
        while low < high:
            middle = (low + high) // 2
            if self.pack.row("units", UNIT, middle)[0] < wanted:
                low = middle + 1
            else:
                high = middle
        if low == rows:
            return None
        name, start, end, units, adjudication, rationale = self.pack.row("units", UNIT, low)
        if name != wanted:
            return None
        begun = day_of(start) or datetime.date.min
        return UnitRecord(code, begun, day_of(end), units, adjudication, rationale)

    def rationale(self, record: UnitRecord) -> str:
        """Why, in CMS's words."""
        return self.head.rationales[record.rationale]
