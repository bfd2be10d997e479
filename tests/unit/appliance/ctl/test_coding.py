"""`appliancectl coding`: what it prints, what it writes, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from appliance.ctl.coding import app
from appliance.errors import ApplianceError

NOTE = "ASSESSMENT AND PLAN\n\n1. Hypertension, stable.\n- Continue lisinopril 20 mg daily.\n"
EM = ("--visit", "established-office", "--on", "2026-05-04")
SECRET = "Zebediah Quillfeather"


def _run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=given)


def _refused(result: Result) -> ApplianceError:
    assert isinstance(result.exception, ApplianceError), result.output
    assert result.exception.hint
    return result.exception


def _practice(tmp_path: Path, *rows: str) -> Path:
    file = tmp_path / "practice.csv"
    file.write_text("\n".join(("id,date_of_service,codes,text", *rows)) + "\n", "utf-8")
    return file


def _said(tmp_path: Path, **of: list[tuple[str, float]]) -> Path:
    file = tmp_path / "said.jsonl"
    lines = [
        json.dumps({"id": name, "suggestions": [{"code": code, "confidence": sure} for code, sure in codes]})
        for name, codes in of.items()
    ]
    file.write_text("\n".join(lines), "utf-8")
    return file


def test_a_note_is_judged_from_a_file_and_from_input(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("\ufeff" + NOTE, "utf-8")
    from_file, from_input = _run("em", str(file), *EM, "-o", "json"), _run("em", "-", *EM, "-o", "json", given=NOTE)
    assert from_file.exit_code == 0
    assert json.loads(from_file.stdout) == json.loads(from_input.stdout)
    assert json.loads(from_file.stdout)["supported"] == "99213"
    assert "99213" in _run("em", str(file), *EM).stdout


def test_a_claim_is_lowered(tmp_path: Path) -> None:
    shown = _run("em", "-", *EM, "--claimed", "99215", given=NOTE).stdout
    assert "supports less than claimed code" in shown


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        (b"caf\xe9", 2, "line 1"),
        (b"a\nb\x00", 2, "line 2"),
        (b"", 2, "empty"),
        (b"a" * 1_000_001, 2, "bytes"),
        (b"a\n" + b" " * 2000 + b"a", 2, "line 1"),
    ],
)
def test_what_is_no_note_is_refused(tmp_path: Path, content: bytes, code: int, word: str) -> None:
    file = tmp_path / "note.txt"
    file.write_bytes(content)
    error = _refused(_run("em", str(file), *EM))
    assert (error.exit_code, word in str(error)) == (code, True)


def test_a_missing_note_is_unknown_and_an_old_date_refused(tmp_path: Path) -> None:
    assert _refused(_run("em", str(tmp_path / "no"), *EM)).exit_code == 5
    assert _refused(_run("em", "-", "--visit", "new-office", "--on", "2020-01-01", given=NOTE)).exit_code == 6
    assert _refused(_run("em", "-", "--visit", "new-office", "--on", "1/1/26", given=NOTE)).exit_code == 2


def test_records_are_validated_against_suggestions_of_a_file(tmp_path: Path) -> None:
    file = _practice(tmp_path, f"A,2026-05-01,I10,Cough. {SECRET}", f"B,2026-05-01,E11.9 I10,Rash. {SECRET}")
    said = _said(tmp_path, A=[("I10", 0.9)], B=[("I10", 0.8)])
    done = _run(
        "validate", str(file), "--out", str(tmp_path / "out"), "--suggestions", str(said), "--directory", str(tmp_path)
    )
    assert done.exit_code == 0, done.exception
    assert "precision 1.000" in done.stdout
    assert SECRET not in done.output
    report = json.loads((tmp_path / "out" / "coding-validation.json").read_text("utf-8"))
    assert (report["records"], report["agreement"][0]["agreed"]) == (2, 2)
    again = _run("validate", str(file), "--out", str(tmp_path / "out"), "--suggestions", str(said))
    assert _refused(again).exit_code == 2


@pytest.mark.parametrize(("rows", "code"), [(("A,2026-05-01,nothing,Cough.",), 9), (("A,2026-05-01,I10",), 9), ((), 9)])
def test_wrong_rows_leave_nothing_behind(tmp_path: Path, rows: tuple[str, ...], code: int) -> None:
    file = _practice(tmp_path, *rows)
    before = sorted(tmp_path.iterdir())
    error = _refused(_run("validate", str(file), "--out", str(tmp_path / "out"), "--suggestions", "none"))
    assert error.exit_code == code
    assert sorted(tmp_path.iterdir()) == before


def test_answers_are_given_or_asked_and_not_both(tmp_path: Path) -> None:
    file = _practice(tmp_path, "A,2026-05-01,I10,Cough.")
    said, state = _said(tmp_path, A=[]), tmp_path / "state"
    shown = _run(
        "validate", str(file), "--out", str(tmp_path / "out"), "--suggestions", str(said), "--state", str(state)
    )
    assert "--state" in str(_refused(shown))
