"""The table as a tree: what stands below a code, what it sits beside, and which category is much like its own."""

from __future__ import annotations

from functools import cached_property, lru_cache

from appliance.coding.rules.titles import EMPTY, Asked, asked, stems
from appliance.coding.suggestion import CodeTable, Entry

# Two categories are variants of one disease when they share that many words of their titles, as types of diabetes do.
_SHARED_WORDS, _NEIGHBOURS = 2, 6


class CodeTree:
    """A table with its children. Built once for a table; safe to share between threads once built.

    Args:
        table: The table.
    """

    def __init__(self, table: CodeTable) -> None:
        self.table = table
        self._children: dict[str, list[str]] = {}
        self._tops: list[str] = []
        for entry in table.entries():
            if entry.parent:
                self._children.setdefault(entry.parent, []).append(entry.code)
            else:
                self._tops.append(entry.code)
        self.entry = lru_cache(maxsize=50_000)(self._entry)

    def _entry(self, code: str) -> Entry | None:
        return self.table.lookup(code)

    def children(self, code: str) -> list[Entry]:
        """Return what stands directly below a code, in the table's order."""
        return [entry for each in self._children.get(code, ()) if (entry := self.entry(each)) is not None]

    def category(self, code: str) -> str:
        """Return the topmost code above a code, itself if there is none."""
        entry = self.entry(code)
        while entry is not None and entry.parent:
            code = entry.parent
            entry = self.entry(code)
        return code

    def below(self, code: str, limit: int = 3000) -> list[Entry]:
        """Return all that stands below a code, at most `limit`."""
        found: list[Entry] = []
        waiting = [code]
        while waiting and len(found) < limit:
            children = self.children(waiting.pop(0))
            found += children
            waiting += [child.code for child in children]
        return found

    def asks(self, entry: Entry) -> Asked:
        """Return what a code's title asks for beyond the title above it."""
        above = self.entry(entry.parent) if entry.parent else None
        return asked(entry.title, above.title if above else "")

    @cached_property
    def _place(self) -> dict[str, int]:
        return {code: place for place, code in enumerate(self._tops)}

    def variants(self, code: str) -> list[Entry]:
        """Return the categories near a code's own that name the same disease of another type, its own among them."""
        own = self.entry(self.category(code))
        if own is None or own.code not in self._place:
            return []
        at = self._place[own.code]
        near = self._tops[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS + 1]
        wanted = set(stems(own.title)) - EMPTY
        found = []
        for each in near:
            entry = self.entry(each)
            if entry is not None and len(wanted & (set(stems(entry.title)) - EMPTY)) >= _SHARED_WORDS:
                found.append(entry)
        return found if len(found) > 1 else []
