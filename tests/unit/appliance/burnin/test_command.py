"""`appliancectl burnin` as a command: when it refuses, what it streams, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.burnin.refuse import UNITS
from appliance.contract.burnin import BurnInProgress, BurnInReport
from tests.sim import cuda

pytestmark = pytest.mark.slow

# Runs `appliancectl` with its lock in another place.
_APPLIANCECTL = """
import pathlib, sys
from appliance.burnin import refuse
refuse.LOCK = pathlib.Path(sys.argv.pop(1))
from appliance.ctl.__main__ import main
main()
"""


@pytest.fixture
def start(tmp_path: Path) -> Any:
    """Start the command on a machine where `systemctl is-active` answers `states`."""

    def starting(*arguments: str, states: str = "\n".join(["inactive"] * len(UNITS))) -> Any:
        systemctl = tmp_path / "bin" / "systemctl"
        systemctl.parent.mkdir(exist_ok=True)
        systemctl.write_text(f"#!/bin/sh\ncat <<'END'\n{states}\nEND\nexit 3\n")
        systemctl.chmod(0o755)
        simulated = cuda.environment("healthy-x4", "healthy-l40s-x4")
        path = f"{systemctl.parent}:{os.environ['PATH']}"
        return subprocess.Popen(
            [sys.executable, "-c", _APPLIANCECTL, str(tmp_path / "lock"), "burnin", *arguments],
            env={**os.environ, **simulated, "PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return starting


def finished(process: Any) -> tuple[int, list[dict[str, Any]], str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


def children(pid: int) -> set[int]:
    found = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False)
    return {int(each) for each in found.stdout.split()}


def loading(process: Any, count: int = 5) -> set[int]:
    """Wait until the command has started all its children (the observer, four loads, ...); return them."""
    until(lambda: len(children(process.pid)) >= count, "the loads never started")
    return children(process.pid)


def until(ready: Callable[[], object], words: str) -> None:
    deadline_s = time.monotonic() + 300
    while not ready():
        assert time.monotonic() < deadline_s, words
        time.sleep(0.05)


def is_over(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def all_gone(pids: set[int]) -> None:
    """Demand that they end."""
    until(lambda: all(map(is_over, pids)), "something goes on")


def test_it_streams_progress_and_then_one_report(start: Any) -> None:
    code, lines, err = finished(start("--minutes", "0.04", "--no-memory", "--no-drives"))
    assert (code, err) == (0, "")
    assert [BurnInProgress.model_validate(line) for line in lines[:-1]]
    report = BurnInReport.model_validate(lines[-1])
    assert (report.ended, len(report.gpus)) == ("finished", 4)


@pytest.mark.parametrize("running", range(len(UNITS)))
def test_it_refuses_while_the_appliance_runs(start: Any, running: int) -> None:
    states = ["inactive"] * len(UNITS)
    states[running] = "activating"
    code, lines, err = finished(start("--minutes", "1", states="\n".join(states)))
    assert (code, lines) == (6, [])
    assert UNITS[running] in err


def test_a_systemd_that_says_nothing_is_no_permission(start: Any) -> None:
    code, lines, err = finished(start("--minutes", "1", states=""))
    assert (code, lines) == (5, [])
    assert "systemctl" in err


@pytest.mark.parametrize("arguments", [["--diagnostic", "other"], ["--no-gpu", "--no-memory", "--no-drives"], ["-x"]])
def test_what_makes_no_sense_is_a_usage_error(start: Any, arguments: list[str]) -> None:
    code, lines, err = finished(start("--minutes", "1", *arguments))
    assert (code, lines) == (2, [])
    assert err


def test_only_one_at_a_time_and_a_signal_ends_it_with_a_report(start: Any) -> None:
    first = start("--minutes", "5", "--no-memory", "--no-drives")
    running = loading(first)
    code, lines, err = finished(start("--minutes", "1"))
    assert (code, lines) == (6, [])
    assert "another burn-in runs" in err
    first.send_signal(signal.SIGTERM)
    code, lines, err = finished(first)
    assert err == ""
    report = BurnInReport.model_validate(lines[-1])
    assert (code, report.ended, report.reason) == (1, "interrupted", "stopped by SIGTERM")
    assert {gpu.ended_early.cause for gpu in report.gpus} == {"stopped"}
    all_gone(running)


def test_the_end_of_the_session_ends_everything(start: Any) -> None:
    process = start("--minutes", "5", "--no-memory", "--no-drives")
    running = loading(process)
    process.stdout.close()
    process.stderr.close()
    assert process.wait(300) != 0
    all_gone(running)


def test_nothing_goes_on_when_the_command_is_killed(start: Any) -> None:
    process = start("--minutes", "5", "--memory-mib", "32", "--no-drives")
    running = loading(process, 6)
    until(lambda: any(map(children, running)), "the load of the memory has no workers")
    running |= {grandchild for child in running for grandchild in children(child)}
    process.kill()
    process.communicate(timeout=60)
    all_gone(running)
