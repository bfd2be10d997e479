"""A deadline that a busy machine does not shorten: it counts in ticks, and one tick passes at most each time we look.

Were it wall time, a loop that was held up by a thousand handshakes would find every timer due at once, and call sites
offline whose answers already wait in the kernel.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

_TICKS = 8


class Deadline:
    """`async with Deadline(s)`: raises TimeoutError after `s` seconds in which the loop was running freely, or more."""

    def __init__(self, seconds: float) -> None:
        self._tick_s = seconds / _TICKS
        self._left = _TICKS
        self._expired = False
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cancelling = 0

    async def __aenter__(self) -> Deadline:
        self._task = asyncio.current_task()
        if self._task is None:
            raise RuntimeError("a deadline is for a task")
        self._cancelling = self._task.cancelling()
        self._arm()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._expired or self._task is None:
            return
        ours = self._task.uncancel() <= self._cancelling
        if ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._tick)

    def _tick(self) -> None:
        self._left -= 1
        if self._left > 0:
            self._arm()
        elif self._task is not None:
            self._expired = True
            self._task.cancel()
