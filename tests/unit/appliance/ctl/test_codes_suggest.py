"""`appliancectl codes suggest` as its user calls it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from appliance.coding.em_words import BLANK
from appliance.ctl import codes_suggest
from appliance.ctl.__main__ import app
from appliance.errors import UsageError


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def _run(*arguments: str, given: bytes = b"") -> Result:
        everything = ["codes", "suggest", *arguments, "--directory", str(tmp_path / "codes")]
        return CliRunner().invoke(app, everything, input=given)

    return _run


@pytest.mark.slow
def test_a_document_from_the_standard_input(run: Any) -> None:
    note = "Assessment: community acquired pneumonia, arterial hypertension."
    result = run("-", "--on", "2026-05-01", "-o", "json", given=note.encode())
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    codes = {each["code"]: each for each in document["suggestions"]}
    assert {"I10", "J18.9"} <= codes.keys()
    quoted = codes["I10"]["evidence"][0]
    assert note[quoted["start"] : quoted["end"]] == quoted["quote"]
    assert codes["I10"]["table_digest"] == document["table_digest"]


@pytest.mark.slow
def test_a_table_from_a_file(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("He has arterial hypertension.\n")
    result = run(str(path), "--on", "2026-05-01", "--minimum-confidence", "0.5")
    assert result.exit_code == 0, result.output
    assert "I10" in result.stdout
    assert '"' in result.stdout
    assert result.stdout.splitlines()[0].replace(BLANK, " ").split() == [
        "icd-10-cm",
        "2026-04-01",
        "date",
        "of",
        "service",
        "2026-05-01",
    ]
    late = run(str(path), "--on", "2026-11-01").stdout.splitlines()[1]
    assert "codes changed on 2026-10-01" in late.replace(BLANK, " ")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe", "not UTF-8"), (b"fever\0", "null characters")],
)
def test_a_text_that_is_none(run: Any, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(content)
    result = run(str(path))
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)
    assert str(path) in str(result.exception)


def test_a_file_that_is_not_there(run: Any, tmp_path: Path) -> None:
    result = run(str(tmp_path / "nothing"))
    assert isinstance(result.exception, UsageError)
    assert "No such file" in str(result.exception)


def test_a_text_that_is_too_long(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes_suggest, "_MAX_CHARS", 10)
    path = tmp_path / "note.txt"
    path.write_text("fever and cough")
    assert "longer than" in str(run(str(path)).exception)


def test_a_day_that_is_none(run: Any, tmp_path: Path) -> None:
    assert "--on" in str(run(str(tmp_path), "--on", "yesterday").exception)


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2999-01-01"])
@pytest.mark.parametrize(
    "command", [("codes", "suggest", "-"), ("codes", "check", "I10"), ("coding", "em", "-", "--visit", "new-office")]
)
def test_a_day_on_which_nobody_can_be_served(command: tuple[str, ...], day: str) -> None:
    result = CliRunner().invoke(app, [*command, "--on", day], input="Fever and cough.")
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == f"--on: {day} cannot be a date of service"
    assert "1900-01-01" in result.exception.hint


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\u2423"), max_size=60))
def test_a_screen_shows_every_mark_and_nothing_else_changes(line: str) -> None:
    shown = codes_suggest.readable(line)
    # What a terminal copies is what it shows without what steers it.
    assert re.sub(r"\x1b\[2?2m", "", shown) == line
    assert "\u2423" not in re.sub(r"\x1b\[2m\u2423+\x1b\[22m", "", shown)


@pytest.mark.parametrize(
    ("tty", "environment", "faint"),
    [
        (True, {"TERM": "xterm-256color"}, True), (False, {"TERM": "xterm-256color"}, False),
        (True, {"TERM": "dumb"}, False), (True, {}, False), (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
    ],
)  # fmt: skip
def test_only_a_terminal_that_can_gets_faint_marks(
    tty: bool, environment: dict[str, str], faint: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(isatty=lambda: tty))
    assert codes_suggest._is_terminal() == faint


def test_the_table_is_known_again_in_a_note() -> None:
    from appliance.coding.em_own import own_output
    from appliance.coding.suggestion import Assertion, CodeSystem, Evidence, Suggestion

    one = Suggestion(
        code="E11.9", title="Type 2 diabetes mellitus without complications", system=CodeSystem.ICD_10_CM,
        table_version="x", table_digest="0" * 64, evidence=(Evidence(start=0, end=13, quote="sugar\x1b[31m\nhigh"),),
        assertion=Assertion.HISTORICAL, confidence=0.5, question="Which type?",
    )  # fmt: skip
    first, second = codes_suggest.lines([one])
    assert first.replace("\u2423", " ").split() == [
        "50%", "E11.9", "Type", "2", "diabetes", "mellitus", "without", "complications", "[historical]",
        '"sugar?[31m', 'high"',
    ]  # fmt: skip
    assert "\x1b" not in first
    assert second.endswith("?\u2423Which\u2423type?")
    assert own_output("ASSESSMENT\n" + first[25:45]) is not None
    # Also as a program keeps it that takes what steers a screen along.
    assert own_output("ASSESSMENT\n" + codes_suggest.readable(first)[25:45]) is not None
