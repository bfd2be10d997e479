"""The command tree: lazy, complete, and every failure is a code with words."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fleetctl.__main__ import run
from fleetctl.cli import app
from fleetctl.cli.registry import COMMANDS, Row
from fleetctl.errors import EXIT_CODES, FleetctlError, LockHeldError, describe, printable

PROBE = """
import sys
from fleetctl.__main__ import run
assert run(["--help"]) == 0
heavy = {"pydantic", "yaml", "cryptography", "ansible_runner", "fabric", "pyrage"}
seen = [name for name in sys.modules if name.split(".")[0] in heavy | {"fleetctl"}]
print(*sorted(seen), file=sys.stderr)
"""
OWN = ["fleetctl.cli", "fleetctl.cli.app", "fleetctl.cli.registry", "fleetctl.errors"]


def test_help_imports_no_command() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["fleetctl", "fleetctl.__main__", *OWN]
    for row in COMMANDS:
        assert row.help in done.stdout


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_every_row_loads_and_has_help(row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([row.name, "--help"]) == 0
    assert f"fleetctl {row.name}" in capsys.readouterr().out


def test_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["docter"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: No such command 'docter'. Did you mean 'doctor'?\n  hint: fleetctl --help\n"


def test_wrong_option_points_to_the_commands_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version", "--nope"]) == 2
    assert "hint: fleetctl version --help" in capsys.readouterr().err


def test_no_command_shows_help_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Commands:" in captured.err


def raising(error: BaseException) -> type:
    class Command:
        def main(self, **options: object) -> None:
            raise error

    return Command


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (LockHeldError("locked by ana", hint="wait", host="lab-1"), 8, "error: locked by ana [lab-1]\n  hint: wait\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (RuntimeError("boom\x1b[2J"), 1, "error: unexpected RuntimeError: boom[2J\n"),
    ],
)
def test_exceptions_become_codes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr(app, "command", raising(error))
    assert run([]) == code
    assert capsys.readouterr().err.startswith(words)


def all_errors(kind: type[FleetctlError] = FleetctlError) -> list[type[FleetctlError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in all_errors(child))]


def test_every_errors_code_is_documented() -> None:
    assert {kind.exit_code for kind in all_errors()} <= EXIT_CODES.keys()
    # Modules have more of their own, as far as they are imported.
    assert len([kind for kind in all_errors() if kind.__module__ == "fleetctl.errors"]) == 14


def test_control_characters_never_reach_the_terminal() -> None:
    error = FleetctlError("a\x1b]0;x\x07b\u202ec\nd", hint="h\x9b", host="s\x00")
    assert describe(error) == "error: a]0;xbc\nd [s]\n  hint: h"
    assert printable("ä\t\n✓") == "ä\t\n✓"
