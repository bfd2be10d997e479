"""The report without a driver: missing and impossible answers, and children that do not behave."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.gpu import Gpu, Unread, Value
from appliance.gpu import bus, report, watched
from appliance.gpu.child import clean
from appliance.gpu.rows import ROWS
from appliance.gpu.watched import Answers, ask_driver
from tests.sim.nvml import pci_device

BUS = {"state": "value", "value": ["0000:17:00.0"]}
COUNTED = {("library", None): {"state": "ready"}, ("count", None): {"state": "value", "value": 1}}


def ask(code: str, *, call_limit_s: float = 30.0, reading_limit_s: float = 60.0) -> Answers:
    argv = [sys.executable, "-I", "-c", f"import json, os, sys, time\n{code}"]
    return ask_driver(argv, call_limit_s=call_limit_s, reading_limit_s=reading_limit_s)


def tell(**line: Any) -> str:
    return f"print(json.dumps({line!r}), flush=True)\n"


def test_every_row_of_the_contract_is_read() -> None:
    assert {"index", *ROWS} == set(Gpu.model_fields)


def test_an_answer_out_of_bounds_is_unreadable_and_hides_no_other() -> None:
    rows = {
        ("name", 0): {"state": "value", "value": ""},
        ("margin_c", 0): {"state": "value", "value": -(2**31)},
        ("memory_mib", 0): {"state": "value", "value": 46068},
        ("driver_version", None): {"state": "value", "value": "5\x1b[31m"},
        ("recovery_action", 0): {"state": "value", "value": {"a": 1}},
    }
    found = report.report(Answers({**COUNTED, **rows}), BUS, 10.0, 40.0)
    wrong = Unread(reason="the driver's answer is out of bounds")
    assert (found.gpus[0].name, found.gpus[0].margin_c, found.library.driver_version) == (wrong, wrong, wrong)
    assert found.gpus[0].recovery_action == wrong
    assert (found.gpus[0].memory_mib, found.count) == (Value(value=46068), Value(value=1))


def test_a_child_that_cannot_be_started_is_a_report_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(report, "child_argv", lambda max_gpus: [str(tmp_path / "nothing")])
    why = report.read_gpus(1.0).interruption
    assert why is not None
    assert (why.cause, why.detail) == ("died", "the reading process cannot be started: No such file or directory")


def test_a_child_that_ends_well_has_its_answers_kept() -> None:
    answers = ask(tell(row="count", gpu=None, answer={"state": "value", "value": 0}) + tell(end=True))
    assert answers == Answers({("count", None): {"state": "value", "value": 0}})


def test_a_child_that_has_said_all_and_does_not_leave_is_no_fault() -> None:
    assert ask(tell(call="nvmlInit", gpu=None) + tell(end=True) + "time.sleep(60)").interruption is None


def test_a_child_that_just_ends_died_with_its_last_words() -> None:
    answers = ask(tell(call="nvmlInit", gpu=None) + "sys.exit('first\\nno \\x07memory')")
    assert answers.interruption == {
        "cause": "died",
        "call": "nvmlInit",
        "gpu": None,
        "detail": "the reading process ended with 1: no memory",
    }


@pytest.mark.slow
def test_calls_that_are_all_quick_may_take_too_long_together() -> None:
    lines = "while True:\n    " + tell(call="nvmlDeviceGetName", gpu=2).strip() + "\n    time.sleep(0.02)"
    answers = ask(lines, reading_limit_s=2.0)
    assert answers.interruption == {
        "cause": "slow",
        "call": "nvmlDeviceGetName",
        "gpu": 2,
        "detail": "the whole reading took longer than 2 s",
    }


def test_a_child_that_says_nothing_is_slow_and_no_call_is_accused() -> None:
    answers = ask("time.sleep(60)", call_limit_s=0.1, reading_limit_s=0.2)
    assert answers.interruption is not None
    assert (answers.interruption["cause"], answers.interruption["call"]) == ("slow", "start of the reader")


def test_a_hanging_call_is_stuck() -> None:
    answers = ask(tell(call="nvmlInit", gpu=None) + "time.sleep(60)", call_limit_s=0.2)
    assert answers.interruption == {
        "cause": "stuck",
        "call": "nvmlInit",
        "gpu": None,
        "detail": "no answer within 0.2 s",
    }


def test_a_child_that_does_not_stop_writing_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "_MAX_BYTES", 100_000)
    answers = ask("while True:\n    " + tell(row="x", gpu=None, answer={}).strip())
    assert answers.interruption is not None
    assert answers.interruption["detail"] == "it wrote more than a reading holds"


def test_lines_that_are_no_answer_are_a_death() -> None:
    answers = ask("print('[1, 2')")
    assert answers.interruption is not None
    assert (answers.interruption["cause"], answers.interruption["detail"]) == ("died", "its answer is not understood")


def test_a_child_that_floods_its_errors_is_read_to_its_end() -> None:
    assert ask("sys.stderr.write('x' * 1_000_000)\n" + tell(end=True)).interruption is None


def test_outside_words_lose_control_characters() -> None:
    assert clean("a\x1b[31mb\nc", 6) == "a[31mb"


def test_only_nvidias_display_controllers_are_gpus(tmp_path: Path) -> None:
    devices = tmp_path / "devices"
    pci_device(devices, "0000:65:00.0", "0x10de", "0x030200")
    pci_device(devices, "0000:17:00.0", "0x10de", "0x030000")
    pci_device(devices, "0000:17:00.1", "0x10de", "0x040300")
    pci_device(devices, "0000:03:00.0", "0x1002", "0x030000")
    assert bus.gpus_on_bus(devices) == {"state": "value", "value": ["0000:17:00.0", "0000:65:00.0"]}


def test_an_empty_bus_is_no_unreadable_one(tmp_path: Path) -> None:
    assert bus.gpus_on_bus(tmp_path) == {"state": "value", "value": []}
    gone = bus.gpus_on_bus(tmp_path / "gone")
    assert gone == {"state": "unreadable", "reason": f"{tmp_path}/gone: No such file or directory"}
    (tmp_path / "0000:17:00.0").mkdir()
    assert bus.gpus_on_bus(tmp_path)["state"] == "unreadable"
