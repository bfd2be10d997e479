"""Runs the process that asks the driver, and waits only so long: for each call, and for all of them together.

A call into a stuck driver may sit in the kernel where no signal reaches it. So a child does the asking, and one that
does not die when it is killed is left behind: it holds nothing but its own pipes, and its parent goes on.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from appliance.gpu import child
from appliance.gpu.child import clean

_SIGNALS = {each.value: each.name for each in signal.Signals}
_KILLED_WITHIN_S = 1.0
_PIECE_BYTES = 65536
# All rows of 64 GPUs are some 300 KiB. A child that writes more is no child of ours.
_MAX_BYTES = 4 * 1024 * 1024
_LAST_WORDS_BYTES = 2000

Cause = Literal["stuck", "slow", "died"]


@dataclass
class Answers:
    """What the child said: (row, GPU or None) → answer, and why it ended early, shaped like the contract's."""

    rows: dict[tuple[str, int | None], dict[str, Any]] = field(default_factory=dict)
    interruption: dict[str, Any] | None = None


def child_argv(max_gpus: int) -> list[str]:
    """Return how the child is started: isolated (-I), since root runs it and no folder of a caller may shadow a module.

    It is told where this package is, which on the box is no folder that Python looks into by itself.
    """
    program = Path(child.__file__).absolute()
    return [sys.executable, "-I", str(program), str(program.parents[2]), str(max_gpus)]


def ask_driver(argv: Sequence[str], *, call_limit_s: float, reading_limit_s: float) -> Answers:
    """Run the child to its end, or until a limit passes. Raises OSError if it cannot be started."""
    reader = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    try:
        return _Listener(reader, call_limit_s, reading_limit_s).listen()
    finally:
        reader.kill()
        with suppress(subprocess.TimeoutExpired):
            reader.wait(_KILLED_WITHIN_S)
        for pipe in (reader.stdout, reader.stderr):
            if pipe:
                pipe.close()


class _Listener:
    """Takes the child's lines until it ends or a limit passes."""

    def __init__(self, reader: "subprocess.Popen[bytes]", call_limit_s: float, reading_limit_s: float) -> None:
        self._reader = reader
        self._call_limit_s = call_limit_s
        self._ends_s = time.monotonic() + reading_limit_s
        self._reading_limit_s = reading_limit_s
        self._call, self._gpu = "start of the reader", None
        # Until the first call the child only starts Python, which is no call and has the whole reading's time.
        self._call_ends_s = self._ends_s
        self._answers = Answers()
        self._ended = False
        self._buffer, self._taken, self._last_words = b"", 0, b""

    def listen(self) -> Answers:
        with selectors.DefaultSelector() as selector:
            for pipe in (self._reader.stdout, self._reader.stderr):
                selector.register(pipe, selectors.EVENT_READ)  # type: ignore[arg-type]
            while selector.get_map():
                wait_s = min(self._call_ends_s, self._ends_s) - time.monotonic()
                ready = selector.select(max(0.0, wait_s))
                # An answer that is there by now counts, unless the whole reading's time is over.
                if wait_s <= 0 and (not ready or self._ends_s <= time.monotonic()):
                    return self._out_of_time()
                for key, _ in ready:
                    piece = os.read(key.fd, _PIECE_BYTES)
                    if not piece:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._reader.stderr:
                        self._last_words = (self._last_words + piece)[-_LAST_WORDS_BYTES:]
                    elif problem := self._take(piece):
                        return self._interrupted("died", problem)
                if self._ended:  # all was said; leaving the driver may hang too, and is nobody's concern
                    return self._answers
        return self._interrupted("died", self._how_it_died())

    def _take(self, piece: bytes) -> str:
        """Take what the child wrote; returns what is wrong with it."""
        self._taken += len(piece)
        if self._taken > _MAX_BYTES:
            return "it wrote more than a reading holds"
        *lines, self._buffer = (self._buffer + piece).split(b"\n")
        try:
            for line in lines:
                self._line(json.loads(line))
        except (ValueError, KeyError, TypeError):
            return "its answer is not understood"
        return ""

    def _line(self, said: dict[str, Any]) -> None:
        if "call" in said:
            self._call, self._gpu = said["call"], said["gpu"]
            self._call_ends_s = time.monotonic() + self._call_limit_s
        elif "row" in said:
            self._answers.rows[said["row"], said["gpu"]] = said["answer"]
        else:
            self._ended = True

    def _out_of_time(self) -> Answers:
        if self._call_ends_s < self._ends_s:
            return self._interrupted("stuck", f"no answer within {self._call_limit_s:g} s")
        return self._interrupted("slow", f"the whole reading took longer than {self._reading_limit_s:g} s")

    def _how_it_died(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._reader.wait(_KILLED_WITHIN_S)
        code = self._reader.returncode
        words = clean(self._last_words.decode(errors="replace").strip().rpartition("\n")[2])
        if code is not None and code < 0:
            how = f"the reading process was ended by {_SIGNALS.get(-code, f'signal {-code}')}"
        else:
            how = f"the reading process ended with {code}"
        return f"{how}: {words}" if words else how

    def _interrupted(self, cause: Cause, detail: str) -> Answers:
        self._answers.interruption = {"cause": cause, "call": self._call, "gpu": self._gpu, "detail": detail}
        return self._answers
