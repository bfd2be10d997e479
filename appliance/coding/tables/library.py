"""The tables that hold for a date of service: what the practice imported, and the built-in ones."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.builtin import built_in, built_in_table
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.favourites import Favourite, stored_favourites
from appliance.coding.tables.layout import PackHead, PackKind
from appliance.coding.tables.pack import Pack
from appliance.coding.tables.procedures import PairTable, UnitTable
from appliance.coding.tables.store import STORE, PackStore
from appliance.errors import UsageError

_SHORTEST_DIGEST = 6
_Table = TypeVar("_Table", PackedTable, PairTable, UnitTable)


@dataclass(frozen=True, slots=True)
class Listed:
    """A pack as it is listed: origin ("built-in", "imported", "release", "not in use", "damaged") and what it says."""

    digest: str
    origin: str
    head: PackHead | None


class Library:
    """All tables of a box, opened once and verified then. For any number of threads.

    Every question asks the list of packs in use first, so an import or a release counts from the next question on.

    Args:
        folder: The packs that were imported.
    """

    def __init__(self, folder: Path = STORE) -> None:
        self.store = PackStore(folder)
        self._opened: dict[str, Pack | PackedTable | PairTable | UnitTable] = {}
        self._lock = threading.Lock()

    def table(self, system: CodeSystem, on: datetime.date) -> PackedTable | None:
        """The table of a system for a date of service; None when there is none at all.

        The newest that was effective by then; before the oldest, the oldest (its dates of codes reach back). An
        imported table goes before a built-in one of the same day, one of the release before both.

        Raises:
            NotVerifiedError: a pack in use is damaged.
            UnknownStateError: it cannot be read.
        """
        found = [table for table in self._tables() if isinstance(table, PackedTable) and table.system is system]
        candidates: list[PackedTable] = [table for table in found if table.head.kind is PackKind.CODES]
        if any(each.system is system for each in built_in()):
            candidates.insert(0, built_in_table(system))
        return _in_force(candidates, on)

    def pairs(self, setting: str, on: datetime.date) -> PairTable | None:
        """NCCI's pairs of a setting ("practitioner", "hospital") for a date of service; None: none were imported."""
        system = f"ncci-ptp-{setting}"
        return _in_force([each for each in self._tables() if isinstance(each, PairTable) and each.system == system], on)

    def units(self, setting: str, on: datetime.date) -> UnitTable | None:
        """NCCI's units of a setting for a date of service; None when none were imported."""
        system = f"ncci-mue-{setting}"
        return _in_force([each for each in self._tables() if isinstance(each, UnitTable) and each.system == system], on)

    def favourites(self) -> list[Favourite]:
        """The practice's favourites, of every list in use; none when none was imported."""
        packs = [each for each in self._tables() if isinstance(each, Pack)]
        return [each for pack in packs for each in stored_favourites(pack)]

    def named(self, name: str) -> PackedTable:
        """A code table by "SYSTEM@VERSION" or by the beginning of its digest; also one that is no longer in use.

        Raises:
            UsageError: there is none, or there are several.
            NotVerifiedError: it is damaged, or no table of codes.
        """
        found = [each for each in self.listed() if _is_named(each, name)]
        if len(found) != 1:
            problem = f"{name}: {'no pack' if not found else f'{len(found)} packs'} of that name"
            raise UsageError(
                problem, hint="`appliancectl codes list` names them: SYSTEM@VERSION, or the digest's beginning"
            )
        for each in built_in():
            if each.sha256 == found[0].digest:
                return built_in_table(each.system)
        return PackedTable(self.store.open(found[0].digest))

    def listed(self) -> list[Listed]:
        """Everything there is, by system and day."""
        packs = [Listed(each.sha256, "built-in", built_in_table(each.system).head) for each in built_in()]
        for stored in self.store.packs():
            used = "release" if stored.of_release else "imported"
            origin = "damaged" if stored.head is None else used if stored.active else "not in use"
            packs.append(Listed(stored.digest, origin, stored.head))
        return sorted(packs, key=lambda each: (_name(each.head), _day(each.head), each.digest))

    def _tables(self) -> Iterator[Pack | PackedTable | PairTable | UnitTable]:
        for digest in self.store.active():
            with self._lock:
                known = self._opened.get(digest)
                if known is None:
                    known = self._opened[digest] = _table(self.store.open(digest))
            yield known


def _table(pack: Pack) -> Pack | PackedTable | PairTable | UnitTable:
    if pack.head.kind is PackKind.CODES:
        return PackedTable(pack)
    if pack.head.kind is PackKind.PAIRS:
        return PairTable(pack)
    return UnitTable(pack) if pack.head.kind is PackKind.UNITS else pack


def _in_force(tables: list[_Table], on: datetime.date) -> _Table | None:
    begun = [table for table in tables if table.head.effective_from <= on]
    if begun:
        # Stable: of two of the same day the later in the list.
        return sorted(begun, key=lambda table: table.head.effective_from)[-1]
    return min(tables, key=lambda table: table.head.effective_from, default=None)


def _is_named(listed: Listed, name: str) -> bool:
    if len(name) >= _SHORTEST_DIGEST and listed.digest.startswith(name.casefold()):
        return True
    return listed.head is not None and f"{listed.head.system}@{listed.head.version}" == name


def _name(head: PackHead | None) -> str:
    return "" if head is None else head.system


def _day(head: PackHead | None) -> datetime.date:
    return datetime.date.min if head is None else head.effective_from
