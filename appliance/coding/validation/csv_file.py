"""Coded records from a CSV file: id, text or path, date_of_service, codes and, if the practice has it, age."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from appliance.coding.validation.records import (
    MAX_FILE_BYTES,
    MAX_RECORDS,
    MAX_TEXT_CHARS,
    CodedRecord,
    RecordsError,
    Wrong,
    WrongRecordError,
    day_of,
    diagnoses,
    id_of,
    text_of,
)
from appliance.errors import UnknownStateError

_NEEDED = ("id", "date_of_service", "codes")
_SEPARATORS = ";|, \n\t"
_FORM = "a header with id, text (or path), date_of_service, codes; age_years may stand beside"


def read_csv(file: Path) -> tuple[list[CodedRecord], list[Wrong]]:
    """Read a whole file.

    Args:
        file: CSV in UTF-8 with a header. `path` names text files below the CSV's own folder. `codes` are separated by
            blanks, commas, semicolons or bars.

    Returns:
        The records, and the rows that cannot be read.

    Raises:
        RecordsError: It is no such file at all.
        UnknownStateError: It cannot be read.
    """
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise RecordsError(f"{file}: over {MAX_FILE_BYTES} bytes", hint="split the file")
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            return _read(file, stream)
    except OSError as error:
        raise UnknownStateError(f"{file}: {error.strerror}", hint="name a CSV file that can be read") from None


def _read(file: Path, stream: TextIO) -> tuple[list[CodedRecord], list[Wrong]]:
    # Process-wide: a field may be as long as a text (in characters; UTF-8 is decoded by then).
    csv.field_size_limit(max(csv.field_size_limit(), MAX_TEXT_CHARS + 1))
    rows = csv.reader(stream, strict=True)
    records: list[CodedRecord] = []
    wrong: list[Wrong] = []
    seen: dict[str, int] = {}
    try:
        header = _header(file, next(rows, []))
        for line, row in _numbered(rows):
            if not any(cell.strip() for cell in row):
                continue
            place = f"line {line}"
            try:
                record = _record(file, header, row, place)
                if record.id in seen:
                    raise WrongRecordError(f"id: stands in line {seen[record.id]} already")
                seen[record.id] = line
                records.append(record)
            except WrongRecordError as error:
                wrong.append(Wrong(place, str(error)))
            if len(records) + len(wrong) > MAX_RECORDS:
                raise RecordsError(f"{file}: line {line}: over {MAX_RECORDS} records", hint="split the file")
    except csv.Error as error:
        raise RecordsError(f"{file}: line {rows.line_num}: no CSV ({error})", hint=f"wanted: {_FORM}") from None
    if not records and not wrong:
        raise RecordsError(f"{file}: no record below the header", hint=f"wanted: {_FORM}")
    return records, wrong


def _numbered(rows: csv._reader) -> Iterator[tuple[int, list[str]]]:  # type: ignore[name-defined]
    """Rows with the line that each begins in: a quoted text spans several."""
    first = rows.line_num + 1
    for row in rows:
        yield first, row
        first = rows.line_num + 1


def _header(file: Path, row: list[str]) -> dict[str, int]:
    header = {name.strip().casefold().replace(" ", "_"): at for at, name in reversed(list(enumerate(row)))}
    missing = [name for name in _NEEDED if name not in header]
    if "text" not in header and "path" not in header:
        missing.append("text or path")
    if missing:
        raise RecordsError(f"{file}: line 1: no column {', '.join(missing)}", hint=f"wanted: {_FORM}")
    return header


def _record(file: Path, header: dict[str, int], row: list[str], place: str) -> CodedRecord:
    def cell(name: str) -> str:
        at = header.get(name)
        if at is None:
            return ""
        if at >= len(row):
            raise WrongRecordError(f"{len(row)} columns, wanted {name} in column {at + 1}")
        try:
            row[at].encode()
        except UnicodeEncodeError:
            raise WrongRecordError(f"{name}: not UTF-8") from None
        return row[at]

    name = id_of(cell("id"), "id")
    day = day_of(cell("date_of_service"), "date_of_service")
    listed = cell("codes")
    for separator in _SEPARATORS:
        listed = listed.replace(separator, " ")
    codes, others = diagnoses(listed.split(), "codes")
    if not codes:
        raise WrongRecordError("codes: no ICD-10-CM code")
    text = cell("text")
    if not text.strip() and "path" in header:
        text = _beside(file, cell("path").strip())
    return CodedRecord(name, text_of(text, "text"), day, codes, place, _age(cell("age_years")), others)


def _age(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or int(text) > 130:
        raise WrongRecordError("age_years: wanted whole years up to 130")
    return int(text)


def _beside(file: Path, name: str) -> str:
    """The text of a file in the CSV's folder or below; whatever leads out of it is refused."""
    folder = file.resolve().parent
    if not name:
        raise WrongRecordError("text and path: both empty")
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise WrongRecordError("path: leads out of the folder of the CSV file")
        with path.open("rb") as stream:
            data = stream.read(4 * MAX_TEXT_CHARS + 1)
        return data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, WrongRecordError):
            raise
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise WrongRecordError(f"path: {reason}") from None
