"""Stderr that may be lost: a terminal that is gone, a pipe that its reader has closed, a full disk, or none (`2>&-`).

What a command says there is for a person, who may have left. No work ends because of it, and no lock or journal is left
open: stdout and the exit code still tell what came of it.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any

_LAST_STANDARD = 2


class Words(io.RawIOBase):
    """Stderr's bytes; what cannot be written is dropped."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, content: Any) -> int:
        with suppress(OSError):
            return os.write(self._descriptor, content)
        return len(content)


def lenient() -> None:
    """Put `Words` below `sys.stderr`, which keeps its encoding; one that was closed leads nowhere.

    The numbers 0 to 2 are taken first where the caller has closed them: else the next file that we or a child of ours
    open gets one, and what a library says on its stderr is written into that file.
    """
    while (taken := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD:
        os.set_inheritable(taken, True)
    os.close(taken)
    old = sys.stderr
    with suppress(OSError, AttributeError):  # without a stderr Python has None here
        old.flush()
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(Words(_LAST_STANDARD if old is None else old.fileno())),
        encoding="utf-8" if old is None else old.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )
