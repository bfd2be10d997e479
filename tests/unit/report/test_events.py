"""Events as a person and as a program see them."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from fleetctl.phases.base import Event
from fleetctl.phases.runner import HostReport, PhaseRecord
from fleetctl.report.events import JsonEvents, TextEvents
from fleetctl.report.runs import run_rows, runs_table


def _event(**values: Any) -> Event:
    return Event(time=datetime(2026, 11, 22, tzinfo=UTC), host="lab-1", **values)


EVENTS = [
    _event(phase="ConfigureStorage", status="started"),
    _event(phase="ConfigureStorage", task="Look at the disks", status="ok", seconds=1.0),
    _event(phase="ConfigureStorage", task="Make the volume", status="changed", seconds=12.34, detail="+ a\n+ b\x1b[2J"),
    _event(phase="ConfigureStorage", status="changed", seconds=13.4, detail="2 tasks, 1 changed"),
    _event(status="finished", seconds=13.4, detail="changed 1"),
]


def _lines(hosts: int) -> list[str]:
    stream = io.StringIO()
    events = TextEvents(hosts, Console(file=stream, width=120, markup=False))
    for event in EVENTS:
        events(event)
    events.close()
    return stream.getvalue().splitlines()


def test_plain_lines_show_phases_changes_and_seconds() -> None:
    assert _lines(1) == [
        "ConfigureStorage …",
        "    ✎ Make the volume (12.3 s)",
        "        + a",
        "        + b[2J",
        "✎ ConfigureStorage: 2 tasks, 1 changed (13.4 s)",
        "✓ lab-1: changed 1 (13.4 s)",
    ]


def test_with_several_hosts_each_line_names_its_own() -> None:
    assert all("lab-1" in line for line in _lines(2))


def test_json_events_are_one_object_a_line() -> None:
    stream = io.StringIO()
    events = JsonEvents(stream)
    for event in EVENTS:
        events(event)
    parsed = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [row["status"] for row in parsed] == ["started", "ok", "changed", "changed", "finished"]
    assert parsed[2] == {
        "time": "2026-11-22T00:00:00Z",
        "host": "lab-1",
        "phase": "ConfigureStorage",
        "task": "Make the volume",
        "status": "changed",
        "seconds": 12.34,
        "detail": "+ a\n+ b\x1b[2J",
    }


def test_json_events_are_ascii_whatever_a_box_says() -> None:
    stream = io.StringIO()
    said = "a\x9b2Jb\u202ec"
    JsonEvents(stream)(_event(status="failed", detail=said))
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue())["detail"] == said


def test_the_summary_says_changed_0_or_what_would_change() -> None:
    report = HostReport("lab-1", [PhaseRecord("Connect", "ok", 1.25, 0, "host key as pinned")])
    stream = io.StringIO()
    console = Console(file=stream, width=120)
    console.print(runs_table(run_rows([report], dry_run=False)))
    console.print(runs_table(run_rows([report], dry_run=True)))
    text = stream.getvalue()
    assert "changed 0" in text
    assert "would change 0" in text
    assert "1.2" in text


class _Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def _progress(host: str, detail: str) -> Event:
    values = {"phase": "RunBurnIn", "task": "burn-in", "status": "progress", "detail": detail}
    return Event(time=datetime(2026, 11, 22, tzinfo=UTC), host=host, **values)


def test_progress_in_a_pipe_is_a_plain_line_now_and_then_for_each_host() -> None:
    stream, clock = io.StringIO(), _Clock()
    events = TextEvents(2, Console(file=stream, width=120, markup=False), clock)
    for passed_s, host in ((0, "lab-1"), (0, "lab-2"), (5, "lab-1"), (20, "lab-1")):
        clock.now_s += passed_s
        events(_progress(host, f"at {clock.now_s:.0f} s\x1b[2J"))
    assert stream.getvalue().splitlines() == [
        "lab-1      burn-in: at 100 s[2J",
        "lab-2      burn-in: at 100 s[2J",
        "lab-1      burn-in: at 125 s[2J",
    ]


def test_on_a_terminal_every_host_at_work_has_a_line_that_moves() -> None:
    stream = io.StringIO()
    events = TextEvents(2, Console(file=stream, width=120, markup=False, force_terminal=True))
    events(_progress("lab-1", "12 of 30 min"))
    events(_progress("lab-2", "3 of 30 min"))
    assert list(events._doing.values()) == [
        "lab-1  RunBurnIn: burn-in  12 of 30 min",
        "lab-2  RunBurnIn: burn-in  3 of 30 min",
    ]
    events(_event(status="finished"))
    events.close()
    assert list(events._doing) == ["lab-2"]
