"""The two children, with a driver that hangs, dies or is not there: what their parent makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.gpu.teller import STARTING
from appliance.watch.children import ListeningChild, ReadingChild


class FakeTeller:
    """A child that is in the state which the test says."""

    started = 0

    def __init__(self, argv: list[str], *, hear: Any, call_limit_s: float) -> None:
        type(self).started += 1
        self.hear, self.call, self.gpu = hear, "nvmlDeviceGetEccMode", 1
        self.over = self.resting = self.stays = False
        self.interruption: dict[str, Any] | None = None

    def ask(self) -> None:
        self.resting = False

    def poll(self) -> bool:
        return not self.over

    def kill(self) -> None:
        self.over = True

    def is_left_behind(self) -> bool:
        return self.over and self.stays

    def readable(self) -> list[int]:
        return []


@pytest.fixture
def tellers(monkeypatch: pytest.MonkeyPatch) -> type[FakeTeller]:
    monkeypatch.setattr(FakeTeller, "started", 0)
    return FakeTeller


def fails(teller: Any, cause: str, call: str) -> None:
    teller.over, teller.interruption = True, {"cause": cause, "call": call, "gpu": None, "detail": "no answer"}


def reading(tellers: Any) -> ReadingChild:
    return ReadingChild(call_limit_s=1.0, reading_limit_s=4.0, start=tellers)


def test_a_child_that_the_kernel_holds_is_left_behind_and_no_other_one_is_started(tellers: Any) -> None:
    child = reading(tellers)
    assert child.begin() is None
    fails(child._teller, "stuck", "nvmlDeviceGetEccMode")
    child._teller.stays = True  # type: ignore[union-attr]
    answers = child.poll()
    assert answers is not None
    assert answers.interruption["cause"] == "stuck"  # type: ignore[index]
    again = child.begin()
    assert again is not None
    assert again.interruption == answers.interruption
    child._teller.stays = False  # type: ignore[union-attr]
    assert child.begin() is None
    assert tellers.started == 2


def test_a_slow_start_accuses_no_driver(tellers: Any) -> None:
    child = reading(tellers)
    child.begin()
    fails(child._teller, "stuck", STARTING)
    answers = child.poll()
    assert answers is not None
    assert answers.interruption["cause"] == "slow"  # type: ignore[index]


def test_a_child_that_died_at_rest_is_started_anew(tellers: Any) -> None:
    child = reading(tellers)
    child.begin()
    for row in ("driver_version", "count"):
        child._hear({"row": row, "gpu": None, "answer": {"state": "value", "value": 1}})
    child._teller.resting = True  # type: ignore[union-attr]
    assert child.poll() is not None
    child._teller.over = True  # type: ignore[union-attr]
    assert child.poll() is None
    assert child.begin() is None
    assert tellers.started == 2


def test_after_a_lost_gpu_the_library_is_asked_by_a_new_process(tellers: Any) -> None:
    child = reading(tellers)
    child.begin()
    for row in ("driver_version", "count"):
        child._hear({"row": row, "gpu": None, "answer": {"state": "value", "value": 1}})
    child._hear({"row": "uuid", "gpu": 0, "answer": {"state": "unreadable", "reason": "lost", "nvml_error": 15}})
    child._teller.resting = True  # type: ignore[union-attr]
    answers = child.poll()
    assert answers is not None
    assert answers.interruption is None
    child.begin()
    assert tellers.started == 2


def test_a_listener_that_ends_is_started_again_after_a_while(tellers: Any) -> None:
    now = [0.0]
    child = ListeningChild(start=tellers, clock=lambda: now[0])
    assert (child.poll(), tellers.started) == ([], 1)
    child._hear({"events": {"state": "listening", "reason": ""}})
    child._hear({"xid": 79, "pci_id": "0000:3b:00.0", "uuid": "GPU-1", "mono_s": 5.0})
    (told,) = child.poll()
    assert (told.xid, told.subject, told.source) == (79, "0000:3b:00.0", "nvml")
    fails(child._teller, "stuck", "nvmlEventSetWait_v2")
    child.poll()
    now[0] = 100.0
    child.poll()
    assert tellers.started == 2
