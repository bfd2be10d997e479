"""NCCI procedure-to-procedure edits as CMS publishes them: tab-separated text, or the spreadsheet saved as CSV.

Seven columns: column 1, column 2, "*" for edits of before 1996, first day, day of deletion ("*" none), modifier
indicator (0 not allowed, 1 allowed, 9 not applicable), rationale. Above them stand a copyright notice and a heading of
several lines. A table comes in several files; they become one pack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.coding.tables.compressed import plain
from appliance.coding.tables.layout import PAIR, PAIR_KEY_BYTES, PackKind, number_of
from appliance.coding.tables.records import PairRecord
from appliance.coding.tables.refusal import wrong
from appliance.coding.tables.rows import day, rows
from appliance.coding.tables.stamp import Stamp
from appliance.coding.tables.write import RepeatedError, pair_pack

LICENCE = "NCCI edits: CMS; code numbers by the AMA's licence of the practice; imported by the practice"
CODE = re.compile(r"[0-9A-Z][0-9]{3}[0-9A-Z]")
_HEADING_LINES = 60
_MOST_ROWS = 6_000_000
_MOST_RATIONALES = 250
_COLUMNS = 6


def pairs_pack(files: dict[str, bytes], stamp: Stamp) -> bytes:
    """The pack of the table's files, by name.

    Raises:
        TableFileError: one is no such file; with line and column.
    """
    rationales: dict[str, int] = {}
    head = stamp.head(PackKind.PAIRS, f"ncci-ptp-{stamp.setting}", LICENCE, files)
    try:
        return pair_pack(head, _all(files, rationales), rationales)
    except RepeatedError as error:
        raise _repeated(files, error.key) from None


def _all(files: dict[str, bytes], rationales: dict[str, int]) -> Iterator[PairRecord]:
    total = 0
    for name, content in files.items():
        count = 0
        for line, pair in _pairs(content, name, rationales):
            count += 1
            if total + count > _MOST_ROWS:
                raise wrong(name, line, f"more than {_MOST_ROWS} pairs")
            yield pair
        if not count:
            raise wrong(name, 0, "the file has no pair of codes")
        total += count


def _repeated(files: dict[str, bytes], key: bytes) -> Exception:
    """Where the pair stands for the second time. Looked for only now: to remember every line would cost too much."""
    seen = False
    for name, content in files.items():
        for line, pair in _pairs(content, name, {}):
            first = number_of(pair.start)
            if key == PAIR.pack(pair.column_1.encode(), pair.column_2.encode(), first, 0, 0, 0)[:PAIR_KEY_BYTES]:
                if seen:
                    problem = "a pair that stands above already with that day"
                    return wrong(name, line, problem, column=1, seen=f"{pair.column_1} {pair.column_2}")
                seen = True
    raise AssertionError("a pair that occurs twice was not found again")


def _pairs(content: bytes, name: str, rationales: dict[str, int]) -> Iterator[tuple[int, PairRecord]]:
    text = plain(content, name, older="cp1252")
    head = text[: 1 << 16]
    begun = False
    delimiter = "\t" if head.count("\t") >= head.count(",") else ","
    for line, cells in rows(text, name, delimiter, quoted=delimiter == ","):
        if not begun and not (len(cells) >= _COLUMNS and CODE.fullmatch(cells[0]) and CODE.fullmatch(cells[1])):
            if line > _HEADING_LINES:
                raise wrong(name, line, "a pair of codes was wanted before", column=1, seen=cells[0])
            continue
        begun = True
        if len(cells) < _COLUMNS:
            raise wrong(name, line, f"{_COLUMNS} or 7 columns were wanted, there are {len(cells)}")
        for column in (0, 1):
            if not CODE.fullmatch(cells[column]):
                problem = "a code of five characters was wanted"
                raise wrong(name, line, problem, column=f"Column {column + 1}", seen=cells[column])
        start = day(cells[3], name, line, "Effective Date")
        end = None if cells[4] in ("", "*") else day(cells[4], name, line, "Deletion Date")
        if end is not None and end < start:
            raise wrong(name, line, "deleted before it began", column="Deletion Date", seen=cells[4])
        if cells[5] not in ("0", "1", "9"):
            raise wrong(name, line, "0, 1 or 9 was wanted", column="Modifier", seen=cells[5])
        rationale = cells[6][:200] if len(cells) > _COLUMNS else ""
        if not rationale.isprintable():
            raise wrong(name, line, "words were wanted", column="PTP Edit Rationale", seen=rationale)
        number = rationales.setdefault(rationale, len(rationales))
        if number >= _MOST_RATIONALES:
            raise wrong(name, line, f"more than {_MOST_RATIONALES} rationales", column="PTP Edit Rationale")
        yield line, PairRecord(cells[0], cells[1], start, end, int(cells[5]), number)
