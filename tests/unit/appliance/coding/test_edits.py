"""Edits by date of service, on the built-in table and on small NCCI tables with codes of our own."""

from __future__ import annotations

import ast
import datetime
import re
import time
from pathlib import Path

import pytest

from appliance.coding import edits
from appliance.coding.edits import Coded, Editor, Finding, coded
from appliance.coding.edits_finding import RULES
from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.kinds import ImportKind, read_files
from appliance.coding.tables.library import Library
from appliance.coding.tables.stamp import Stamp
from tests.unit.appliance.coding.tables import files

DAY = datetime.date(2026, 5, 1)


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Editor:
    return Editor(Library(tmp_path_factory.mktemp("codes")))


@pytest.fixture(scope="module")
def with_tables(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("imported")
    library = Library(folder / "codes")
    path = folder / "file"
    for kind, content in (
        (ImportKind.NCCI_PTP, files.PAIRS), (ImportKind.NCCI_MUE, files.UNITS), (ImportKind.CPT, files.CPT_LONG),
        (ImportKind.HCPCS, files.HCPCS),
    ):  # fmt: skip
        path.write_bytes(content)
        library.store.add(read_files(kind, [path], Stamp("2026", datetime.date(2026, 1, 1))))
    return library


def told(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(each.severity, each.rule) for each in findings]


def test_every_rule_is_told_in_words() -> None:
    named = {"duplicate"}
    for path in Path(edits.__file__).parent.glob("edits*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and path.name != "edits_finding.py":
                named |= {node.value} if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", node.value) else set()
    assert named == set(RULES)


@pytest.mark.parametrize(
    ("codes", "day", "wanted"),
    [
        (["E11.9"], "2026-05-01", []),
        (["e119"], "2026-05-01", []),
        (["M54.5"], "2021-09-30", []),
        (["M54.5"], "2021-10-01", [("error", "invalid-code")]),
        (["M54.50"], "2021-09-30", [("error", "invalid-code")]),
        (["U07.1"], "2020-03-31", [("error", "invalid-code")]),
        (["E11"], "2026-05-01", [("error", "incomplete-code")]),
        (["S52.521"], "2026-05-01", [("error", "incomplete-code")]),
        (["Q99.99"], "2026-05-01", [("error", "invalid-code")]),
        (["I10", "I10"], "2026-05-01", [("error", "duplicate")]),
        (["I10", "I1A.0", "i10"], "2026-05-01", [("error", "duplicate")]),
        (["I10"], "2015-09-30", [("error", "invalid-code")]),
        (["I10"], "2026-09-30", []),
        (["I10"], "2026-10-01", [("warning", "table-outdated")]),
    ],
)
def test_validity(editor: Editor, codes: list[str], day: str, wanted: list[tuple[str, str]]) -> None:
    found = editor.check(codes, datetime.date.fromisoformat(day))
    assert [each for each in told(found) if each[1] != "code-first-missing"] == wanted
    assert all(each.on.isoformat() == day and each.source and each.sentence.endswith(".") for each in found)


def test_a_code_that_was_divided_names_what_it_became(editor: Editor) -> None:
    (finding,) = editor.check(["M54.5"], DAY)
    assert finding.sentence == (
        "M54.5 was valid until 2021-09-30, no longer on 2026-05-01; it was divided into M54.50, M54.51, M54.59."
    )
    assert finding.source.startswith("icd-10-cm 2026-04-01 (")


@pytest.mark.parametrize(
    ("code", "age", "day", "conflict"),
    [
        ("O26.01", 8, "2026-05-01", True), ("O26.01", 9, "2026-05-01", False), ("O26.01", 64, "2026-05-01", False),
        ("O26.01", 65, "2026-05-01", True),
        # The range was narrower before 2019-10-01.
        ("O26.01", 11, "2019-09-30", True), ("O26.01", 11, "2019-10-01", False), ("O26.01", 56, "2019-09-30", True),
        ("Z38.00", 0, "2026-05-01", False), ("Z38.00", 1, "2026-05-01", True),
        ("Z00.129", 17, "2026-05-01", False), ("Z00.129", 18, "2026-05-01", True),
        ("F03.90", 14, "2026-05-01", True), ("F03.90", 15, "2026-05-01", False),
        ("I10", 3, "2026-05-01", False),
    ],
)  # fmt: skip
def test_age(editor: Editor, code: str, age: int, day: str, conflict: bool) -> None:
    found = editor.check([code], datetime.date.fromisoformat(day), age_years=age)
    assert ("error", "age-conflict") in told(found) if conflict else ("error", "age-conflict") not in told(found)


def test_an_age_that_is_missing_or_cannot_be(editor: Editor) -> None:
    assert ("advisory", "age-not-given") in told(editor.check(["O26.01"], DAY))
    assert told(editor.check(["I10"], DAY)) == []
    assert told(editor.check(["I10"], DAY, age_years=-1)) == [("error", "invalid-age")]
    assert told(editor.check(["I10"], DAY, age_years=125)) == [("error", "invalid-age")]


def test_sex_is_advice_and_ended(editor: Editor) -> None:
    last, ended = datetime.date(2024, 9, 30), datetime.date(2024, 10, 1)
    (finding,) = editor.check(["N40.0"], last, age_years=60, sex="female")
    assert (finding.severity, finding.rule) == ("advisory", "sex-advisory")
    assert "ended this edit on 2024-09-30" in finding.sentence
    assert editor.check(["N40.0"], ended, age_years=60, sex="female") == ()
    assert editor.check(["N40.0"], last, age_years=60, sex="male") == ()
    assert editor.check(["N40.0"], last, age_years=60) == ()


def test_what_cannot_stand_first(editor: Editor) -> None:
    assert ("error", "manifestation-first") in told(editor.check(["F02.80", "G30.9"], DAY, 70))
    assert told(editor.check(["G30.9", "F02.80"], DAY, 70)) == []
    assert ("error", "external-cause-first") in told(editor.check(["W01.0XXA"], DAY))
    assert told(editor.check(["S52.521A", "W01.0XXA"], DAY)) == []


def test_unacceptable_principal_by_whose_claim_it_is(editor: Editor) -> None:
    hospital = Editor(editor.library, "hospital")
    assert told(editor.check(["Z80.0"], DAY)) == [("advisory", "unacceptable-principal")]
    assert told(hospital.check(["Z80.0"], DAY)) == [("error", "unacceptable-principal")]
    assert told(hospital.check(["I21.9", "Z80.0"], DAY)) == []


def test_a_side_left_open_is_asked_of_inpatients(editor: Editor) -> None:
    hospital = Editor(editor.library, "hospital")
    assert ("warning", "unspecified-side") in told(hospital.check(["G81.90"], DAY))
    assert ("warning", "unspecified-side") not in told(hospital.check(["G81.90"], datetime.date(2022, 3, 31)))
    assert ("warning", "unspecified-side") not in told(editor.check(["G81.90"], DAY))


@pytest.mark.parametrize(
    ("codes", "excluded"),
    [
        (["E11.9", "E10.9"], True), (["E10.9", "E11.9"], True), (["E11.9", "O24.410"], True),
        (["O24.111", "E11.9"], False),
        (["Z87.891", "F17.210"], True), (["E11.9", "I10"], False), (["E11.9"], False), (["E11.9", "E11.65"], False),
    ],
)  # fmt: skip
def test_excludes_1_in_either_direction_once(editor: Editor, codes: list[str], excluded: bool) -> None:
    found = [each for each in editor.check(codes, DAY, 40) if each.rule == "excludes-1"]
    assert len(found) == int(excluded)
    assert all(each.severity == "warning" and set(each.codes) == set(codes) for each in found)


def test_code_first(editor: Editor) -> None:
    alone = editor.check(["F02.80"], DAY, 70)
    assert ("error", "code-first-missing") in told(alone)
    behind = editor.check(["R40.20", "S06.9X9A"], DAY, 70)
    assert ("warning", "code-first-order") in told(behind)
    assert told(editor.check(["S06.9X9A", "R40.20"], DAY, 70)) == []
    # "Any associated" asks for nothing that is not there.
    assert told(editor.check(["N18.30"], DAY, 70)) == []


@pytest.mark.parametrize(
    ("codes", "early"),
    [
        (["Z79.4", "E11.9"], True), (["E11.9", "Z79.4"], False), (["B96.20", "N39.0"], True),
        (["N39.0", "B96.20"], False), (["Z72.0", "M54.50", "J44.9"], True), (["I10", "E11.9"], False),
        # A poisoning is no adverse effect: the note's condition on the characters does not fit.
        (["T36.0X1A", "K71.9"], False),
        # The later code has a "code first" note for the earlier one: one finding of the pair is enough.
        (["N18.4", "I12.9"], False), (["T36.0X5A", "L27.0"], False),
        # Pneumonia and respiratory failure: the failure's notes name no order.
        (["J96.01", "J18.9"], False), (["E11.9"], False), (["E11.9", "E11.9"], False),
    ],
)  # fmt: skip
def test_use_additional_stands_behind(editor: Editor, codes: list[str], early: bool) -> None:
    found = [each for each in editor.check(codes, DAY, 40) if each.rule == "use-additional-order"]
    assert [(each.severity, each.codes) for each in found] == ([("warning", (codes[0], codes[-1]))] if early else [])


def test_of_code_looks_at_nothing_else(editor: Editor) -> None:
    assert told(editor.of_code("F02.80", DAY, 70)) == []
    assert told(editor.of_code("E11", DAY)) == [("error", "incomplete-code")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("99213-25", Coded("99213", CodeSystem.CPT, 1, ("25",))),
        ("j1100X4", Coded("J1100", CodeSystem.HCPCS, 4)),
        ("0001t-59-RT", Coded("0001T", CodeSystem.CPT, 1, ("59", "RT"))),
        ("E11.9", Coded("E11.9", CodeSystem.ICD_10_CM)),
        ("E119", Coded("E119", CodeSystem.ICD_10_CM)),
        ("nonsense", Coded("NONSENSE", CodeSystem.ICD_10_CM)),
    ],
)
def test_codes_of_texts(text: str, wanted: Coded) -> None:
    assert coded(text) == wanted


def test_procedures_without_tables_are_said_to_be_unchecked(editor: Editor) -> None:
    found = editor.check(["99213", "99214", "J1100x4"], DAY)
    assert [each.rule for each in found].count("table-missing") == 3
    assert all(each.severity != "error" for each in found)
    # Six years old: it may not refuse, but it does not keep silent.
    old = editor.check(["A9999", "J9999", "Z9999"], DAY)
    assert ("warning", "table-outdated") in told(old)
    assert [each.codes for each in old if each.rule == "invalid-code"] == [("Z9999",)]


def test_codes_that_do_not_exist_are_refused(with_tables: Library) -> None:
    editor = Editor(with_tables)
    found = editor.check(["A9001", "A9003", "A9002"], DAY)
    assert [(each.severity, each.codes) for each in found if each.rule == "invalid-code"] == [
        ("error", ("A9003",)), ("error", ("A9002",)),
    ]  # fmt: skip
    assert any("valid 2015-01-01 to 2023-12-31" in each.sentence for each in found)


def test_pairs(with_tables: Library) -> None:
    editor = Editor(with_tables)

    def pairs(codes: list[str], day: datetime.date = DAY) -> list[tuple[str, str, tuple[str, ...]]]:
        found = editor.check(codes, day)
        return [(each.severity, each.rule, each.codes) for each in found if each.rule.startswith("ncci-pair")]

    assert pairs(["00002", "00001"]) == [("error", "ncci-pair", ("00001", "00002"))]
    assert pairs(["00002-59", "00001"]) == [("advisory", "ncci-pair-modifier", ("00001", "00002"))]
    assert pairs(["00002-GY", "00001"]) == [("error", "ncci-pair", ("00001", "00002"))]
    assert pairs(["00005-59", "00006"]) == [("error", "ncci-pair", ("00005", "00006"))], "indicator 0: none helps"
    assert pairs(["00007", "00008"]) == [], "indicator 9"
    assert pairs(["00001", "00001"]) == []


def test_units(with_tables: Library) -> None:
    editor = Editor(with_tables)

    def units(codes: list[str]) -> list[tuple[str, tuple[str, ...]]]:
        return [(each.severity, each.codes) for each in editor.check(codes, DAY) if each.rule == "ncci-units"]

    assert units(["00001"]) == []
    assert units(["00001x2"]) == [("error", ("00001",))], "2: by policy"
    assert units(["A9001x3"]) == []
    assert units(["A9001x3", "A9001"]) == [("warning", ("A9001",))], "3: summed over the day"
    assert units(["00002x2", "00002x2"]) == [], "1: by the line"
    assert units(["00002x3"]) == [("warning", ("00002",))]


def test_a_table_without_medicares_edits_says_so(tmp_path: Path) -> None:
    library = Library(tmp_path / "codes")
    path = tmp_path / "tabular.xml"
    path.write_bytes(files.TABULAR)
    library.store.add(read_files(ImportKind.ICD_10_CM, [path], Stamp("2027", datetime.date(2026, 10, 1))))
    found = Editor(library).check(["A00.0"], datetime.date(2026, 11, 1), age_years=30)
    assert told(found) == [("advisory", "edits-missing")]
    # The day before, the built-in table holds, with its edits.
    assert ("error", "incomplete-code") in told(Editor(library).check(["A02"], datetime.date(2026, 9, 30)))


def test_bounds_and_speed(editor: Editor) -> None:
    with pytest.raises(ValueError, match="201 codes"):
        editor.check(["I10"] * 201, DAY)
    codes = [entry.code for entry in list(editor.library.table(CodeSystem.ICD_10_CM, DAY).entries())[::500]]  # type: ignore[union-attr]
    started = time.process_time()
    editor.check(codes[:100], DAY)
    assert time.process_time() - started < 5


def test_any_text_is_judged_and_nothing_is_repeated_into_a_log(editor: Editor) -> None:
    for text in ("", ".", "\x00", "E11.9\nE10.9", "ÄÖÜ", "x" * 5000):
        found = editor.check([text], DAY)
        assert any(each.rule == "invalid-code" for each in found)
        assert all(len(each.sentence) < 400 for each in found)
    assert not Path("/var/lib/appliance/codes").exists()
