"""Screens that show one round, or round after round: drawn anew on a terminal, line by line in a pipe."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fleetctl.actions.status import SiteStatus, status_of
from fleetctl.checks.site_health import SiteHealth, ranked
from fleetctl.cli.options import OutputFormat
from fleetctl.report.lines import Line, coloured, painted, width_of_screen
from fleetctl.report.status import Head, change_lines, is_news, status_lines
from fleetctl.report.top import SortKey, sorted_rows, top_lines, top_row

if TYPE_CHECKING:
    from rich.live import Live


class Drawn:
    """A terminal that is drawn anew each round. Where stdout is none, nothing is opened."""

    def __init__(self, output: OutputFormat) -> None:
        self.live: bool = output is OutputFormat.table and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._stack = ExitStack()
        self._live: Live | None = None

    def draw(self, lines: Sequence[Line]) -> None:
        from rich.live import Live
        from rich.text import Text

        from fleetctl.report.console import out

        height = out.size.height - 1
        if len(lines) > height:
            left = len(lines) - height + 1
            lines = [*lines[: height - 1], Line(f"{left} more lines: without --watch, or in a larger window", "dim")]
        text = Text("\n").join(Text.from_ansi(painted([line], colour=coloured()).rstrip("\n")) for line in lines)
        if self._live is None:
            self._live = self._stack.enter_context(
                Live(
                    text,
                    console=out,
                    screen=True,
                    auto_refresh=False,
                    # Its stand-in for stdout is no terminal and has no encoding, by which lines are laid out.
                    redirect_stdout=False,
                    redirect_stderr=False,
                )
            )
        self._live.update(text, refresh=True)

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class StatusScreen(Drawn):
    """`fleetctl status`."""

    def __init__(self, output: OutputFormat, *, everything: bool) -> None:
        super().__init__(output)
        self._output, self._everything = output, everything
        self._before: dict[str, SiteStatus] | None = None

    def __enter__(self) -> StatusScreen:
        return self

    def show(self, healths: Sequence[SiteHealth], took_s: float, every_s: float | None) -> None:
        statuses = [status_of(health) for health in ranked(healths)]
        head = Head(datetime.now(UTC), took_s, every_s)
        if self._output is OutputFormat.table and (every_s is None or self.live or self._before is None):
            lines = status_lines(statuses, head, width_of_screen(), everything=self._everything)
            if every_s is not None and self.live:
                self.draw(lines)
            else:
                _write(painted(lines, colour=coloured()))
        elif every_s is None:
            from fleetctl.report.emit import emit

            emit(statuses, self._output)
        elif self._output is OutputFormat.table:
            _write(painted(change_lines(self._before or {}, statuses), colour=False))
        else:
            _write("".join(_json(status) for status in statuses if self._is_new(status)))
        self._before = {status.site: status for status in statuses}

    def _is_new(self, status: SiteStatus) -> bool:
        earlier = (self._before or {}).get(status.site)
        return earlier is None or is_news(earlier, status)


class TopScreen(Drawn):
    """`fleetctl top`."""

    def __init__(self, output: OutputFormat, sort: SortKey) -> None:
        super().__init__(output)
        self._output, self._sort = output, sort

    def __enter__(self) -> TopScreen:
        return self

    def show(self, healths: Sequence[SiteHealth], took_s: float, every_s: float | None) -> None:
        rows = sorted_rows([top_row(health) for health in healths], self._sort)
        if self._output is not OutputFormat.table:
            from fleetctl.report.emit import emit

            emit(rows, self._output)
            return
        lines = top_lines(rows, width_of_screen())
        if every_s is not None and self.live:
            now = datetime.now(UTC)
            self.draw([*lines, Line(f"{now:%H:%M:%S}Z, {took_s:.1f} s, every {every_s:g} s, by {self._sort}", "dim")])
        else:
            _write(painted(lines, colour=coloured()))


def _json(status: SiteStatus) -> str:
    data: Any = status.model_dump(mode="json")
    return json.dumps(data, ensure_ascii=True, allow_nan=False) + "\n"


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
