"""Writing packs: the same records give the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from appliance.coding.suggestion import Note
from appliance.coding.tables.layout import (
    BILLABLE,
    ENTRY,
    GROUP,
    HEADER_LENGTH,
    INDEX,
    KEY_BYTES,
    MAGIC,
    NOTE,
    NOTE_KINDS,
    PAIR,
    PAIR_KEY_BYTES,
    PERIOD,
    SEVENTH_CHARACTER,
    UNIT,
    UNIT_KEY_BYTES,
    PackHead,
    normal,
    number_of,
)
from appliance.coding.tables.records import CodeRecord, GroupRecord, PairRecord, Period, UnitRecord


@dataclass
class _Texts:
    """All texts of a pack, each once."""

    content: bytearray = field(default_factory=bytearray)
    known: dict[str, tuple[int, int]] = field(default_factory=dict)

    def place(self, text: str) -> tuple[int, int]:
        found = self.known.get(text)
        if found is None:
            encoded = text.encode()
            found = self.known[text] = (len(self.content), len(encoded))
            self.content += encoded
        return found


class _Notes:
    def __init__(self, texts: _Texts) -> None:
        self.texts = texts
        self.content = bytearray()
        self.count = 0

    def place(self, notes: Sequence[Note]) -> tuple[int, int]:
        first = self.count
        for note in notes:
            self.content += NOTE.pack(NOTE_KINDS.index(note.kind), *self.texts.place(note.text))
        self.count += len(notes)
        return first, len(notes)


def code_pack(
    head: PackHead, codes: Sequence[CodeRecord], groups: Sequence[GroupRecord], periods: Iterable[Period]
) -> bytes:
    """A pack of a code table.

    Args:
        head: What it says of itself; flags and counts are filled in here.
        codes: In the table's order; `parent` names a code that stands before.
        groups: Chapters and blocks; one above stands before.
        periods: When which code was valid, with its edits; any order.

    Raises:
        ValueError: a code occurs twice, or a parent or group is not there. Importers find that first and say where.
    """
    texts = _Texts()
    notes = _Notes(texts)
    group_at = {group.name: place for place, group in enumerate(groups)}
    group_bytes = bytearray()
    for group in groups:
        above = group_at[group.above] if group.above else -1
        group_bytes += GROUP.pack(*texts.place(group.name), *texts.place(group.title), above, *notes.place(group.notes))
    entry_bytes = bytearray()
    place_of: dict[str, int] = {}
    for code in codes:
        key = normal(code.code)
        if key in place_of:
            raise ValueError(f"{code.code} occurs twice")
        if (code.parent and normal(code.parent) not in place_of) or (code.group and code.group not in group_at):
            raise ValueError(f"{code.code}: what it stands under is not there")
        flags = (BILLABLE if code.billable else 0) | (SEVENTH_CHARACTER if code.seventh_character else 0)
        parent = place_of[normal(code.parent)] if code.parent else -1
        group_place = group_at[code.group] if code.group else -1
        entry_bytes += ENTRY.pack(
            *texts.place(code.code), *texts.place(code.title), flags, parent, group_place, *notes.place(code.notes)
        )
        place_of[key] = len(place_of)
    keys = sorted((key.encode("ascii"), place) for key, place in place_of.items())
    if any(len(key) > KEY_BYTES for key, _ in keys):
        raise ValueError(f"a code of more than {KEY_BYTES} characters")
    order = b"".join(INDEX.pack(key.ljust(KEY_BYTES), place) for key, place in keys)
    ordered = sorted(periods, key=lambda each: (each.code, number_of(each.start)))
    names = sorted({name for period in ordered for name in period.flags})
    if len(names) > 32:
        raise ValueError(f"{len(names)} kinds of flags, at most 32 fit")
    period_bytes = b"".join(
        PERIOD.pack(
            period.code.encode().ljust(7),
            number_of(period.start),
            number_of(period.end),
            sum(1 << names.index(name) for name in set(period.flags)),
        )
        for period in ordered
    )
    billable = sum(code.billable for code in codes)
    counts = (
        ("codes", len(place_of)), ("billable", billable), ("groups", len(groups)), ("notes", notes.count),
        ("periods", len(ordered)),
    )  # fmt: skip
    sections = {
        "entries": bytes(entry_bytes), "groups": bytes(group_bytes), "notes": bytes(notes.content), "order": order,
        "periods": period_bytes, "texts": bytes(texts.content),
    }  # fmt: skip
    return _assembled(replace(head, flags=tuple(names), counts=counts), sections)


class RepeatedError(ValueError):
    """A pair, or a code, stands twice for one first day; `key` is its record's beginning."""

    def __init__(self, key: bytes) -> None:
        super().__init__(f"{key!r} occurs twice")
        self.key = key


def pair_pack(head: PackHead, pairs: Iterable[PairRecord], rationales: Mapping[str, int]) -> bytes:
    """A pack of procedure-to-procedure edits; `rationales` may be filled while `pairs` are read.

    Raises:
        RepeatedError: a pair stands twice with one first day.
    """
    # A table has millions: each is packed as it comes.
    rows = [
        PAIR.pack(
            each.column_1.encode(),
            each.column_2.encode(),
            number_of(each.start),
            number_of(each.end),
            each.modifier,
            each.rationale,
        )
        for each in pairs
    ]
    return _numbered(head, "pairs", rows, rationales, key_bytes=PAIR_KEY_BYTES)


def unit_pack(head: PackHead, units: Iterable[UnitRecord], rationales: Mapping[str, int]) -> bytes:
    """A pack of medically unlikely edits, a code at most once."""
    rows = [
        UNIT.pack(
            each.code.encode(),
            number_of(each.start),
            number_of(each.end),
            each.units,
            each.adjudication,
            each.rationale,
        )
        for each in units
    ]
    return _numbered(head, "units", rows, rationales, key_bytes=UNIT_KEY_BYTES)


def _numbered(head: PackHead, name: str, rows: list[bytes], rationales: Mapping[str, int], *, key_bytes: int) -> bytes:
    """Sort records whose last byte is a rationale; files name rationales in any order, the pack in theirs."""
    words = sorted(rationales)
    place = bytes(words.index(text) for text, _ in sorted(rationales.items(), key=lambda item: item[1]))
    for at, row in enumerate(rows):
        rows[at] = row[:-1] + place[row[-1] : row[-1] + 1]
    rows.sort()
    for row, behind in pairwise(rows):
        if row[:key_bytes] == behind[:key_bytes]:
            raise RepeatedError(row[:key_bytes])
    head = replace(head, rationales=tuple(words), counts=((name, len(rows)),))
    return _assembled(head, {name: b"".join(rows)})


def digest_of(content: bytes) -> str:
    """The identity of a pack."""
    return hashlib.sha256(content).hexdigest()


def _assembled(head: PackHead, sections: dict[str, bytes]) -> bytes:
    table = {}
    offset = 0
    for name in sorted(sections):
        table[name] = [offset, len(sections[name])]
        offset += len(sections[name])
    document = {
        "kind": head.kind.value,
        "system": head.system,
        "version": head.version,
        "effective_from": head.effective_from.isoformat(),
        "effective_to": head.effective_to.isoformat() if head.effective_to else None,
        "licence": head.licence,
        "sources": [{"name": source.name, "sha256": source.sha256} for source in head.sources],
        "flags": list(head.flags),
        "rationales": list(head.rationales),
        "counts": dict(head.counts),
        "sections": table,
    }
    header = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    return b"".join([MAGIC, HEADER_LENGTH.pack(len(header)), header, *(sections[name] for name in sorted(sections))])
