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
