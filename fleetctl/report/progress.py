"""Progress of long work: a spinner on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.status import Status

from fleetctl.errors import printable
from fleetctl.report.console import err

# In a pipe a changing detail is written at most this often: enough to see life, few enough lines to read.
PIPE_DETAIL_INTERVAL_S = 20.0


@dataclass
class Step:
    """One running step; `update` shows a detail beside its title."""

    title: str
    started_s: float
    _show: Callable[[str], None]
    note: str = ""

    def update(self, detail: str) -> None:
        """Say what it is doing now."""
        self._show(printable(detail).replace("\n", " "))

    def counter(self, size: int, what: str = "") -> Callable[[int], None]:
        """Shows how much of `size` is done; called with how much more there is. `what` stands behind the share."""
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            self.update(f"{min(100, done * 100 // size)} % {what}".rstrip())

        return count

    def result(self, note: str) -> None:
        """What stands behind the title when the step is done, for example `already up to date`."""
        self.note = printable(note)


@dataclass
class Progress:
    """Reports steps on stderr. `clock` counts seconds and is a parameter for tests."""

    console: Console = field(default_factory=lambda: err)
    clock: Callable[[], float] = time.monotonic

    def line(self, text: str) -> None:
        """One line, now."""
        self.console.print(printable(text))

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show `title` while the block runs, then its seconds; on an exception say so and let it pass."""
        started_s = self.clock()
        status: Status | None = None
        last_s = started_s
        if self.console.is_terminal:
            status = self.console.status(title)
            status.start()
        else:
            self.console.print(f"{title} …")

        def show(detail: str) -> None:
            nonlocal last_s
            now_s = self.clock()
            if status is not None:
                status.update(f"{title}  {detail}  ({now_s - started_s:.0f} s)")
            elif now_s - last_s >= PIPE_DETAIL_INTERVAL_S:
                last_s = now_s
                self.console.print(f"{title}: {detail} ({now_s - started_s:.0f} s)")

        step = Step(title, started_s, show)
        try:
            yield step
        except BaseException:
            if status is not None:
                status.stop()
            self.console.print(f"✗ {title}: stopped after {self.clock() - started_s:.1f} s")
            raise
        if status is not None:
            status.stop()
        note = f": {step.note}" if step.note else ""
        self.console.print(f"✓ {title}{note} ({self.clock() - started_s:.1f} s)")
