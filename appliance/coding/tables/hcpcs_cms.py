"""HCPCS Level II as CMS publishes it each quarter: the fixed-width file, or the spreadsheet saved as CSV or text.

Places in the fixed-width record (CMS, HCPCS contractor record layout, first character 1): code 1-5, sequence 6-10,
record 11 (3 the first line of a code, 4 more of its description, 7 and 8 the same of a modifier), description 12-91,
added 269-276, last day 285-292. Older records have Windows characters. Modifiers are no codes and are left out.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.compressed import plain
from appliance.coding.tables.layout import PackKind
from appliance.coding.tables.records import CodeRecord, Period
from appliance.coding.tables.refusal import wrong
from appliance.coding.tables.rows import day, heading, place_of, rows
from appliance.coding.tables.stamp import Stamp
from appliance.coding.tables.write import code_pack

LICENCE = "HCPCS Level II: CMS, public domain; imported by the practice"
_CODE = re.compile(r"[A-Z][0-9]{4}")
_SHORTEST = 293
_MOST_CODES = 100_000
_DISCLAIMER_LINES = 60
_MODIFIER = ("7", "8")


@dataclass
class _Code:
    line: int
    title: list[str]
    added: datetime.date
    until: datetime.date | None


@dataclass
class _Codes:
    name: str
    found: dict[str, _Code] = field(default_factory=dict)

    def first(self, line: int, code: str, title: str, added: str, until: str) -> None:
        if not _CODE.fullmatch(code):
            raise wrong(self.name, line, "a letter and four digits were wanted", column="code", seen=code)
        if code in self.found:
            seen = f"it stands in line {self.found[code].line} already"
            raise wrong(self.name, line, seen, column="code", seen=code)
        if not title:
            raise wrong(self.name, line, "a description was wanted", column="long description")
        if len(self.found) >= _MOST_CODES:
            raise wrong(self.name, line, f"more than {_MOST_CODES} codes")
        start = day(added, self.name, line, "add date")
        end = day(until, self.name, line, "termination date") if until else None
        if end is not None and end < start:
            raise wrong(self.name, line, "it ends before it was added", column="termination date", seen=until)
        self.found[code] = _Code(line, [title], start, end)

    def more(self, line: int, code: str, title: str) -> None:
        last = next(reversed(self.found), "")
        if code != last:
            raise wrong(self.name, line, "more of a description, but not of the code above", column="code", seen=code)
        self.found[code].title.append(title)


def hcpcs_pack(content: bytes, name: str, stamp: Stamp) -> bytes:
    """The pack of a quarterly file, plain or gzip.

    Raises:
        TableFileError: it is no such file; with line and column.
    """
    text = plain(content, name, older="cp1252")
    codes = _Codes(name)
    if _is_spreadsheet(text):
        _read_spreadsheet(text, codes)
    else:
        _read_fixed(text, codes)
    if not codes.found:
        raise wrong(name, 0, "the file has no code of HCPCS Level II")
    records = [CodeRecord(code, " ".join(" ".join(each.title).split()), True) for code, each in codes.found.items()]
    periods = [Period(code, each.added, each.until) for code, each in codes.found.items()]
    head = stamp.head(PackKind.CODES, CodeSystem.HCPCS.value, LICENCE, {name: content})
    return code_pack(head, records, (), periods)


def _read_fixed(text: str, codes: _Codes) -> None:
    for line, record in enumerate(text.splitlines(), start=1):
        if not record.strip():
            continue
        kind = record[10:11]
        if kind in _MODIFIER and not record[:3].strip():
            continue
        if kind == "3":
            if len(record) < _SHORTEST - 1:
                problem = f"a record of {_SHORTEST} characters was wanted, this one has {len(record)}"
                raise wrong(codes.name, line, problem, column=len(record) + 1)
            codes.first(line, record[:5], record[11:91].strip(), record[268:276].strip(), record[284:292].strip())
        elif kind == "4":
            codes.more(line, record[:5], record[11:91].strip())
        else:
            problem = "a record of kind 3, 4, 7 or 8 was wanted"
            raise wrong(codes.name, line, problem, column=11, seen=record[:16])


def _is_spreadsheet(text: str) -> bool:
    head = text[: 1 << 16].split("\n")[:_DISCLAIMER_LINES]
    return any(re.search(r'(^|[,;\t"])HCPC["]?[,;\t]', line, re.IGNORECASE) for line in head)


def _spreadsheet(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    head = text[: 1 << 16]
    delimiter = max(",\t;", key=head.count)
    return rows(text, name, delimiter)


def _read_spreadsheet(text: str, codes: _Codes) -> None:
    found = _spreadsheet(text, codes.name)
    places: dict[str, int] = {}
    wanted = {"code": "hcpc", "kind": "recid", "title": "long description", "added": "add dt", "until": "term dt"}
    for line, cells in found:
        headings = [heading(cell) for cell in cells]
        if "hcpc" in headings:
            for key, column in wanted.items():
                place = place_of(headings, column)
                if place is None:
                    raise wrong(codes.name, line, f"the column {column.upper()} is not there", seen="\t".join(cells))
                places[key] = place
            break
        if line > _DISCLAIMER_LINES:
            raise wrong(codes.name, line, "the row with the column HCPC was wanted before")
    for line, cells in found:
        code, kind, title, added, until = (cells[places[key]] if places[key] < len(cells) else "" for key in wanted)
        if kind in _MODIFIER or (not kind and len(code) == 2):
            continue
        if kind == "3":
            codes.first(line, code, title, added, until)
        elif kind == "4":
            codes.more(line, code, title)
        else:
            raise wrong(codes.name, line, "a record of kind 3, 4, 7 or 8 was wanted", column="RECID", seen=kind)
