"""NCCI medically unlikely edits (MUE) as CMS publishes them: CSV or tab-separated, below a copyright notice.

Columns: "HCPCS/CPT Code", "… Services MUE Values", "MUE Adjudication Indicator" ("3 Date of Service Edit: Clinical"),
"MUE Rationale". Medicaid's tables lack the indicator. The file carries no dates: it is of its quarter, which whoever
imports it names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from appliance.coding.tables.compressed import plain
from appliance.coding.tables.layout import PackKind
from appliance.coding.tables.ncci_pairs import CODE, LICENCE
from appliance.coding.tables.records import UnitRecord
from appliance.coding.tables.refusal import wrong
from appliance.coding.tables.rows import heading, place_of, rows
from appliance.coding.tables.stamp import Stamp
from appliance.coding.tables.write import unit_pack

_HEADING_LINES = 60
_MOST_ROWS = 200_000
_MOST_UNITS = 10_000_000
_SETTINGS = {"practitioner": "practitioner", "outpatient hospital": "hospital", "dme": "dme"}


def units_pack(content: bytes, name: str, stamp: Stamp) -> bytes:
    """The pack of a table, plain or gzip. Its own heading says which setting it is for.

    Raises:
        TableFileError: it is no such file; with line and column.
    """
    text = plain(content, name, older="cp1252")
    head = text[: 1 << 16]
    found = rows(text, name, "\t" if head.count("\t") >= head.count(",") else ",")
    places, setting = None, ""
    for line, cells in found:
        headings = [heading(cell) for cell in cells]
        at_code = place_of(headings, "hcpcs/ cpt code", "hcpcs/cpt code", "hcpcs/cpt")
        at_units = next((place for place, each in enumerate(headings) if each.endswith("mue values")), None)
        if at_code is not None and at_units is not None:
            setting = _setting(headings[at_units], name, line)
            indicator = place_of(headings, "mue adjudication indicator")
            places = (at_code, at_units, indicator, place_of(headings, "mue rationale"))
            break
        if line > _HEADING_LINES:
            break
    if places is None:
        raise wrong(name, 0, 'the columns "HCPCS/CPT Code" and "… MUE Values" were wanted')
    rationales: dict[str, int] = {}
    units: dict[str, UnitRecord] = {}
    for line, cells in found:
        record = _unit(cells, places, stamp, rationales, name, line)
        if record.code in units:
            raise wrong(name, line, "a code that stands above already", column="HCPCS/CPT Code", seen=record.code)
        units[record.code] = record
        if len(units) > _MOST_ROWS:
            raise wrong(name, line, f"more than {_MOST_ROWS} codes")
    if not units:
        raise wrong(name, 0, "the file has no code")
    pack_head = stamp.head(PackKind.UNITS, f"ncci-mue-{setting}", LICENCE, {name: content})
    return unit_pack(pack_head, units.values(), rationales)


def _setting(column: str, name: str, line: int) -> str:
    for words, setting in _SETTINGS.items():
        if column.startswith(words):
            return setting
    raise wrong(name, line, "values for practitioners, outpatient hospitals or DME were wanted", seen=column)


def _unit(
    cells: Sequence[str],
    places: tuple[int, int, int | None, int | None],
    stamp: Stamp,
    rationales: dict[str, int],
    name: str,
    line: int,
) -> UnitRecord:
    code, units, indicator, rationale = (
        cells[place] if place is not None and place < len(cells) else "" for place in places
    )
    if not CODE.fullmatch(code):
        raise wrong(name, line, "a code of five characters was wanted", column="HCPCS/CPT Code", seen=code)
    if not re.fullmatch(r"[0-9]{1,8}", units) or int(units) > _MOST_UNITS:
        raise wrong(name, line, "a number of units was wanted", column="MUE Values", seen=units)
    adjudication = 0
    if places[2] is not None:
        if not re.match(r"[123](\s|$)", indicator):
            problem = "1, 2 or 3 was wanted"
            raise wrong(name, line, problem, column="MUE Adjudication Indicator", seen=indicator)
        adjudication = int(indicator[0])
    if not rationale.isprintable():
        raise wrong(name, line, "words were wanted", column="MUE Rationale", seen=rationale)
    number = rationales.setdefault(rationale[:200], len(rationales))
    if number > 250:
        raise wrong(name, line, "more than 250 rationales", column="MUE Rationale")
    return UnitRecord(code, stamp.effective_from, stamp.effective_to, int(units), adjudication, number)
