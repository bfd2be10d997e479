"""One command over an SSH channel: its stdin is fed and both streams are heard, within bounds, until it ends."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fleetctl.errors import UnreachableError
from fleetctl.facts.base import Completed

# What a host may answer in one command. Far above any fact; a runaway answer must not fill the operator's memory.
OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024
# The same for a command that is heard line by line: one unfinished line and all that it says on stderr.
LINE_LIMIT_BYTES = 1024 * 1024

OnLine = Callable[[str], None]


@dataclass
class Conversation:
    """`where` and `host` stand in errors. With `on_line` each line of stdout goes there instead of into the answer."""

    where: str
    host: str
    timeout_s: float
    stdin: bytes = b""
    on_line: OnLine | None = None
    silence_s: float = float("inf")
    _out: bytearray = field(default_factory=bytearray)
    _err: bytearray = field(default_factory=bytearray)

    def hold(self, channel: Any, cancelled: Callable[[], bool]) -> Completed:
        """Talk over a paramiko channel whose command was started. Fabric's own `run` moves stdin a byte per 10 ms.

        Raises `UnreachableError` when a bound is passed, `EOFError` when the connection went away in the middle, and
        `KeyboardInterrupt` when `cancelled` says so. A command that is heard line by line keeps an open stdin.
        """
        pending = memoryview(self.stdin)
        if not pending and self.on_line is None:
            channel.shutdown_write()
        started_s = heard_s = time.monotonic()
        while True:
            if self._hear(channel):
                heard_s = time.monotonic()
            if pending and channel.send_ready():
                pending = pending[channel.send(pending[:32768].tobytes()) :]
                if not pending:
                    channel.shutdown_write()
                continue
            if channel.exit_status_ready() and not channel.recv_ready() and not channel.recv_stderr_ready():
                if channel.eof_received:
                    break
                if channel.closed:
                    raise EOFError("it ended in the middle of a command")
            if cancelled():
                raise KeyboardInterrupt
            self._bound(time.monotonic() - started_s, time.monotonic() - heard_s)
            select.select([channel], [], [], 0.2)
        if self._out and self.on_line is not None:
            self.on_line(_text(self._out))
            self._out.clear()
        return Completed(channel.recv_exit_status(), _text(self._out), _text(self._err))

    def _hear(self, channel: Any) -> bool:
        """Take in what waits on both streams; whether something did."""
        heard = False
        while channel.recv_ready():
            heard = True
            self._out += channel.recv(65536)
            self._hand_over()
            self._bound_size()
        while channel.recv_stderr_ready():
            heard = True
            self._err += channel.recv_stderr(65536)
            self._bound_size()
        return heard

    def _hand_over(self) -> None:
        if self.on_line is None:
            return
        *lines, rest = self._out.split(b"\n")
        self._out = rest
        for line in lines:
            if len(line) > LINE_LIMIT_BYTES:
                self._too_much("in one line", LINE_LIMIT_BYTES)
            self.on_line(_text(line))

    def _bound_size(self) -> None:
        limit, what = OUTPUT_LIMIT_BYTES, "to one command"
        if self.on_line is not None:
            limit, what = LINE_LIMIT_BYTES, "in one line"
        if len(self._out) + len(self._err) > limit:
            self._too_much(what, limit)

    def _too_much(self, what: str, limit: int) -> None:
        raise UnreachableError(
            f"{self.where} answered more than {limit} bytes {what}",
            hint="look at the machine: fleetctl expects short answers",
            host=self.host,
        )

    def _bound(self, lasted_s: float, silent_s: float) -> None:
        if lasted_s > self.timeout_s:
            raise UnreachableError(
                f"{self.where} did not finish a command within {self.timeout_s:.0f} s",
                hint="look at the machine's console; a busy or failing disk is the usual cause",
                host=self.host,
            )
        if silent_s > self.silence_s:
            raise UnreachableError(
                f"{self.where} said nothing for {self.silence_s:.0f} s",
                hint="is the machine still on? look at its console",
                host=self.host,
            )


def _text(raw: bytearray) -> str:
    return raw.decode("utf-8", "replace")
