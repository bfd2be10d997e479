"""One module at a time changes the box: tried with real processes, of which one is killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils import fleet_outcome
from ansible.module_utils.fleet_box import Refusal
from ansible.module_utils.fleet_turn import own_turn

from .conftest import PLAYBOOKS

_MODULE = """
import sys, ansible.module_utils
ansible.module_utils.__path__.append(sys.argv[1])
from ansible.module_utils.fleet_turn import own_turn
print("waiting", flush=True)
with own_turn("fleet_storage", path=sys.argv[2], wait_s=30):
    print("working", flush=True)
    sys.stdin.read()
"""
Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a module that works until its stdin ends, and returns when it is about to ask for its turn."""
    processes: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _MODULE, str(PLAYBOOKS / "module_utils"), str(tmp_path / "turn")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert said_by(process) == "waiting"
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def said_by(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_module_waits_until_the_one_before_it_has_ended(start: Start) -> None:
    first = start()
    assert said_by(first) == "working"
    second = start()
    first.communicate()  # ends its stdin
    assert said_by(second) == "working"


def test_a_killed_module_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    first = start()
    assert said_by(first) == "working"
    first.kill()
    first.wait()
    with own_turn("fleet_seal", path=str(tmp_path / "turn"), wait_s=0):
        pass


def test_waiting_has_an_end_and_says_who_works(start: Start, tmp_path: Path) -> None:
    first = start()
    assert said_by(first) == "working"
    with (
        pytest.raises(Refusal, match=f"fleet_storage, process {first.pid}") as refusal,
        own_turn("fleet_seal", path=str(tmp_path / "turn"), wait_s=0),
    ):
        raise AssertionError("two modules at work")
    assert "Run it again later" in refusal.value.decide


@pytest.mark.parametrize(
    ("check_mode", "changes_box", "turns"), [(False, True, ["fleet_x"]), (True, True, []), (False, False, [])]
)
def test_who_changes_nothing_waits_for_nobody(
    check_mode: bool, changes_box: bool, turns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    @contextmanager
    def noted(name: str) -> Iterator[None]:
        taken.append(name)
        yield

    monkeypatch.setattr(fleet_outcome, "own_turn", noted)
    module: Any = SimpleNamespace(check_mode=check_mode, _name="fleet_x")
    done: list[str] = []
    fleet_outcome.run_reporting(module, lambda: done.append("work"), changes_box=changes_box)
    assert (done, taken) == (["work"], turns)
