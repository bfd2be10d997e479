"""Codes and what changed between tables, as lines for a terminal and as documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from appliance.coding.suggestion import Entry
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.difference import DeadFavourite, Difference

_SHOWN = 40
_KINDS = {
    "includes": "includes",
    "inclusion_term": "also called",
    "excludes1": "excludes 1 (never together)",
    "excludes2": "excludes 2 (not included here)",
    "code_first": "code first",
    "use_additional": "use additional code",
    "code_also": "code also",
    "seventh_character": "7th character",
    "definition": "definition",
    "note": "note",
}
# Names of Medicare's edits in the table, as Definitions of Medicare Code Edits says them.
_EDITS = {
    "ecodepdx": "external cause, never listed first",
    "manifestation": "manifestation, never listed first",
    "qadm": "questionable admission",
    "reqsdx": "needs a secondary diagnosis",
    "unacceptable": "unacceptable principal diagnosis",
    "unspecified": "unspecified",
}


def entry_lines(document: dict[str, Any]) -> list[str]:
    """What `lookup` prints of a code."""
    answer = "may be on a claim" if document["billable"] else "may NOT be on a claim"
    lines = [
        f"{document['code']}  {document['title']}",
        f"  {answer} of {document['on']} ({document['system']} {document['table_version']})",
    ]
    if document["outdated"] is not None:
        lines.append(f"  look again: {document['outdated']}")
    for each in document["valid"]:
        edits = f": {', '.join(_EDITS.get(flag, flag) for flag in each['edits'])}" if each["edits"] else ""
        lines.append(f"  valid {each['from']} to {each['to'] or 'now'}{edits}")
    lines += _note_lines(document["notes"])
    lines += [f"  below: {each['code']}  {each['title']}" for each in document["below"]]
    for each in document["above"]:
        lines.append(f"under {each['name']}  {each['title']}")
        lines += _note_lines(each["notes"])
    return lines


def _note_lines(notes: Iterable[dict[str, str]]) -> Iterator[str]:
    for note in notes:
        yield f"  {_KINDS.get(note['kind'], note['kind'])}: {note['text']}"


def difference_document(
    found: Difference, dead: Sequence[DeadFavourite], old: PackedTable, new: PackedTable
) -> dict[str, Any]:
    """What `diff` prints as JSON."""
    return {
        "system": new.system.value,
        "old": {"version": old.version, "digest": old.digest},
        "new": {"version": new.version, "digest": new.digest},
        "added": [_entry(each) for each in found.added],
        "deleted": [_entry(each) for each in found.deleted],
        "retitled": [{"code": each.code, "old": each.old, "new": each.new} for each in found.retitled],
        "now_billable": [*found.now_billable],
        "no_longer_billable": [*found.no_longer_billable],
        "dead_favourites": [
            {
                "code": each.favourite.code,
                "line": each.favourite.line,
                "label": each.favourite.label,
                "title": each.title,
                "why": each.why,
                "successors": [_entry(entry) for entry in each.successors],
            }
            for each in dead
        ],
    }


def difference_lines(document: dict[str, Any]) -> list[str]:
    """What `diff` prints for people; long lists are cut, and that is said."""
    old, new = document["old"], document["new"]
    lines = [
        f"{document['system']}: {old['version']} ({old['digest'][:12]}) -> {new['version']} ({new['digest'][:12]})"
    ]
    lines += _section("added", [f"{each['code']:<9} {each['title']}" for each in document["added"]])
    lines += _section("deleted", [f"{each['code']:<9} {each['title']}" for each in document["deleted"]])
    retitled = [f"{each['code']:<9} {each['old']} -> {each['new']}" for each in document["retitled"]]
    lines += _section("retitled", retitled)
    lines += _section("now billable", document["now_billable"])
    lines += _section("no longer billable", document["no_longer_billable"])
    dead = []
    for each in document["dead_favourites"]:
        dead.append(f"{each['code']:<9} {each['title'] or each['label']}: {each['why']}")
        dead += [f"          perhaps {entry['code']:<9} {entry['title']}" for entry in each["successors"]]
    # Never cut: this is what the practice asked.
    if dead:
        lines += [f"favourites that died: {len(document['dead_favourites'])}", *(f"  {each}" for each in dead)]
    return lines


def _section(title: str, rows: Sequence[str]) -> list[str]:
    lines = [f"{title}: {len(rows)}", *(f"  {row}" for row in rows[:_SHOWN])]
    return lines if len(rows) <= _SHOWN else [*lines, f"  … and {len(rows) - _SHOWN} more; -o json has all"]


def _entry(entry: Entry) -> dict[str, Any]:
    return {"code": entry.code, "title": entry.title, "billable": entry.billable}
