"""What changed between two packs, which favourites died, and finding codes by words."""

from __future__ import annotations

import datetime

import pytest

from appliance.coding.tables.builtin import built_in_table
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.difference import dead_favourites, difference
from appliance.coding.tables.favourites import read_favourites
from appliance.coding.tables.icd10cm import icd10cm_pack
from appliance.coding.tables.lookup import told
from appliance.coding.tables.pack import read_pack
from appliance.coding.tables.search import found_by_words, successors
from tests.unit.appliance.coding.tables.files import EDITS, FAVOURITES, TABULAR

NEW = (
    TABULAR.replace(b"<desc>Monday fever</desc></diag>",
                    b"<desc>Monday fever</desc><diag><name>A01.1</name><desc>Monday fever, mild</desc></diag>"
                    b"<diag><name>A01.2</name><desc>Monday fever, severe</desc></diag></diag>")
    .replace(b"<diag><name>A00.0</name><desc>Tuesday fever, mild</desc></diag>", b"")
    .replace(b"<desc>Tuesday fever, severe</desc>", b"<desc>Tuesday fever, serious</desc>")
)  # fmt: skip


def table(content: bytes, day: datetime.date) -> PackedTable:
    pack = icd10cm_pack(content, "x", version=str(day.year), effective_from=day, edits=None)
    return PackedTable(read_pack(pack))


@pytest.fixture(scope="module")
def old() -> PackedTable:
    return table(TABULAR, datetime.date(2026, 10, 1))


@pytest.fixture(scope="module")
def new() -> PackedTable:
    return table(NEW, datetime.date(2027, 10, 1))


def test_what_changed(old: PackedTable, new: PackedTable) -> None:
    found = difference(old, new)
    assert [entry.code for entry in found.added] == ["A01.1", "A01.2"]
    assert [entry.code for entry in found.deleted] == ["A00.0"]
    assert [(each.code, each.new) for each in found.retitled] == [("A00.1", "Tuesday fever, serious")]
    assert (found.now_billable, found.no_longer_billable) == ((), ("A01",))
    back = difference(new, old)
    assert [entry.code for entry in back.added] == ["A00.0"]
    assert (back.now_billable, back.no_longer_billable) == (("A01",), ())


def test_a_table_does_not_differ_from_itself(old: PackedTable) -> None:
    assert difference(old, old).is_empty


def test_a_code_that_has_ended_counts_as_deleted(old: PackedTable) -> None:
    edits = EDITS.replace(b"A01\t20151001\t\t", b"A01\t20151001\t20270930\t")
    pack = icd10cm_pack(
        TABULAR, "x", version="2028", effective_from=datetime.date(2027, 10, 1), edits=edits, edits_name="mce"
    )
    found = difference(old, PackedTable(read_pack(pack)))
    assert [entry.code for entry in found.deleted] == ["A01"]


def test_favourites_that_died_and_what_they_became(old: PackedTable, new: PackedTable) -> None:
    content = FAVOURITES + b"A01,Monday\nA00.1,\nJ1100,\n"
    dead = {each.favourite.code: each for each in dead_favourites(read_favourites(content, "f.csv"), old, new)}
    assert {code: each.why for code, each in dead.items()} == {
        "A00.0": "deleted", "A00.9": "in neither table", "A02.1": "a header in both tables", "A01": "now a header",
        "J1100": "in neither table",
    }  # fmt: skip
    assert [entry.code for entry in dead["A01"].successors] == ["A01.1", "A01.2"]
    assert [entry.code for entry in dead["A00.0"].successors] == ["A00.1"]
    assert dead["A00.9"].title == "Tuesday fever of any kind"
    assert dead["J1100"].successors == ()
    other = b"code,system\nJ1100,hcpcs\n"
    assert dead_favourites(read_favourites(other, "f.csv"), old, new) == []


def test_successors_in_the_real_table() -> None:
    table = built_in_table()
    assert [each.code for each in successors(table, "M54.5", "Low back pain")] == ["M54.50", "M54.59", "M54.51"]
    # Deleted on 2020-10-01 with its category kept.
    assert "N18.30" in [each.code for each in successors(table, "N18.3", "Chronic kidney disease, stage 3 (moderate)")]
    assert successors(table, "QQQ.1", "nothing at all") == []


def test_words() -> None:
    table = built_in_table()
    assert [entry.code for entry in found_by_words(table, "LOW back pain", 2)] == ["M54.59", "M54.50"]
    by_term = found_by_words(table, "high blood pressure", 50)
    assert "I10" in [entry.code for entry in by_term]
    assert found_by_words(table, "xyzzy", 5) == found_by_words(table, "?!", 5) == []


def test_everything_of_a_code_on_a_day() -> None:
    table = built_in_table()
    entry = table.lookup("F03.90")
    assert entry is not None
    document = told(table, entry, datetime.date(2026, 5, 1))
    assert document["billable"] is True
    assert document["edits"] == ["adult"]
    assert [each["name"] for each in document["above"]] == ["F03.9", "F03", "F01-F09", "5"]
    assert told(table, entry, datetime.date(2015, 1, 1))["billable"] is False
