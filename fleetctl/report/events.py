"""Shows an event stream: a spinner and lines on a terminal, plain lines in a pipe, JSON lines on stdout."""

from __future__ import annotations

import json
import sys
import threading
from typing import TextIO

from rich.console import Console
from rich.status import Status

from fleetctl.errors import printable
from fleetctl.phases.base import Event
from fleetctl.report.console import err

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
    """For a person, on stderr. Hosts are named when there are several."""

    def __init__(self, hosts: int, console: Console = err) -> None:
        self._console = console
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
            elif self._status:
                doing = f"{event.phase}: {event.task}" if event.task else event.phase
                self._status.update(printable(f"{event.host}  {doing}"))

    def close(self) -> None:
        if self._status:
            self._status.stop()

    def line(self, event: Event) -> str | None:
        """The line to print, or None for what only moves the spinner."""
        host = f"{event.host}  " if self._many else ""
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
