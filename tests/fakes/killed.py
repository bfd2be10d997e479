"""Kills a piece of work at the n-th place where it makes something durable. SIGKILL: nothing is cleaned up."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def killed_at(turn: int, run: Callable[[], object]) -> bool:
    """Run it in a child that is killed before its `turn`-th fsync (from 0). Returns whether it was."""
    child = os.fork()
    if child == 0:
        left, real = turn, os.fsync

        def sync(descriptor: int) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            real(descriptor)

        os.fsync = sync
        try:
            run()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
