"""Data goes to stdout in the form that was asked for; progress goes to stderr."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from rich.console import Console

from fleetctl.cli.options import OutputFormat
from fleetctl.report.emit import emit
from fleetctl.report.progress import PIPE_DETAIL_INTERVAL_S, Progress


class Row(BaseModel):
    name: str
    path: Path


ROWS = [Row(name="é", path=Path("a")), Row(name="[red]x", path=Path("b"))]
PLAIN = [{"name": "é", "path": "a"}, {"name": "[red]x", "path": "b"}]


def test_json_and_yaml_carry_the_same_data(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, OutputFormat.json)
    assert json.loads(capsys.readouterr().out) == PLAIN
    emit(ROWS, OutputFormat.yaml)
    assert yaml.safe_load(capsys.readouterr().out) == PLAIN
    emit({"rows": ROWS}, OutputFormat.json)
    assert json.loads(capsys.readouterr().out) == {"rows": PLAIN}


@pytest.mark.parametrize("output", [OutputFormat.json, OutputFormat.yaml])
def test_what_a_box_said_cannot_steer_the_terminal(output: OutputFormat, capsys: pytest.CaptureFixture[str]) -> None:
    """C1 control sequences, an order of reading from right to left, and an escape."""
    said = [{"name": "a\x9b2Jb\u202ec\x1b[2J\u2066"}]
    emit(said, output)
    written = capsys.readouterr().out
    assert not [character for character in written if not character.isprintable() and character != "\n"]
    assert yaml.safe_load(written) == said


def test_table_is_what_the_function_makes_and_markup_stays_text(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, OutputFormat.table, lambda rows: "\n".join(row.name for row in rows))
    captured = capsys.readouterr()
    assert captured.out == "é\n[red]x\n"
    assert captured.err == ""


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(Console(file=io.StringIO(), width=120, markup=False), clock)


def text(progress: Progress) -> str:
    assert isinstance(progress.console.file, io.StringIO)
    return progress.console.file.getvalue()


def test_step_says_title_result_and_seconds(progress: Progress, clock: Clock) -> None:
    with progress.step("boot") as step:
        clock.now_s += 3.2
        step.result("already up")
    assert text(progress) == "boot …\n✓ boot: already up (3.2 s)\n"


def test_failed_step_says_so_and_lets_the_error_pass(progress: Progress, clock: Clock) -> None:
    def work() -> None:
        with progress.step("boot"):
            clock.now_s += 1
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        work()
    assert text(progress).endswith("✗ boot: stopped after 1.0 s\n")


def test_details_in_a_pipe_are_few_and_harmless(progress: Progress, clock: Clock) -> None:
    with progress.step("boot") as step:
        for _ in range(10):
            clock.now_s += PIPE_DETAIL_INTERVAL_S / 4
            step.update("line\x1b[2J")
    details = [line for line in text(progress).splitlines() if line.startswith("boot: ")]
    assert details == ["boot: line[2J (20 s)", "boot: line[2J (40 s)"]
