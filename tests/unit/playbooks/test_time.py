"""The clock's module: named servers or none, and a service that always hears what was written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import fleet_time
import pytest


class ClockBox:
    """A box with one service; `dies_at` cuts the run off before that systemctl verb."""

    def __init__(self, state: str = "disabled", dies_at: str = "") -> None:
        self.files: dict[str, bytes] = {}
        self.state, self.dies_at = state, dies_at
        self.ran: list[str] = []

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self.files[path] = content

    def remove(self, path: str) -> None:
        self.files.pop(path, None)

    def run(self, argv: list[str], codes: tuple[int, ...] = (0,)) -> Any:
        verb = argv[1]
        if verb == self.dies_at:
            raise KeyboardInterrupt
        if verb == "is-enabled":
            return SimpleNamespace(stdout=self.state + "\n")
        self.ran.append(verb)
        self.state = {"enable": "enabled", "disable": "disabled"}.get(verb, self.state)
        return SimpleNamespace(stdout="")


def test_no_time_server_but_the_named_ones() -> None:
    assert fleet_time.config(["10.0.2.2"]) == b"# Written by fleetctl.\n[Time]\nNTP=10.0.2.2\nFallbackNTP=\n"


def test_a_second_run_does_nothing() -> None:
    box = ClockBox()
    assert len(fleet_time.converge(box, ["10.0.2.2"], write=True)) == 2
    assert box.ran == ["enable", "restart"]
    assert fleet_time.converge(box, ["10.0.2.2"], write=True) == []
    assert fleet_time.converge(box, [], write=True) == [
        f"remove {fleet_time.CONFIG_PATH}",
        f"disable {fleet_time.SERVICE}",
    ]
    assert box.files == {}


def test_a_service_that_an_interrupted_run_did_not_tell_is_told_by_the_next() -> None:
    box = ClockBox(dies_at="restart")
    with pytest.raises(KeyboardInterrupt):
        fleet_time.converge(box, ["10.0.2.2"], write=True)
    box.dies_at = ""
    assert fleet_time.converge(box, ["10.0.2.2"], write=False) == [
        f"tell {fleet_time.SERVICE} what an interrupted run wrote"
    ]
    fleet_time.converge(box, ["10.0.2.2"], write=True)
    assert box.ran[-1] == "restart"
    assert fleet_time.converge(box, ["10.0.2.2"], write=True) == []


def test_check_mode_writes_nothing() -> None:
    box = ClockBox()
    assert fleet_time.converge(box, ["10.0.2.2"], write=False)
    assert (box.files, box.ran) == ({}, [])
