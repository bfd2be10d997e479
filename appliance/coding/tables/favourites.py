"""A practice's list of favourite codes: CSV with a heading; "code", and if it likes "label" and "system"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.compressed import plain
from appliance.coding.tables.layout import ENTRY, GROUP, PackKind, normal
from appliance.coding.tables.pack import Pack
from appliance.coding.tables.records import CodeRecord, GroupRecord
from appliance.coding.tables.refusal import wrong
from appliance.coding.tables.rows import heading, rows
from appliance.coding.tables.stamp import Stamp
from appliance.coding.tables.write import code_pack
from appliance.errors import NotVerifiedError

LICENCE = "the practice's own list"
_CODE = re.compile(r"[0-9A-Z]{3,11}")
_SEPARATOR = re.compile(r"sep=([,;\t])\r?", re.IGNORECASE)
"""The first line by which Excel is told what parts its cells."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?E[+-]?\d+")
_MOST = 20_000
_LONGEST_LABEL = 300


@dataclass(frozen=True, slots=True)
class Favourite:
    """One code of the list: the line that it stands in, its system and the practice's own words for it."""

    line: int
    code: str
    system: CodeSystem
    label: str


def read_favourites(content: bytes, name: str) -> list[Favourite]:
    """The list, in its order.

    Raises:
        TableFileError: it is no such list; with line and column.
    """
    text = plain(content, name, older="cp1252")
    first = text.split("\n", 1)[0]
    told = _SEPARATOR.fullmatch(first)
    found = rows(text, name, told[1] if told else max(",;\t", key=first.count))
    if told:
        next(found, None)
        first = text.split("\n", 2)[1] if "\n" in text else ""
    line, cells = next(found, (1, []))
    headings = [heading(cell) for cell in _filled(cells)]
    if "code" not in headings:
        raise wrong(name, line, 'a heading with the column "code" was wanted', seen=first.strip())
    unknown = [each for each in headings if each not in ("code", "label", "system")]
    if unknown or len(set(headings)) != len(headings):
        raise wrong(name, line, "the columns code, label and system were wanted", seen=first.strip())
    favourites: dict[tuple[str, str], Favourite] = {}
    for line, cells in found:
        cells = cells if len(cells) <= len(headings) else [*cells[: len(headings)], *_filled(cells[len(headings) :])]
        if len(cells) != len(headings):
            raise wrong(name, line, f"{len(headings)} columns were wanted, there are {len(cells)}")
        row = dict(zip(headings, cells, strict=True))
        code = row["code"].upper()
        if not _CODE.fullmatch(normal(code)):
            number = _NUMBER.fullmatch(code) is not None
            what = "; a spreadsheet program has made a number of it: give the column the format text" if number else ""
            raise wrong(name, line, f"a code was wanted{what}", column="code", seen=row["code"])
        system = row.get("system") or CodeSystem.ICD_10_CM.value
        if system not in [each.value for each in CodeSystem]:
            known = ", ".join(each.value for each in CodeSystem)
            raise wrong(name, line, f"one of {known} was wanted", column="system", seen=system)
        label = " ".join(row.get("label", "").split())
        if len(label) > _LONGEST_LABEL or not label.isprintable():
            raise wrong(name, line, f"a label of at most {_LONGEST_LABEL} characters was wanted", column="label")
        key = (system, normal(code))
        if key in favourites:
            raise wrong(name, line, f"it stands in line {favourites[key].line} already", column="code", seen=code)
        favourites[key] = Favourite(line, code, CodeSystem(system), label)
        if len(favourites) > _MOST:
            raise wrong(name, line, f"more than {_MOST} codes")
    if not favourites:
        raise wrong(name, 0, "the list has no code")
    return list(favourites.values())


def _filled(cells: list[str]) -> list[str]:
    """The cells without empty ones at the end: spreadsheet programs write as many as their widest row has."""
    return cells[: max((place for place, cell in enumerate(cells, 1) if cell), default=0)]


def stored_favourites(pack: Pack) -> list[Favourite]:
    """The list out of its pack, in its order. NotVerifiedError when it is another's."""
    if pack.head.kind is not PackKind.FAVOURITES:
        raise NotVerifiedError(f"a pack of {pack.head.kind} holds no favourites", hint="name a list of favourites")
    listed = []
    for place in range(pack.rows("entries", ENTRY)):
        code, code_length, label, label_length, _, _, group, _, _ = pack.row("entries", ENTRY, place)
        system = pack.text(*pack.row("groups", GROUP, group)[:2])
        text = pack.text(label, label_length)
        # The heading is line 1; empty lines of the file are not counted any more.
        listed.append(Favourite(place + 2, pack.text(code, code_length), CodeSystem(system), text))
    return listed


def favourites_pack(content: bytes, name: str, stamp: Stamp) -> bytes:
    """The pack of a list; codes of each system stand under its name. TableFileError as `read_favourites`."""
    listed = read_favourites(content, name)
    by_code: dict[str, Favourite] = {}
    for each in listed:
        if normal(each.code) in by_code:
            problem = "one code of two systems: give each its own list"
            raise wrong(name, each.line, problem, column="code", seen=each.code)
        by_code[normal(each.code)] = each
    records = [CodeRecord(each.code, each.label, False, group=each.system.value) for each in listed]
    systems = sorted({each.system.value for each in listed})
    head = stamp.head(PackKind.FAVOURITES, "favourites", LICENCE, {name: content})
    return code_pack(head, records, [GroupRecord(system, system) for system in systems], ())
