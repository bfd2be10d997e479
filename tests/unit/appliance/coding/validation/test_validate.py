"""A whole validation: the report, what it never holds, going on after a cut, and the command."""

from __future__ import annotations

import csv
import datetime
import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from appliance.coding.edits import Editor
from appliance.coding.suggestion import Assertion, CodeSystem, Evidence, Suggestion
from appliance.coding.tables.library import Library
from appliance.coding.validation.answers import Answer, answers
from appliance.coding.validation.page import FILES, page, write_report
from appliance.coding.validation.records import CodedRecord, RecordsError
from appliance.coding.validation.run import given_answers, misses_csv, validate
from appliance.errors import ApplianceError, UsageError

DAY = datetime.date(2026, 5, 1)
NOW = datetime.datetime(2026, 5, 2, 12, tzinfo=datetime.UTC)
SECRET = "Zebediah Quillfeather"


@dataclass
class FakeSuggester:
    """Suggests what it was told for a text, and remembers what it was asked."""

    of: dict[str, list[tuple[str, float]]]
    asked: list[str] = field(default_factory=list)

    def suggest(self, text: str, *, on: datetime.date) -> Sequence[Suggestion]:
        assert on == DAY
        self.asked.append(text)
        return [_suggestion(code, sure) for code, sure in self.of[text]]


def _suggestion(code: str, sure: float, assertion: Assertion = Assertion.PRESENT) -> Suggestion:
    return Suggestion(
        code=code, title="x", system=CodeSystem.ICD_10_CM, table_version="1", table_digest="0" * 64,
        evidence=(Evidence(start=0, end=1, quote="C"),), assertion=assertion, confidence=sure, question="",
    )  # fmt: skip


def _record(number: int, *codes: str) -> CodedRecord:
    return CodedRecord(f"{SECRET} {number}", f"Cough {number}. {SECRET}", DAY, codes, f"line {number + 2}")


RECORDS = [_record(0, "E11.9", "I10"), _record(1, "M25.561"), _record(2, "J45.909", "R05.9"), _record(3, "I10")]
SAID = [
    [("E11.9", 0.97), ("I10", 0.9)],
    [("M25.562", 0.8), ("I10", 0.3)],
    [("J45.909", 0.99), ("E10.9", 0.7)],
    [("I10", 0.96), ("Q99.99", 0.6)],
]


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Editor:
    return Editor(Library(tmp_path_factory.mktemp("none")))


def _made(editor: Editor, tmp_path: Path, **options: Any) -> Any:
    source = tmp_path / "practice.csv"
    source.write_text("x", "utf-8")
    answered = [Answer(tuple(said), 0.1 * n) for n, said in enumerate(SAID)]
    settings = {"threshold": 0.5, "seed": 1, "rounds": 200} | options
    return validate(RECORDS, answered, editor, source=source, engine="fake 1", made_at=NOW, **settings)


def test_the_figures_are_those_that_can_be_counted_by_hand(editor: Editor, tmp_path: Path) -> None:
    report, tally = _made(editor, tmp_path)
    code, category, chapter = report.agreement
    assert (code.coded, code.suggested, code.agreed) == (6, 7, 4)
    assert (category.coded, category.suggested, category.agreed) == (6, 7, 5)
    assert chapter.agreed == 5
    assert report.exact_records.value == 0.25
    assert report.losses == {"other side": 1}
    assert report.not_billable_suggested.value == pytest.approx(1 / 7)
    assert (report.sure.value, report.sure.of) == (1.0, 3)
    assert report.sure_coverage.value == pytest.approx(3 / 6)
    assert report.kappa.pooled.value is not None
    assert report.kappa.judged == 0
    assert sum(row.coded for row in report.chapters) == 6
    assert [(one.coded[:2], one.suggested[:1]) for one in report.crossings] == [("18", "4")]
    assert any(row.rule == "invalid-code" and (row.suggested, row.coded) == (1, 0) for row in report.edits)
    assert (report.times.longest, report.times.median) == (pytest.approx(0.3), pytest.approx(0.15))
    assert {(miss.coded, miss.suggested, miss.loss) for miss in tally.misses} == {
        ("M25.561", "M25.562", "other side"), ("R05.9", "E10.9", ""), ("", "Q99.99", ""),
    }  # fmt: skip


def test_the_threshold_leaves_out_and_the_calibration_keeps(editor: Editor, tmp_path: Path) -> None:
    low, _ = _made(editor, tmp_path, threshold=0.0)
    high, _ = _made(editor, tmp_path, threshold=0.95)
    assert (low.agreement[0].suggested, high.agreement[0].suggested) == (8, 3)
    assert low.calibration == high.calibration


