"""Rows of tab- and comma-separated files with the line that each begins in; what cannot be read says where."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Iterator, Sequence

from appliance.coding.tables.refusal import wrong

MAX_CELL = 20_000
_MAX_COLUMNS = 200


def rows(text: str, name: str, delimiter: str, *, quoted: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Line (from 1) and cells of every row that is not empty; blanks in cells are one blank each.

    Args:
        text: The file.
        name: Its name, for messages.
        delimiter: One character.
        quoted: Whether cells may stand in double quotes.

    Raises:
        TableFileError: a quote that never ends, a cell or a row beyond all bounds.
    """
    # Line by line: a table of millions is in memory once as it is.
    lines = _lines(text)
    if quoted:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            said = str(error).replace("\t", "tab")  # it names the delimiter as it is, and messages are printable
            raise wrong(name, line, f"a row that cannot be read ({said})") from None
        if len(cells) > _MAX_COLUMNS:
            raise wrong(name, line, f"a row of more than {_MAX_COLUMNS} columns")
        for column, cell in enumerate(cells, start=1):
            if len(cell) > MAX_CELL:
                raise wrong(name, line, f"a cell of more than {MAX_CELL} characters", column=column)
        if any(cell.strip() for cell in cells):
            yield line, [" ".join(cell.split()) for cell in cells]


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def heading(cell: str) -> str:
    """A column's name as it is compared: one line, lower case."""
    return " ".join(cell.split()).casefold()


def place_of(headings: Sequence[str], *names: str) -> int | None:
    """The column that begins with one of these names (lower case); None when none does."""
    for name in names:
        for place, each in enumerate(headings):
            if each == name or each.startswith(name + " "):
                return place
    return None


def day(text: str, name: str, line: int, column: str) -> datetime.date:
    """A day written yyyymmdd, yyyy-mm-dd or mm/dd/yyyy. TableFileError for anything else."""
    found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", text) or re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text)
    if found:
        year, month, number = found.groups()
    elif found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
        month, number, year = found.groups()
    else:
        raise wrong(name, line, "a day as yyyymmdd was wanted", column=column, seen=text)
    try:
        return datetime.date(int(year), int(month), int(number))
    except ValueError:
        raise wrong(name, line, "a day that the calendar does not have", column=column, seen=text) from None
