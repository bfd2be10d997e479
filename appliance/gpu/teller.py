"""A child process under a watch: its lines are taken as they come, one call may last only so long, and it can be ended.

A driver that hangs may hold its process in the kernel where no signal reaches it. Such a child is left behind: it holds
only its own pipes. Every child dies with this process (setpriv), so that nothing goes on loading a machine unseen.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from appliance.gpu.child import clean

_SIGNALS = {each.value: each.name for each in signal.Signals}
_PIECE_BYTES = 65536
# Taken at one time while the child goes on, so that one that writes without end cannot hold the others up.
_PIECES = 16
_MAX_LINE_BYTES = 256 * 1024
_MAX_KEPT_BYTES = 8 * 1024 * 1024
_LAST_WORDS_BYTES = 2000
_KILLED_WITHIN_S = 1.0
STARTING = "start of the process"

# Isolated (-I), since root runs it and no folder of a caller may shadow a module; told where this package is.
_START = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), run_name='__main__')"
)


def python_argv(module: str, *arguments: str) -> list[str]:
    """Return how a module of ours is started as a child."""
    return [sys.executable, "-I", "-c", _START, str(Path(__file__).absolute().parents[2]), module, *arguments]


def _pieces(pipe: Any, most: int | None) -> Iterator[bytes]:
    """Yield what can be read at once, at most so many pieces; nothing from a pipe that was closed meanwhile."""
    with suppress(BlockingIOError):
        taken = 0
        while not pipe.closed and (most is None or taken < most) and (piece := os.read(pipe.fileno(), _PIECE_BYTES)):
            taken += 1
            yield piece


class Process:
    """A running child. What it writes is kept, up to a bound, or given to `_take` piece by piece."""

    def __init__(self, argv: Sequence[str], *, environment: Mapping[str, str] | None = None) -> None:
        """Start it; raises OSError."""
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            start_new_session=True, env={**os.environ, "LC_ALL": "C", **(environment or {})},
        )  # fmt: skip
        for pipe in (self._process.stdout, self._process.stderr):
            os.set_blocking(pipe.fileno(), False)  # type: ignore[union-attr]
        self.written, self.last_words = b"", b""
        self.over = False
        self.asked_to_stop = False

    def poll(self) -> bool:
        """Take what was written since; returns whether the child goes on."""
        if self.over:
            return False
        code = self._process.poll()  # asked first, so that what it wrote before its end is still taken
        for pipe, take in ((self._process.stdout, self._take), (self._process.stderr, self._take_words)):
            for piece in _pieces(pipe, None if code is not None else _PIECES):
                take(piece)
        if code is not None:
            self._close()
        return not self.over

    def readable(self) -> list[int]:
        """Descriptors that become readable when the child says something or ends."""
        pipes = (self._process.stdout, self._process.stderr)
        return [pipe.fileno() for pipe in pipes if pipe and not pipe.closed]

    def is_left_behind(self) -> bool:
        """Whether it was given up and cannot die: the driver holds it in the kernel."""
        return self.over and self._process.poll() is None

    def _take(self, piece: bytes) -> None:
        self.written = (self.written + piece)[:_MAX_KEPT_BYTES]

    def _take_words(self, piece: bytes) -> None:
        self.last_words = (self.last_words + piece)[-_LAST_WORDS_BYTES:]

    def ask_to_end(self) -> None:
        """Close its standard input, which a child of ours takes as the end of its work."""
        if self._process.stdin:
            self._process.stdin.close()

    def terminate(self) -> None:
        """Ask it and its children to stop (SIGTERM)."""
        self.asked_to_stop = True
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and its children, or leave it behind if it cannot die."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_KILLED_WITHIN_S)
        self._close()

    def give_up(self, reason: str) -> None:
        """End it because of something that its own answers do not show."""
        self.last_words += f"\n{reason}".encode()
        self.kill()

    def _close(self) -> None:
        self.over = True
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

    @property
    def code(self) -> int | None:
        """Its exit status; negative for a signal, None while it runs."""
        return self._process.returncode

    def how_it_ended(self) -> str:
        """Return its exit status and its last words, as one line."""
        code = self.code
        if code is None:
            how = "it cannot be killed"
        else:
            how = f"ended by {_SIGNALS.get(-code, f'signal {-code}')}" if code < 0 else f"ended with {code}"
        words = clean(self.last_words.decode(errors="replace").strip().rpartition("\n")[2])
        return f"{how}: {words}" if words else how


class Teller(Process):
    """A child of ours, which tells each call of a driver before it makes it.

    `interruption` says why it ended before its end: cause (stuck, died), call, gpu, detail.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        hear: Callable[[dict[str, Any]], None],
        call_limit_s: float,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it. `hear` is given every line that is no call; it raises ValueError for one that makes no sense."""
        super().__init__(argv, environment=environment)
        self._hear, self._call_limit_s = hear, call_limit_s
        self.call, self.gpu = STARTING, None
        self._call_began_s = time.monotonic()
        self._rest = b""
        self.resting = False  # it waits to be asked, which is no call
        self._said_end = False
        self.interruption: dict[str, Any] | None = None

    def poll(self) -> bool:
        """Take its lines, and end it when one call lasts too long; returns whether it goes on."""
        if self.over:
            return False
        if super().poll():
            if self._said_end:  # all was said; leaving the driver may hang too, and is nobody's concern
                self.kill()
            elif not self.resting and time.monotonic() - self._call_began_s > self._call_limit_s:
                self._end("stuck", f"no answer within {self._call_limit_s:g} s")
        elif not (self._said_end or self.asked_to_stop) and self.interruption is None:
            self._end("died", self.how_it_ended())
        return not self.over

    def give_up(self, reason: str) -> None:
        """End it because of something that its own answers do not show."""
        self._end("stuck", reason)

    def ask(self) -> None:
        """Ask a resting child for its next round; does nothing for one that is gone."""
        self.resting, self._call_began_s = False, time.monotonic()
        self.call, self.gpu = "start of the round", None
        with suppress(OSError):
            os.write(self._process.stdin.fileno(), b"\n")  # type: ignore[union-attr]

    def _end(self, cause: str, detail: str) -> None:
        self.interruption = {"cause": cause, "call": self.call, "gpu": self.gpu, "detail": detail[:300]}
        if not self.over:
            self.kill()

    def _take(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        try:
            if len(self._rest) > _MAX_LINE_BYTES:
                raise ValueError
            for line in lines:
                self._line(json.loads(line))
        except (ValueError, KeyError, TypeError):
            self._end("died", "its answer is not understood")

    def _line(self, said: dict[str, Any]) -> None:
        self._call_began_s = time.monotonic()
        self.resting = "rest" in said
        if self.resting:
            return
        if "call" in said:
            self.call, self.gpu = clean(said["call"]), said.get("gpu")
        elif "end" in said:
            self._said_end = True
        else:
            self._hear(said)