def test_no_text_and_no_name_is_in_what_is_written(editor: Editor, tmp_path: Path) -> None:
    report, tally = _made(editor, tmp_path)
    write_report(report, tally, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FILES)
    for name in FILES:
        written = (tmp_path / "out" / name).read_text("utf-8")
        assert SECRET.split()[0] not in written
        assert "Cough" not in written
        assert "2026-05-01" not in written
        assert (tmp_path / "out" / name).stat().st_mode & 0o077 == 0
    rows = list(csv.DictReader((tmp_path / "out" / FILES[2]).read_text("utf-8").splitlines()))
    assert rows[0]["record"] == "line 3"
    with pytest.raises(ApplianceError, match="there already"):
        write_report(report, tally, tmp_path / "out")


def test_names_stand_in_misses_only_when_asked_and_never_as_a_formula(editor: Editor, tmp_path: Path) -> None:
    _, tally = _made(editor, tmp_path, names=True)
    assert SECRET in misses_csv(tally)
    tally.misses[0] = tally.misses[0].model_copy(update={"record": "=HYPERLINK(1)"})
    assert "\n'=HYPERLINK(1)," in misses_csv(tally)


def test_the_page_needs_nothing_from_outside_and_escapes(editor: Editor, tmp_path: Path) -> None:
    report, _ = _made(editor, tmp_path)
    text = page(report.model_copy(update={"engine": "<script>alert(1)</script>"}))
    assert "<script" not in text
    assert re.findall(r"(?:src|href)=|url\(|@import|https?://", text) == []
    assert "the code does not exist, or not on the date of service <small>(invalid-code)" in text
    assert "on 2026-05-02 at 12:00 UTC" in text
    assert "0.0% (0.0% to 79.3%)" in text.split("By chapter")[1], "recall by chapter has its interval"
    for part in ("66.7% were suggested", "Wilson", "kappa", "other side", "Reviewed by (compliance)"):
        assert part in text


def test_a_page_with_nothing_to_count_is_made(editor: Editor, tmp_path: Path) -> None:
    source = tmp_path / "practice.csv"
    source.write_text("x", "utf-8")
    report, _ = validate(
        RECORDS[:1],
        [Answer((), 0.0)],
        editor,
        source=source,
        engine="none",
        made_at=NOW,
        threshold=0.5,
        seed=1,
        rounds=100,
    )
    assert "none (nothing to count)" in page(report)
    assert "without their times" in page(report)
    assert (report.calibration_error, report.times) == (None, None)


def _asked(suggester: FakeSuggester, state: Path | None, engine: str = "fake 1") -> list[Answer]:
    return answers(RECORDS, suggester, itertools.count().__next__, state=state, engine=engine)


def _fake() -> FakeSuggester:
    return FakeSuggester({record.text: said for record, said in zip(RECORDS, SAID, strict=True)})


def test_only_what_is_present_counts_and_each_code_once() -> None:
    class Doubtful(FakeSuggester):
        def suggest(self, text: str, *, on: datetime.date) -> Sequence[Suggestion]:
            of_family = [_suggestion(code, sure, Assertion.FAMILY) for code, sure in (("Z80.3", 0.5), ("C50.911", 0.9))]
            denied = _suggestion("E11.9", 0.9, Assertion.NEGATED)
            return [_suggestion("I10", 0.2), _suggestion("I10", 0.6), denied, *of_family]

    found = answers(RECORDS[:1], Doubtful({}), itertools.count().__next__, state=None, engine="x")
    assert found == [Answer((("I10", 0.6), ("Z80.3", 0.5)), 1)]


def test_a_run_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    state = tmp_path / "state"
    whole = _asked(_fake(), state)
    assert SECRET not in state.read_text("utf-8")
    lines = state.read_bytes().splitlines(keepends=True)
    state.write_bytes(b"".join(lines[:3]) + lines[3][:9])
    again = _fake()
    assert _asked(again, state) == whole
    assert again.asked == [record.text for record in RECORDS[2:]]
    assert state.read_bytes() == b"".join(lines)
    assert state.stat().st_mode & 0o077 == 0


def test_answers_of_another_engine_are_refused_and_kept(tmp_path: Path) -> None:
    state = tmp_path / "state"
    _asked(_fake(), state)
    before = state.read_bytes()
    with pytest.raises(UsageError, match="another engine"):
        _asked(_fake(), state, engine="fake 2")
    state.write_bytes(before + b"{}\n")
    with pytest.raises(UsageError, match="line 6"):
        _asked(_fake(), state)
    assert state.read_bytes() == before + b"{}\n"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("[", "line 2"), ('{"id": "x"}', "line 2"),
        ('{"id": "x", "suggestions": [{"code": "I10", "confidence": 1.5}]}', "line 2"),
        ('{"id": "x", "suggestions": [3]}', "line 2"), ('{"id": "x", "suggestions": []}', "line 3"),
    ],
)  # fmt: skip
def test_wrong_answers_of_a_file_are_told_by_line(tmp_path: Path, line: str, word: str) -> None:
    file = tmp_path / "s.jsonl"
    file.write_text(json.dumps({"id": RECORDS[0].id, "suggestions": []}) + "\n" + line + "\n", "utf-8")
    with pytest.raises(RecordsError, match=word):
        given_answers(file, RECORDS[:2])
