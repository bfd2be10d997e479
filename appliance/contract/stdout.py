"""Stdout that can fail: a full disk behind it, a pipe that its reader has closed, or none at all (`>&-`).

Every command of `fleetctl` and `appliancectl` writes to `sys.stdout`. What goes wrong there is seen here alone, and
ends the command as a signal would: the stack unwinds, so that locks and temporary folders go, and no handler of a
command's own errors takes it for one.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from appliance.contract.stderr import lenient

BROKEN_PIPE = 128 + signal.SIGPIPE  # as shells report it of any program
FAILED = 1


class OutputLost(SystemExit):
    """What was to be written to stdout did not get there."""


class Output(io.RawIOBase):
    """Stdout's bytes. `problem`: what the first write that failed met with."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._dropped = False
        self.problem: OSError | None = None

    @property
    def exit_code(self) -> int:
        """Of a command whose output was lost."""
        closed = self.problem is not None and self.problem.errno == errno.EPIPE
        return BROKEN_PIPE if closed else FAILED

    @property
    def words(self) -> str:
        """For a person; empty where nothing was lost, or where nobody wants to read on: that is quiet everywhere."""
        if self.problem is None or self.problem.errno == errno.EPIPE:
            return ""
        return (
            f"error: stdout: {self.problem.strerror}; what was written there is not whole\n"
            "  hint: make room or choose another place, then ask again; what the command has changed stays changed"
        )

    def drop(self) -> None:
        """From now on nothing is written: what the buffers hold would only fail again at the end of the process."""
        self._dropped = True

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        if self._descriptor is None:
            raise io.UnsupportedOperation("stdout is closed")
        return self._descriptor

    def isatty(self) -> bool:
        return self._descriptor is not None and os.isatty(self._descriptor)

    def write(self, content: Any) -> int:
        if self._dropped:
            return len(content)
        try:
            if self._descriptor is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            return os.write(self._descriptor, content)
        except OSError as problem:
            self.problem = self.problem or problem
            raise OutputLost(self.exit_code) from None


def watched() -> Output:
    """Put an `Output` below `sys.stdout`, which keeps its encoding and the way it is buffered."""
    old = sys.stdout
    if not isinstance(old, io.TextIOWrapper):  # None: it was closed by who called
        output = Output(None)
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(output), encoding="utf-8")
        return output
    old.flush()
    output = Output(old.fileno())
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(output),
        encoding=old.encoding,
        errors=old.errors,
        line_buffering=old.line_buffering,
        write_through=old.write_through,
    )
    return output


def tell(write: Callable[[], object]) -> None:
    """Say how far work has come, that must not end in its middle because nobody listens any more: it goes on.

    Args:
        write: Prints the words, to stdout or stderr. What is lost of stdout is still seen by `written`.
    """
    with suppress(OSError, OutputLost):
        write()


def written(run: Callable[[], int], say: Callable[[str], None]) -> int:
    """Run the process' command with its stdout watched and its stderr lenient; its exit code, or the one of an output
    that was lost.

    Args:
        run: The command. What it printed is whole only where it returns; a SystemExit goes through and drops the rest.
            Where its work went on without a listener, a failure of its own is told before the loss.
        say: Puts words on stderr.
    """
    lenient()
    output = watched()
    code = 0
    try:
        code = run()
        sys.stdout.flush()
    except OutputLost:
        pass  # `output` knows of it
    finally:
        output.drop()
    if output.problem is None:
        return code
    if output.words:
        say(output.words)
    return code or output.exit_code
