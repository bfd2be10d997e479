"""Every importer: good files in every form, wrong files with their place, and nothing that brings an importer down."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.compressed import plain
from appliance.coding.tables.favourites import read_favourites
from appliance.coding.tables.kinds import ImportKind, read_files
from appliance.coding.tables.pack import read_pack
from appliance.coding.tables.procedures import PairTable, UnitTable
from appliance.coding.tables.refusal import TableFileError
from appliance.coding.tables.rows import rows
from appliance.errors import UsageError
from tests.unit.appliance.coding.tables import files
from tests.unit.appliance.coding.tables.files import GOOD, STAMP


def imported(kind: ImportKind, content: bytes, folder: Path) -> bytes:
    path = folder / "table.txt"
    path.write_bytes(content)
    return read_files(kind, [path], STAMP)


def table(kind: ImportKind, content: bytes, folder: Path) -> PackedTable:
    return PackedTable(read_pack(imported(kind, content, folder)))


@pytest.mark.parametrize("name", GOOD)
def test_good_files_are_read_plain_and_packed_and_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    kind, content = GOOD[name]
    pack = imported(kind, content, tmp_path)
    assert imported(kind, content, tmp_path) == pack
    head = read_pack(pack).head
    assert (head.version, head.effective_from) == ("2027", datetime.date(2026, 10, 1))
    assert [source.name for source in head.sources] == ["table.txt"]
    if kind is not ImportKind.ICD_10_CM:
        assert dict(read_pack(imported(kind, gzip.compress(content), tmp_path)).head.counts) == dict(head.counts)


@pytest.mark.parametrize("name", GOOD)
def test_windows_lines_and_a_byte_order_mark_change_no_record(name: str, tmp_path: Path) -> None:
    kind, content = GOOD[name]
    other = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    mark = b"" if kind is ImportKind.ICD_10_CM else b"\xef\xbb\xbf"
    counts = dict(read_pack(imported(kind, content, tmp_path)).head.counts)
    assert dict(read_pack(imported(kind, mark + other, tmp_path)).head.counts) == counts


def test_icd11(tmp_path: Path) -> None:
    found = table(ImportKind.ICD_11_MMS, files.ICD11, tmp_path)
    entry = found.lookup("1A00")
    assert entry is not None
    assert (entry.title, entry.billable) == ('"Tuesday" fever', False)
    mild = found.lookup("1a00.0")
    assert mild is not None
    assert (mild.billable, mild.parent) == (True, "1A00")
    assert [group.name for group in found.groups("1A00.Z")] == ["BlockL1-1A0", "01"]
    # An extension code cannot stand alone.
    side = found.lookup("XA00")
    assert side is not None
    assert not side.billable


def test_hcpcs_in_both_forms(tmp_path: Path) -> None:
    fixed = table(ImportKind.HCPCS, files.HCPCS, tmp_path)
    sheet = table(ImportKind.HCPCS, files.HCPCS_CSV, tmp_path)
    wheel = fixed.lookup("A9001")
    assert wheel is not None
    assert wheel.title == "Made-up wheel, each, with everything that belongs to it and to the calendar on the wall"
    for each in (fixed, sheet):
        assert each.billable_on("A9002", datetime.date(2023, 12, 31))
        assert not each.billable_on("A9002", datetime.date(2024, 1, 1))
        assert not each.billable_on("A9001", datetime.date(2019, 12, 31))
        assert each.lookup("ZZ") is None


@pytest.mark.parametrize("name", ["cpt-tab", "cpt-long", "cpt-short", "cpt-link"])
def test_cpt_in_every_form(name: str, tmp_path: Path) -> None:
    found = table(*GOOD[name], tmp_path)
    entry = found.lookup("00001")
    assert entry is not None
    assert entry.title.casefold().startswith("made-up visit")
    assert len(found) == 2
    assert "American Medical Association" in found.head.licence
    if name == "cpt-long":
        assert entry.title.endswith("its own record and into the next")


def test_pairs(tmp_path: Path) -> None:
    found = PairTable(read_pack(imported(ImportKind.NCCI_PTP, files.PAIRS, tmp_path)))
    day = datetime.date(2026, 5, 1)
    record = found.find("00001", "00002", day)
    assert record is not None
    assert (record.modifier, found.rationale(record)) == (1, "Made-up practice")
    assert found.find("00002", "00001", day) is None
    assert found.find("00001", "00003", datetime.date(2021, 12, 31)) is not None
    assert found.find("00001", "00003", datetime.date(2022, 1, 1)) is None
    assert found.find("00004", "00001", datetime.date(2020, 1, 1)) is None, "deleted as of its first day"
    assert found.find("00007", "00008", day) is None, "indicator 9 no longer counts"
    assert found.system == "ncci-ptp-practitioner"


def test_pairs_of_several_files_are_one_table(tmp_path: Path) -> None:
    first, second = tmp_path / "f1.txt", tmp_path / "f2.txt"
    first.write_bytes(files.PAIRS)
    second.write_bytes(b"00010\t00011\t\t20200101\t*\t0\tAnother practice\n")
    found = PairTable(read_pack(read_files(ImportKind.NCCI_PTP, [second, first], STAMP)))
    assert found.find("00010", "00011", datetime.date(2026, 1, 1)) is not None
    assert found.find("00005", "00006", datetime.date(2026, 1, 1)) is not None
    second.write_bytes(files.PAIRS)
    with pytest.raises(TableFileError, match=r"f2\.txt: line 6.*above already"):
        read_files(ImportKind.NCCI_PTP, [first, second], STAMP)


def test_units(tmp_path: Path) -> None:
    found = UnitTable(read_pack(imported(ImportKind.NCCI_MUE, files.UNITS, tmp_path)))
    record = found.find("A9001")
    assert record is not None
    assert (record.units, record.adjudication, found.rationale(record)) == (3, 3, "Clinical: Data")
    assert found.find("99999") is None
    assert found.system == "ncci-mue-practitioner"


WRONG = [
    (
        "icd-10-cm",
        b"</diag>\n      <diag><name>A01</name>",
        b"<diag><name>A01</name>",
        r"line 24, column \d+: no XML from here on",
    ),
    ("icd-10-cm", b"<name>A01</name>", b"<name>one</name>", r"line 15, column \d+: a code like E11.9.*'one'"),
    ("icd-10-cm", b"<name>A01</name>", b"<name>A00.0</name>", r"line 15.*stands in line 10 already.*'A00.0'"),
    ("icd-10-cm", b"<name>A00.1</name>", b"<name>B00.1</name>", r"line 11.*does not begin as A00"),
    ("icd-10-cm", b"<ICD10CM.tabular>", b"<html>", r"line 2, column 1: .*<ICD10CM.tabular>.*'html'"),
    ("icd-10-cm", b"<ICD10CM.tabular>", b'<!DOCTYPE x [<!ENTITY a "b">]>\n<ICD10CM.tabular>', "line 2.*document type"),
    ("icd-10-cm", b'char="A"', b'char="AB"', "line 19.*one letter or digit.*'AB'"),
    ("icd-11-mms", b"ClassKind", b"Kind", "line 1: .*classkind is not there"),
    ("icd-11-mms", b"\t1A00.0\t", b"\t1A.0\t", r"line 5, column Code: .*'1A.0'"),
    (
        "icd-11-mms",
        b"- - - Tuesday fever, mild",
        b"- - - - - - Tuesday",
        "line 5, column Title: a level that does not fit",
    ),
    ("icd-11-mms", b"\t1A00.Z\t", b"\t1A00.0\t", "line 6: it stands in line 5 already"),
    ("icd-11-mms", b"category\t2\tTrue", b"kategory\t2\tTrue", "line 6, column ClassKind.*'kategory'"),
    ("hcpcs", b"20150101", b"20151301", "line 3, column add date: .*calendar.*'20151301'"),
    ("hcpcs", b"A9002", b"AB002", "line 3, column code: .*'AB002'"),
    ("hcpcs", b"A9002", b"A9001", "line 3, column code: it stands in line 1 already"),
    ("hcpcs", b"A9001001004", b"A9009001004", "line 2, column code: more of a description.*'A9009'"),
    ("hcpcs", b"A9002001003", b"A9002001005", "line 3, column 11: a record of kind"),
    ("hcpcs-csv", b"TERM DT", b"TERM", "line 3: the column TERM DT is not there"),
    ("hcpcs-csv", b'"Made-up wheel, each"', b'"Made-up wheel, each', r"line \d+: a row that cannot be read"),
    ("hcpcs-csv", b"20231231", b"20130101", "line 5, column termination date: it ends before"),
    ("cpt-tab", b"0001T\t", b"visit\t", "line 5, column 1: a CPT code was wanted"),
    ("cpt-tab", b"0001T\t", b"00001\t", "line 5, column 1: a code that stands above already"),
    ("cpt-long", b"0000102", b"0000302", "line 3, column 1: more of a description.*'00003'"),
    ("cpt-short", b"00002 MADE-UP CALL", b"00002       ", "line 3, column 7: a description was wanted"),
    ("cpt-link", b"\tLong\t", b"\tShort\t", "the column Long is not there"),
    ("ncci-ptp", b"00005\t00006", b"00005\t6", "line 9, column Column 2: .*'6'"),
    ("ncci-ptp", b"20200101\t*\t1", b"2020\t*\t1", "line 6, column Effective Date: a day.*'2020'"),
    ("ncci-ptp", b"19960101\t20211231", b"19960101\t19951231", "line 7, column Deletion Date: deleted before"),
    ("ncci-ptp", b"*\t9\t", b"*\t2\t", "line 10, column Modifier: 0, 1 or 9 was wanted.*'2'"),
    ("ncci-ptp", b"00005\t00006", b"00001\t00002", "line 9, column 1: a pair that stands above already"),
    ("ncci-mue", b"MUE Values", b"Values", "the columns .*MUE Values"),
    ("ncci-mue", b"A9001,3,", b"A9001,three,", "line 5, column MUE Values: .*'three'"),
    ("ncci-mue", b"1 Line Edit", b"4 Line Edit", "line 6, column MUE Adjudication Indicator: .*'4 Line Edit'"),
    ("ncci-mue", b"A9001,3,", b"00001,3,", "line 5, column HCPCS/CPT Code: a code that stands above already"),
    ("favourites", b"calendar", b"cal\x1b[31mendar", r"line 4, column 10: a control character.*x1b"),
    ("cpt-tab", b"Made-up trial", "Made-up \u202etrial".encode(), r"line 5, column 15: a control character.*u202e"),
    ("icd-10-cm", b"Monday fever<", "Monday \u202efever<".encode(), "line 15.*control character"),
    ("favourites", b"code,label", b"codes,label", 'line 1: a heading with the column "code"'),
    ("favourites", b"A00.9,Tuesday fever of any kind", b"A00.9", "line 3: 2 columns were wanted, there are 1"),
    ("favourites", b"A02.1,", b"A00.0,", "line 4, column code: it stands in line 2 already"),
    ("favourites", b"A02.1,", b"?,", "line 4, column code: a code was wanted.*'[?]'"),
]


@pytest.mark.parametrize(("name", "old", "new", "message"), WRONG)
def test_a_wrong_file_is_refused_with_its_place(
    name: str, old: bytes, new: bytes, message: str, tmp_path: Path
) -> None:
    kind, content = GOOD[name]
    assert old in content, "the case has nothing to change"
    with pytest.raises(TableFileError, match=message) as caught:
        imported(kind, content.replace(old, new, 1), tmp_path)
    assert caught.value.exit_code == 9
    assert "table.txt" in str(caught.value)
    assert "nothing was imported" in caught.value.hint


@pytest.mark.parametrize("kind", ImportKind)
@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\x7fELF\x02\x01\x01" + bytes(64), b"PK\x03\x04" + bytes(99), b"a" * 30_000]
)
def test_what_is_no_table_at_all_is_refused(kind: ImportKind, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(TableFileError):
        imported(kind, content, tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"), (b" \n\n", "nothing but blanks"),
        (b"PK\x03\x04\x14\x00\x00\x00HCPC2026.txt", "a zip archive"),
        (b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml", "a workbook"), (b"%PDF-1.7\n", "a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "an office program|a document of an office"),
        (b"<!DOCTYPE html>\n<html>", "a page of a web site"), (b"\n<HTML lang=en>", "a page of a web site"),
        (b"BZh91AY", "bzip2"), (b"\xfd7zXZ\x00", "xz"), ("code,label\nA00.9,x\n".encode("utf-16"), "UTF-16"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ImportKind)
def test_what_is_given_by_mistake_is_told_by_name(kind: ImportKind, content: bytes, told: str, tmp_path: Path) -> None:
    for given_ in (content, gzip.compress(content)):
        if given_ is not content and kind is ImportKind.ICD_10_CM:
            continue  # CMS publishes this one unpacked, and it is read as XML
        with pytest.raises(TableFileError, match=rf"table\.txt: .*{told}") as caught:
            imported(kind, given_, tmp_path)
        assert "line" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "Code;Label\r\nA00.9;x\r\nI10;y\r\n", "sep=;\r\nCode;Label\r\nA00.9;x\r\nI10;y\r\n",
        "code,label,,\nA00.9,x,,\n,,,\nI10,y,,\n", "\ufeffcode\tlabel\nA00.9\tx\nI10\ty",
    ],
)  # fmt: skip
def test_favourites_as_spreadsheet_programs_write_them(content: str) -> None:
    found = read_favourites(content.encode(), "list.csv")
    assert [(each.code, each.label) for each in found] == [("A00.9", "x"), ("I10", "y")]


@pytest.mark.parametrize(
    ("content", "told", "hint"),
    [
        ("code,label\n1E+10,x\n", "line 2, column code: .*format text.*'1E[+]10'", "correct the list"),
        ("code,label\nA00.9,x,more\n", "line 2: 2 columns were wanted, there are 3", "correct the list"),
        ("sep=;\ncodes;label\nA00.9;x\n", 'line 2: a heading with the column "code"', "correct the list"),
        ("code,label\nA00.9,x\nI1", "line 3: 2 columns", "cut off"),
        ("code,label\nA00.9,x\nI1\n", "line 3: 2 columns", "correct the list"), ("sep=;", "the column", "cut off"),
    ],
)  # fmt: skip
def test_a_wrong_list_says_what_to_do_next(content: str, told: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(TableFileError, match=told) as caught:
        imported(ImportKind.FAVOURITES, content.encode(), tmp_path)
    assert hint in caught.value.hint
    assert "nothing was imported" in caught.value.hint


def test_a_table_that_was_cut_off_says_so(tmp_path: Path) -> None:
    cut = files.HCPCS[: files.HCPCS.index(b"A9002") + 100]
    assert not cut.endswith(b"\n")
    with pytest.raises(TableFileError, match=r"line \d+") as caught:
        imported(ImportKind.HCPCS, cut, tmp_path)
    assert "cut off" in caught.value.hint


@pytest.mark.parametrize("name", [each for each in GOOD if GOOD[each][0] is not ImportKind.FAVOURITES])
def test_a_file_that_was_cut_off_inside_of_a_line_is_never_imported(name: str, tmp_path: Path) -> None:
    kind, content = GOOD[name]
    for length in range(1, len(content)):
        whole = kind is ImportKind.ICD_10_CM and content[:length].strip() == content.strip()
        if not whole and content[length - 1 : length] not in b"\r\n":
            with pytest.raises(TableFileError):
                imported(kind, content[:length], tmp_path)


def test_of_a_gzip_file_of_two_parts_no_half_is_imported(tmp_path: Path) -> None:
    head, rest = files.CPT_TAB[:-40], files.CPT_TAB[-40:]
    with pytest.raises(TableFileError, match="behind the end of the gzip file"):
        imported(ImportKind.CPT, gzip.compress(head) + gzip.compress(rest), tmp_path)
    padded = gzip.compress(files.CPT_TAB) + bytes(512)
    assert dict(read_pack(imported(ImportKind.CPT, padded, tmp_path)).head.counts)


@pytest.mark.parametrize("kind", ImportKind)
def test_a_table_given_as_another_is_refused(kind: ImportKind, tmp_path: Path) -> None:
    for other, content in GOOD.values():
        if other is not kind:
            with pytest.raises(TableFileError):
                imported(kind, content, tmp_path)


def test_edits_beside_the_tabular_list(tmp_path: Path) -> None:
    tabular, edits = tmp_path / "t.xml", tmp_path / "mce.tsv"
    tabular.write_bytes(files.TABULAR)
    edits.write_bytes(files.EDITS)
    found = PackedTable(read_pack(read_files(ImportKind.ICD_10_CM, [tabular, edits], STAMP)))
    assert found.dated
    for old, new, message in (
        (b"code\t", b"kode\t", "line 1: the columns code, start, end, flags"),
        (b"A01\t20151001", b"A01\t2015", "line 6, column start.*'2015'"),
        (b"A01\t20151001\t\t", b"A01\t20151001\t20150101\t", "line 6, column end: it ends before it starts"),
        (b"A001\t20191002", b"A001\t20190901", "line 4, column start: it starts before"),
        (b"manifestation,adult", b"manifestation,,adult", "line 4, column flags"),
        (b"A01\t", b"Ax1\t", "line 6, column code"),
    ):
        edits.write_bytes(files.EDITS.replace(old, new, 1))
        with pytest.raises(TableFileError, match=rf"mce\.tsv: {message}"):
            read_files(ImportKind.ICD_10_CM, [tabular, edits], STAMP)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_files(ImportKind.CPT, [tmp_path / "none"], STAMP)
    with pytest.raises(UsageError, match="is a folder"):
        read_files(ImportKind.CPT, [tmp_path], STAMP)
    with pytest.raises(UsageError, match="2 files were given"):
        read_files(ImportKind.CPT, [tmp_path, tmp_path], STAMP)
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(5 << 20)
    with pytest.raises(UsageError, match="larger than 4 MiB"):
        read_files(ImportKind.FAVOURITES, [large], STAMP)


def test_a_small_gzip_cannot_become_a_large_text(tmp_path: Path) -> None:
    with pytest.raises(TableFileError, match="holds more than 1 MiB"):
        plain(gzip.compress(bytes(2 << 20)), "small", limit=1 << 20)
    with pytest.raises(TableFileError, match="breaks off"):
        imported(ImportKind.CPT, gzip.compress(files.CPT_TAB)[:-12], tmp_path)


def test_a_quote_that_a_tab_does_not_follow_is_told_in_printable_words() -> None:
    with pytest.raises(TableFileError) as caught:
        list(rows('a\tb\n"c"d\te\n', "table.txt", "\t"))
    assert str(caught.value) == "table.txt: line 2: a row that cannot be read ('tab' expected after '\"')"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_refused_or_harmless_and_never_a_crash(data: st.DataObject, tmp_path: Path) -> None:
    kind, content = GOOD[data.draw(st.sampled_from(sorted(GOOD)))]
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, max(0, len(changed) - 1)))
        length = data.draw(st.integers(0, 12))
        changed[place : place + length] = data.draw(st.binary(max_size=12))
    try:
        pack = imported(kind, bytes(changed), tmp_path)
    except TableFileError as error:
        said = str(error)
    else:
        said = "read"
        assert read_pack(pack).head.version == "2027"
    assert said.isprintable()
