"""Medicare's code edits for ICD-10-CM: of every billable code when it was valid, and which edits hold for it.

Tab-separated: code (no dot), start, end (yyyymmdd, empty: open), flags (comma-separated names as in the Medicare Code
Editor). A code has a row for every time with other edits.
"""

from __future__ import annotations

import datetime
import re

from appliance.coding.tables.compressed import plain
from appliance.coding.tables.records import Period
from appliance.coding.tables.refusal import wrong

MAX_BYTES = 64 << 20
COLUMNS = ("code", "start", "end", "flags")
_CODE = re.compile(r"[A-Z][0-9A-Z]{2,6}")
_FLAG = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,23}")
_MOST_KINDS = 32


def read_edits(content: bytes, name: str) -> list[Period]:
    """The rows of the table, plain or gzip.

    Raises:
        TableFileError: it is not such a table; with line and column.
    """
    lines = plain(content, name, "ascii", MAX_BYTES).split("\n")
    if tuple(lines[0].rstrip("\r").split("\t")) != COLUMNS:
        raise wrong(name, 1, f"the columns {', '.join(COLUMNS)} were wanted, tab-separated", seen=lines[0])
    rows = []
    kinds: dict[str, int] = {}
    last: dict[str, datetime.date | None] = {}
    for number, line in enumerate(lines[1:], start=2):
        line = line.rstrip("\r")
        if not line and number == len(lines):
            break
        cells = line.split("\t")
        if len(cells) != len(COLUMNS):
            raise wrong(name, number, f"{len(COLUMNS)} columns were wanted, there are {len(cells)}", seen=line)
        code, start, end, flags = cells
        if not _CODE.fullmatch(code):
            raise wrong(name, number, "a code without the dot was wanted", column="code", seen=code)
        first = _day(name, number, "start", start)
        until = _day(name, number, "end", end) if end else None
        if until is not None and until < first:
            raise wrong(name, number, "it ends before it starts", column="end", seen=end)
        if code in last and (last[code] is None or first <= last[code]):  # type: ignore[operator]
            raise wrong(name, number, "it starts before the code's row above ends", column="start", seen=start)
        last[code] = until
        names = tuple(flags.split(",")) if flags else ()
        for flag in names:
            if not _FLAG.fullmatch(flag):
                raise wrong(name, number, "names of edits were wanted, comma-separated", column="flags", seen=flags)
            kinds.setdefault(flag, number)
            if len(kinds) > _MOST_KINDS:
                raise wrong(name, number, f"more than {_MOST_KINDS} kinds of edits", column="flags", seen=flag)
        rows.append(Period(code, first, until, names))
    if not rows:
        raise wrong(name, 0, "the table has no rows")
    return rows


def _day(name: str, line: int, column: str, text: str) -> datetime.date:
    if re.fullmatch(r"[0-9]{8}", text):
        try:
            return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            pass
    raise wrong(name, line, "a day as yyyymmdd was wanted", column=column, seen=text)
