"""HCPCS Level II as a list: code, description and short description, tab-separated. The form of the built-in table."""

from __future__ import annotations

import csv
import io
import re

from appliance.coding.tables.compressed import plain
from appliance.coding.tables.records import CodeRecord
from appliance.coding.tables.refusal import wrong

COLUMNS = ("code", "description", "short_description")
CODE = re.compile(r"[A-V][0-9]{4}")
_MOST_CODES = 100_000
_MOST_CHARACTERS = 4000


def read_list(content: bytes, name: str) -> list[CodeRecord]:
    """The codes of the list, plain or gzip; HCPCS has no headers, so every code is billable.

    Raises:
        TableFileError: it is not such a list; with line and column.
    """
    rows = csv.reader(io.StringIO(plain(content, name)), delimiter="\t", quoting=csv.QUOTE_NONE)
    if tuple(next(rows, ())) != COLUMNS:
        raise wrong(name, 1, f"the columns {', '.join(COLUMNS)} were wanted, tab-separated")
    codes: dict[str, CodeRecord] = {}
    for row in rows:
        if len(row) != len(COLUMNS):
            raise wrong(name, rows.line_num, f"{len(COLUMNS)} columns were wanted, there are {len(row)}")
        code, title, _ = row
        if not CODE.fullmatch(code):
            raise wrong(name, rows.line_num, "a letter from A to V and four digits were wanted", column=1, seen=code)
        if code in codes:
            raise wrong(name, rows.line_num, "a code that stands above already", column=1, seen=code)
        if not title.strip() or len(title) > _MOST_CHARACTERS:
            raise wrong(name, rows.line_num, "a description was wanted", column=2, seen=title)
        codes[code] = CodeRecord(code, title.strip(), True)
        if len(codes) > _MOST_CODES:
            raise wrong(name, rows.line_num, f"more than {_MOST_CODES} codes")
    if not codes:
        raise wrong(name, 0, "the list has no codes")
    return list(codes.values())
