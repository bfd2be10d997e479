"""A pack is its digest: the same bytes for the same inputs, and nothing that was changed opens."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import threading
from pathlib import Path

import pytest

from appliance.coding.suggestion import CodeTable
from appliance.coding.tables.codes import PackedTable, open_table
from appliance.coding.tables.icd10cm import icd10cm_pack
from appliance.coding.tables.layout import HEADER_LENGTH, MAGIC
from appliance.coding.tables.pack import open_pack, read_pack
from appliance.errors import NotVerifiedError, UnknownStateError
from tests.unit.appliance.coding.tables.files import EDITS, TABULAR


def made() -> bytes:
    return icd10cm_pack(
        TABULAR, "tabular.xml", version="2027", effective_from=datetime.date(2026, 10, 1), edits=EDITS, edits_name="mce"
    )


@pytest.fixture(scope="module")
def content() -> bytes:
    return made()


@pytest.fixture
def path(content: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "one.pack"
    path.write_bytes(content)
    return path


def test_same_inputs_same_bytes(content: bytes) -> None:
    assert made() == content


def test_what_was_written_is_read(path: Path, content: bytes) -> None:
    table: CodeTable = open_table(path, hashlib.sha256(content).hexdigest())
    assert [entry.code for entry in table.entries()] == [
        "A00", "A00.0", "A00.1", "A01", "A02", "A02.1", "A02.1XXA", "A02.1XXD",
    ]  # fmt: skip
    entry = table.lookup("a021xxd")
    assert entry is not None
    assert (entry.title, entry.billable, entry.parent) == (
        "Broken calendar of the wall, subsequent encounter", True, "A02.1",
    )  # fmt: skip
    assert table.lookup("A02.1") is not None
    assert table.lookup("A02.1").billable is False  # type: ignore[union-attr]
    assert (table.system, table.version, table.digest) == ("icd-10-cm", "2027", hashlib.sha256(content).hexdigest())


def test_notes_of_all_levels_hold(content: bytes) -> None:
    table = PackedTable(read_pack(content))
    assert [note.text for note in table.inherited("A00.1", "excludes1")] == ["made-up injuries (S00-S09)"]
    assert [name for name, _ in table.levels("A00.1")] == ["A00.1", "A00", "A00-A09", "1"]
    assert table.seventh_characters("A02.1XXA") == (
        ("A", "initial encounter"), ("A", "first encounter"), ("D", "subsequent encounter"),
    )  # fmt: skip
    assert [group.name for group in table.groups("A01")] == ["A00-A09", "1"]
    assert [entry.code for entry in table.children("A00")] == ["A00.0", "A00.1"]
    assert table.has_seventh_character("A02.1XXA")
    assert not table.has_seventh_character("A01")


@pytest.mark.parametrize("code", ["", "A", "A00.2", "ZZZ", "A00.0" * 20, "Ä00", "A0\n0", "\0"])
def test_what_is_not_there_is_none(content: bytes, code: str) -> None:
    table = PackedTable(read_pack(content))
    assert table.lookup(code) is None
    assert table.inherited(code, "excludes1") == ()
    assert table.periods(code) == ()


def test_validity_by_day(content: bytes) -> None:
    table = PackedTable(read_pack(content))
    days = [
        datetime.date(2015, 9, 30),
        datetime.date(2015, 10, 1),
        datetime.date(2020, 9, 30),
        datetime.date(2020, 10, 1),
    ]
    # Deleted since, and in no list any more; the dates know it.
    assert [table.billable_on("A00.9", day) for day in days] == [False, True, True, False]
    assert [each.flags for each in table.periods("A001")] == [("adult",), ("adult", "manifestation")]


def test_a_table_without_dates_judges_its_own_time_only() -> None:
    pack = icd10cm_pack(
        TABULAR, "x", version="2027", effective_from=datetime.date(2026, 10, 1), effective_to=datetime.date(2027, 9, 30)
    )
    table = PackedTable(read_pack(pack))
    days = [
        datetime.date(2026, 9, 30),
        datetime.date(2026, 10, 1),
        datetime.date(2027, 9, 30),
        datetime.date(2027, 10, 1),
    ]
    assert [table.billable_on("A01", day) for day in days] == [False, True, True, False]
    assert not table.billable_on("A00", days[1])


def test_every_changed_byte_is_found(content: bytes, tmp_path: Path) -> None:
    digest = hashlib.sha256(content).hexdigest()
    for place in range(0, len(content), 97):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(NotVerifiedError):
            read_pack(bytes(changed), digest)


def _with_header(content: bytes, change: dict[str, object]) -> bytes:
    start = len(MAGIC) + HEADER_LENGTH.size
    (length,) = HEADER_LENGTH.unpack_from(content, len(MAGIC))
    header = json.dumps({**json.loads(content[start : start + length]), **change}).encode()
    return MAGIC + HEADER_LENGTH.pack(len(header)) + header + content[start + length :]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"FLCODES\x01",
        b"SQLite format 3\0" + bytes(100),
        MAGIC + HEADER_LENGTH.pack(1 << 30) + b"{}",
        MAGIC + HEADER_LENGTH.pack(2) + b"{}",
        MAGIC + HEADER_LENGTH.pack(9) + b"[[[[[[[[[",
    ],
)
def test_what_is_no_pack_is_refused(broken: bytes) -> None:
    with pytest.raises(NotVerifiedError, match="no code pack"):
        read_pack(broken)


@pytest.mark.parametrize(
    "change",
    [
        {"sections": {"entries": [0, 1 << 40]}},
        {"sections": {"entries": [-5, 5]}},
        {"sections": {"entries": "all"}},
        {"kind": "weights"},
        {"effective_from": "soon"},
        {"version": "a\nb"},
        {"sources": [{"name": "x", "sha256": "y"}]},
    ],
)
def test_a_header_that_does_not_fit_is_refused(content: bytes, change: dict[str, object]) -> None:
    with pytest.raises(NotVerifiedError, match="no code pack"):
        read_pack(_with_header(content, change))


def test_another_file_in_its_place(path: Path) -> None:
    with pytest.raises(NotVerifiedError, match="not the pack that was approved"):
        open_table(path, "0" * 64)
    fifo = path.with_name("fifo")
    os.mkfifo(fifo)
    with pytest.raises(NotVerifiedError, match="ordinary file"):
        open_pack(fifo)
    with pytest.raises(UnknownStateError, match="No such file"):
        open_pack(path.with_name("none"))


def test_many_threads_read_the_same(path: Path) -> None:
    table = open_table(path)
    wanted = [table.lookup(entry.code) for entry in table.entries()]
    answers: list[object] = []

    def read() -> None:
        for _ in range(50):
            answers.append([table.lookup(entry.code) for entry in table.entries()])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 200
    assert all(answer == wanted for answer in answers)
