"""A tool's failure shows its last lines and where the whole output lies."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fleetctl.errors import ChangeError
from fleetctl.image.command import TAIL_LINES, run_logged


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_output_goes_to_the_log_and_to_the_caller(tmp_path: Path) -> None:
    seen: list[str] = []
    log = tmp_path / "log/build.log"
    run_logged(script("print('one'); print(); print('two')"), title="tool", log_path=log, on_line=seen.append)
    assert seen == ["one", "two"]
    assert log.read_text() == "# tool\none\n\ntwo\n"


def test_failure_carries_the_last_lines_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    with pytest.raises(ChangeError) as caught:
        run_logged(script("print(*range(50), sep='\\n'); raise SystemExit(3)"), title="tool", log_path=log)
    assert "tool failed (exit 3)" in caught.value.message
    assert caught.value.message.count("\n") == TAIL_LINES
    assert caught.value.message.endswith("49")
    assert str(log) in caught.value.hint


def test_missing_tool_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChangeError, match="no-such-tool is not installed"):
        run_logged(["no-such-tool"], title="tool", log_path=tmp_path / "log")


def test_escape_sequences_of_a_tool_do_not_reach_the_terminal(tmp_path: Path) -> None:
    seen: list[str] = []
    run_logged(script(r"print('\x1b[31mred')"), title="tool", log_path=tmp_path / "log", on_line=seen.append)
    assert seen == ["[31mred"]
