"""ICD-11 MMS: WHO's "SimpleTabulation" file (tab-separated, a row an entity, in the classification's order).

The place in the hierarchy is written as "- " before the title, once a level. Columns are found by their names: they
grew from release to release. Nothing of WHO's is shipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from appliance.coding.suggestion import CodeSystem, Note
from appliance.coding.tables.compressed import plain
from appliance.coding.tables.layout import PackKind
from appliance.coding.tables.records import CodeRecord, GroupRecord
from appliance.coding.tables.refusal import wrong
from appliance.coding.tables.rows import heading, place_of, rows
from appliance.coding.tables.stamp import Stamp
from appliance.coding.tables.write import code_pack

LICENCE = "ICD-11 MMS: World Health Organization, CC BY-ND 3.0 IGO; imported by the practice"
_CODE = re.compile(r"[0-9A-Z][0-9A-Z]{3}(\.[0-9A-Z]{1,3})?")
_BLOCK = re.compile(r"[A-Z0-9][A-Za-z0-9-]{1,20}")
_CHAPTER = re.compile(r"[0-9]{1,2}|[VX]")
_LEVELS = re.compile(r"(?:-\s)*-?\s?")
_MOST_ROWS = 200_000
_DEEPEST = 20
_NEEDED = ("code", "title", "classkind")


class _Tabulation:
    def __init__(self, name: str, headings: Sequence[str]) -> None:
        self.name = name
        self.place = {
            each: place_of(headings, each)
            for each in (*_NEEDED, "blockid", "chapterno", "isleaf", "primary tabulation", "codingnote")
        }
        missing = [each for each in _NEEDED if self.place[each] is None]
        if missing:
            problem = f"the columns Code, Title and ClassKind were wanted; {', '.join(missing)} is not there"
            raise wrong(name, 1, problem, seen="\t".join(headings))
        self.codes: list[CodeRecord] = []
        self.groups: list[GroupRecord] = []
        self.above: list[tuple[int, str, str]] = []
        self.known: dict[str, int] = {}

    def cell(self, cells: Sequence[str], column: str) -> str:
        place = self.place[column]
        return cells[place].strip() if place is not None and place < len(cells) else ""

    def add(self, line: int, cells: Sequence[str]) -> None:
        kind = self.cell(cells, "classkind").casefold()
        prefix = _LEVELS.match(self.cell(cells, "title"))
        level = prefix.group().count("-") if prefix else 0
        title = self.cell(cells, "title")[prefix.end() if prefix else 0 :].strip()
        if not title:
            raise wrong(self.name, line, "a title was wanted", column="Title")
        if kind not in ("chapter", "block", "category"):
            raise wrong(self.name, line, "chapter, block or category was wanted", column="ClassKind", seen=kind)
        if level > _DEEPEST or (self.above and level > self.above[-1][0] + 1) or (kind == "chapter") != (level == 0):
            problem = "a level that does not fit under the row above"
            raise wrong(self.name, line, problem, column="Title", seen=self.cell(cells, "title"))
        while self.above and self.above[-1][0] >= level:
            self.above.pop()
        if kind == "category":
            self._code(line, cells, title, level)
        else:
            self._group(line, cells, kind, title, level)

    def _group(self, line: int, cells: Sequence[str], kind: str, title: str, level: int) -> None:
        column, form = ("chapterno", _CHAPTER) if kind == "chapter" else ("blockid", _BLOCK)
        name = self.cell(cells, column)
        if not form.fullmatch(name):
            raise wrong(self.name, line, f"the name of a {kind} was wanted", column=column, seen=name)
        self._once(line, f"{kind} {name}")
        self.groups.append(GroupRecord(name, title, self._nearest("group")))
        self.above.append((level, "group", name))

    def _code(self, line: int, cells: Sequence[str], title: str, level: int) -> None:
        code = self.cell(cells, "code")
        if not _CODE.fullmatch(code):
            raise wrong(self.name, line, "a code like 5A11 or 1A00.0 was wanted", column="Code", seen=code)
        self._once(line, code)
        group = self._nearest("group")
        if not group:
            raise wrong(self.name, line, "a category outside of every chapter", column="Code", seen=code)
        leaf = self.cell(cells, "isleaf").casefold() != "false"
        # Extension codes and the like are no codes of their own.
        primary = self.cell(cells, "primary tabulation").casefold() != "false"
        note = self.cell(cells, "codingnote")
        notes = (Note("note", note),) if note else ()
        self.codes.append(CodeRecord(code, title, leaf and primary, self._nearest("code"), group, notes))
        self.above.append((level, "code", code))

    def _once(self, line: int, name: str) -> None:
        if name in self.known:
            raise wrong(self.name, line, f"it stands in line {self.known[name]} already", seen=name)
        self.known[name] = line

    def _nearest(self, kind: str) -> str:
        return next((name for _, each, name in reversed(self.above) if each == kind), "")


def icd11_pack(content: bytes, name: str, stamp: Stamp) -> bytes:
    """The pack of a tabulation, plain or gzip.

    Raises:
        TableFileError: it is no such file; with line and column.
    """
    found = rows(plain(content, name), name, "\t")
    _, first = next(found, (1, []))
    table = _Tabulation(name, [heading(cell) for cell in first])
    parents: set[str] = set()
    for number, (line, cells) in enumerate(found):
        if number >= _MOST_ROWS:
            raise wrong(name, line, f"more than {_MOST_ROWS} rows")
        table.add(line, cells)
    if not table.codes:
        raise wrong(name, 0, "the file has no category")
    parents = {record.parent for record in table.codes}
    if table.place["isleaf"] is None:
        table.codes = [
            CodeRecord(each.code, each.title, each.billable and each.code not in parents, each.parent, each.group)
            for each in table.codes
        ]
    head = stamp.head(PackKind.CODES, CodeSystem.ICD_11_MMS.value, LICENCE, {name: content})
    return code_pack(head, table.codes, table.groups, ())
