"""Shows an event stream: a spinner and lines on a terminal, plain lines in a pipe, JSON lines on stdout."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console
from rich.status import Status

from fleetctl.errors import printable
from fleetctl.phases.base import Event
from fleetctl.report.console import err
from fleetctl.report.progress import PIPE_DETAIL_INTERVAL_S

_MARKS = {"ok": "✓", "changed": "✎", "skipped": "–", "failed": "✗", "unreachable": "✗", "finished": "✓"}
# Tasks that changed nothing are progress, not news: they only move the spinner.
_TASKS_SHOWN = frozenset({"changed", "failed", "unreachable"})


class JsonEvents:
    """One JSON object a line, flushed, so that a reader sees each at once; ASCII, so that no box steers a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._stream.write(json.dumps(event.model_dump(mode="json"), ensure_ascii=True) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Nothing is left open."""


class TextEvents:
    """For a person, on stderr. Hosts are named when there are several. `clock` counts seconds, for tests."""

    def __init__(self, hosts: int, console: Console = err, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._doing: dict[str, str] = {}
        self._progress_shown_s: dict[str, float] = {}
        self._many = hosts > 1
        self._lock = threading.Lock()
        self._status: Status | None = console.status("connecting") if console.is_terminal else None
        if self._status:
            self._status.start()

    def __call__(self, event: Event) -> None:
        with self._lock:
            line = self.line(event)
            if line is not None:
                self._console.print(printable(line), soft_wrap=True)
            if self._status:
                self._spin(self._status, event)

    def close(self) -> None:
        if self._status:
            self._status.stop()

    def _spin(self, status: Status, event: Event) -> None:
        """One line for each host that is at work."""
        if not event.phase:
            self._doing.pop(event.host, None)
        elif event.task or event.status == "started":
            task = f": {event.task}" if event.task else ""
            detail = f"  {event.detail}" if event.status == "progress" else ""
            self._doing[event.host] = printable(f"{event.host}  {event.phase}{task}{detail}")
        status.update("\n".join(self._doing.values()))

    def _due(self, host: str) -> bool:
        now_s = self._clock()
        if now_s - self._progress_shown_s.get(host, float("-inf")) < PIPE_DETAIL_INTERVAL_S:
            return False
        self._progress_shown_s[host] = now_s
        return True

    def line(self, event: Event) -> str | None:
        """The line to print, or None for what only moves the spinner."""
        host = f"{event.host}  " if self._many else ""
        if event.status == "progress":
            shown = self._status is None and self._due(event.host)
            return f"{host}    {event.task}: {event.detail}" if shown else None
        seconds = f" ({event.seconds:.1f} s)" if event.seconds is not None else ""
        detail = f": {event.detail}" if event.detail else ""
        mark = _MARKS.get(event.status, " ")
        if event.task:
            if event.status not in _TASKS_SHOWN:
                return None
            return f"{host}    {mark} {event.task}{seconds}{_indented(event.detail, host)}"
        if event.status == "started":
            return None if self._status else f"{host}{event.phase} …"
        if not event.phase:
            return f"{mark} {event.host}{detail}{seconds}"
        return f"{host}{mark} {event.phase}{detail}{seconds}"


def _indented(detail: str, host: str) -> str:
    return "".join(f"\n{host}        {line}" for line in detail.splitlines() if line.strip())
