"""Everything that a table says of one code on one day, as a document."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from appliance.coding.suggestion import Entry
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.outdated import outdated

_MOST_CHILDREN = 60


def told(table: PackedTable, entry: Entry, day: datetime.date) -> dict[str, Any]:
    """The code with what holds for it: levels above with their notes, codes below, validity, edits of that day."""
    periods = table.periods(entry.code)
    now = [each for each in periods if each.start <= day and (each.end is None or day <= each.end)]
    levels = table.levels(entry.code)
    titles = {group.name: group.title for group in table.groups(entry.code)}
    above = []
    for name, notes in levels[1:]:
        found = titles.get(name)
        if found is None:
            header = table.lookup(name)
            found = header.title if header is not None else ""
        above.append({"name": name, "title": found, "notes": _notes(notes)})
    return {
        "code": entry.code,
        "title": entry.title,
        "system": table.system.value,
        "table_version": table.version,
        "table_digest": table.digest,
        "on": day.isoformat(),
        "billable": table.billable_on(entry.code, day),
        "outdated": outdated(table, day),
        "notes": _notes(entry.notes),
        "above": above,
        "below": [{"code": each.code, "title": each.title} for each in table.children(entry.code)][:_MOST_CHILDREN],
        "valid": [
            {"from": each.start.isoformat(), "to": each.end.isoformat() if each.end else None, "edits": [*each.flags]}
            for each in periods
        ],
        "edits": sorted({flag for each in now for flag in each.flags}),
    }


def listed(table: PackedTable, entries: Iterable[Entry], day: datetime.date) -> list[dict[str, Any]]:
    """Codes that were found, each with its title and whether a claim of that day may carry it."""
    return [{"code": each.code, "title": each.title, "billable": table.billable_on(each.code, day)} for each in entries]


def _notes(notes: Any) -> list[dict[str, str]]:
    return [{"kind": note.kind, "text": note.text} for note in notes]
