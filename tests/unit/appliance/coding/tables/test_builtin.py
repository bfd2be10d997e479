"""The built-in tables, judged by lists that they were not made of: Medicare's editor, the publisher's list of codes."""

from __future__ import annotations

import datetime
import gzip
import importlib.util
import re
from pathlib import Path

import pytest

from appliance.coding.suggestion import CodeSystem, Entry
from appliance.coding.tables import builtin
from appliance.coding.tables.builtin import DATA, built_in, built_in_table, make, write_built_in
from appliance.coding.tables.codes import PackedTable
from appliance.errors import NotVerifiedError, UnknownStateError

DAY = datetime.date(2026, 5, 1)


@pytest.fixture(scope="module")
def table() -> PackedTable:
    return built_in_table()


@pytest.fixture(scope="module")
def entries(table: PackedTable) -> list[Entry]:
    return list(table.entries())


def test_billable_codes_are_those_of_medicares_editor(entries: list[Entry]) -> None:
    rows = gzip.decompress((DATA / "mce_v43_1_icd10cm.tsv.gz").read_bytes()).decode().splitlines()[1:]
    cells = [row.split("\t") for row in rows]
    theirs = {code for code, start, end, _ in cells if start <= "20260501" and (not end or end >= "20260501")}
    ours = {entry.code.replace(".", "") for entry in entries if entry.billable}
    assert ours == theirs
    assert len(ours) == 74_719


def test_codes_are_those_of_the_publishers_list(entries: list[Entry]) -> None:
    package = importlib.util.find_spec("simple_icd_10_cm")
    assert package is not None
    folder = Path(next(iter(package.submodule_search_locations or ())))
    listed = (folder / "data" / "code-list-April-2026.txt").read_text().split()
    codes = {code for code in listed if "-" not in code and not re.fullmatch(r"[0-9]{1,2}", code)}
    assert {entry.code.replace(".", "") for entry in entries} == codes


def test_every_parent_begins_its_code_and_codes_are_found(table: PackedTable, entries: list[Entry]) -> None:
    assert all(entry.code.startswith(entry.parent) for entry in entries)
    assert all(table.lookup(entry.code) == entry for entry in entries[::29])


def test_titles_and_notes(table: PackedTable) -> None:
    entry = table.lookup("e11.9")
    assert entry is not None
    assert entry.title == "Type 2 diabetes mellitus without complications"
    assert any("(E10.-)" in note.text for note in table.inherited("E11.9", "excludes1"))
    chapter = table.chapter("E11.9")
    assert chapter is not None
    assert chapter.title == "Endocrine, nutritional and metabolic diseases (E00-E89)"
    poisoned = table.lookup("T36.0X1A")
    assert poisoned is not None
    assert poisoned.title == "Poisoning by penicillins, accidental (unintentional), initial encounter"
    # Taken back by a note: who died of the injury has no later encounter.
    assert table.lookup("S06.1X7A") is not None
    assert table.lookup("S06.1X7D") is None
    # Its own 7th characters are nearer than those of the category.
    assert [each for each, _ in table.seventh_characters("S52.521")] == ["A", "D", "G", "K", "P", "S"]


def test_a_pack_that_comes_out_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = next(each for each in built_in() if each.system is CodeSystem.HCPCS)
    original = builtin.read_list
    monkeypatch.setattr(builtin, "read_list", lambda content, name: original(content, name)[:-1])
    with pytest.raises(NotVerifiedError, match="came out as"):
        make(wanted)


def test_hcpcs_is_made_at_its_first_use_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    built_in_table.cache_clear()
    table = built_in_table(CodeSystem.HCPCS)
    (kept,) = (tmp_path / "appliance" / "codes").glob("*")
    assert kept.name == f"{table.digest}.pack"
    assert len(table) == 6710
    kept.chmod(0o644)
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    built_in_table.cache_clear()
    with pytest.raises(NotVerifiedError):
        built_in_table(CodeSystem.HCPCS)
    built_in_table.cache_clear()


def test_without_a_cache_it_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/proc/nowhere")
    built_in_table.cache_clear()
    assert built_in_table(CodeSystem.HCPCS).lookup("A0021") is not None
    built_in_table.cache_clear()


def test_without_the_list_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    wanted = next(each for each in built_in() if each.system is CodeSystem.ICD_10_CM)
    with pytest.raises(UnknownStateError, match="simple-icd-10-cm is not installed"):
        make(wanted)


@pytest.mark.slow
def test_what_an_image_gets_has_the_pinned_digests(tmp_path: Path) -> None:
    names = {path.name for path in write_built_in(tmp_path)}
    assert names == {f"{each.sha256}.pack" for each in built_in()} == {path.name for path in tmp_path.iterdir()}
