"""The practice's licensed CPT file, in the forms that the AMA distributes. Nothing of it comes with the appliance.

Forms, told apart by their first code: tab-separated (LONGULT: code, description), fixed-field long descriptions (code
in 1-5, sequence in 6-7, text in 9-80; a code goes on over records), fixed-field short and medium ones (code in 1-5,
text from 7), and the consolidated list of CPT Link (a heading with "CPT Code" and "Long"). Each begins with the AMA's
copyright notice, which is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.compressed import plain
from appliance.coding.tables.layout import PackKind
from appliance.coding.tables.records import CodeRecord
from appliance.coding.tables.refusal import wrong
from appliance.coding.tables.rows import heading, place_of, rows
from appliance.coding.tables.stamp import Stamp
from appliance.coding.tables.write import code_pack

LICENCE = "CPT: copyright American Medical Association; the practice's own licence, not to be passed on"
CODE = re.compile(r"[0-9]{4}[0-9A-Z]")
_NOTICE_LINES = 200
_MOST_CODES = 100_000
_MOST_CHARACTERS = 4000
_TAB = re.compile(r"[0-9]{4}[0-9A-Z]\t")
_LONG = re.compile(r"[0-9]{4}[0-9A-Z][0-9]{2} ")
_SHORT = re.compile(r"[0-9]{4}[0-9A-Z] ")


def cpt_pack(content: bytes, name: str, stamp: Stamp) -> bytes:
    """The pack of a licensed file, plain or gzip.

    Raises:
        TableFileError: it is no such file; with line and column. The message never repeats a description.
    """
    text = plain(content, name, older="cp1252")
    codes: dict[str, str] = {}
    for line, code, sequence, title in _descriptions(text, name):
        if sequence > 1:
            if code != next(reversed(codes), ""):
                raise wrong(name, line, "more of a description, but not of the code above", column=1, seen=code)
            codes[code] += " " + title
        elif code in codes:
            raise wrong(name, line, "a code that stands above already", column=1, seen=code)
        else:
            codes[code] = title
        if len(codes[code]) > _MOST_CHARACTERS or len(codes) > _MOST_CODES:
            raise wrong(name, line, "more than such a file holds", column=1, seen=code)
    if not codes:
        raise wrong(name, 0, "the file has no CPT code")
    records = [CodeRecord(code, " ".join(title.split()), True) for code, title in codes.items()]
    head = stamp.head(PackKind.CODES, CodeSystem.CPT.value, LICENCE, {name: content})
    return code_pack(head, records, (), ())


def _descriptions(text: str, name: str) -> Iterator[tuple[int, str, int, str]]:
    """Line, code, sequence (1 first) and description."""
    lines = text.splitlines()
    for place, line in enumerate(lines[:_NOTICE_LINES]):
        if "\t" in line and "cpt code" in [heading(cell) for cell in line.split("\t")]:
            yield from _consolidated(lines, place, name)
            return
        for form in (_TAB, _LONG, _SHORT):
            if form.match(line):
                yield from _records(lines, place, form, name)
                return
    raise wrong(name, 0, f"no CPT code begins any of the first {_NOTICE_LINES} lines")


def _records(lines: list[str], first: int, form: re.Pattern[str], name: str) -> Iterator[tuple[int, str, int, str]]:
    for number, line in enumerate(lines[first:], start=first + 1):
        if not line.strip():
            continue
        if not form.match(line):
            raise wrong(name, number, "a CPT code was wanted, as in the records above", column=1, seen=line[:8])
        code, sequence = line[:5], int(line[5:7]) if form is _LONG else 1
        title = line[8:] if form is _LONG else line[6:]
        if not title.strip():
            raise wrong(name, number, "a description was wanted", column=9 if form is _LONG else 7)
        yield number, code, sequence, title.strip()


def _consolidated(lines: list[str], first: int, name: str) -> Iterator[tuple[int, str, int, str]]:
    found = rows("\n".join(lines[first:]), name, "\t", quoted=False)
    _, cells = next(found)
    headings = [heading(cell) for cell in cells]
    at_code, at_title = place_of(headings, "cpt code"), place_of(headings, "long")
    if at_code is None or at_title is None:
        raise wrong(name, first + 1, "the column Long is not there")
    for line, cells in found:
        if max(at_code, at_title) >= len(cells) or not CODE.fullmatch(cells[at_code]) or not cells[at_title]:
            raise wrong(name, first + line, "a CPT code and its long description were wanted", seen=cells[0][:12])
        yield first + line, cells[at_code], 1, cells[at_title]
