"""One worker behind a bounded queue: how many requests may be inside at once, and how each of them ends."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from appliance.problems import ProblemError

T = TypeVar("T")
_FIRST_GUESS_S = 20.0


class StoppedError(Exception):
    """The work is no longer wanted: its client went away, or its time was over."""


class Slot:
    """The right to be inside. Its request and its work both hold it; the last one that leaves gives it back."""

    def __init__(self, give_back: Callable[[], None], step: Callable[[], None] = lambda: None) -> None:
        self._give_back, self._step = give_back, step
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._holders = 1
        self._at_end: list[Callable[[], None]] = []

    def stop(self) -> None:
        """Ask the work to end at its next step."""
        self._stopped.set()

    def check(self) -> None:
        """Raise StoppedError when the work should end. Called by the work itself, at each of its steps."""
        self._step()
        if self._stopped.is_set():
            raise StoppedError

    @property
    def in_work(self) -> bool:
        """Whether somebody besides its request holds it."""
        return self._holders > 1

    def at_end(self, act: Callable[[], None]) -> None:
        """Do this when the place is given back: nobody uses what the work was made of any more."""
        self._at_end.append(act)

    def hold(self) -> None:
        """Take part in the slot."""
        with self._lock:
            self._holders += 1

    def leave(self) -> None:
        """Stop holding it. Called from the event loop and from the worker's thread, in either order."""
        with self._lock:
            self._holders -= 1
            last = self._holders == 0
        if last:
            for act in self._at_end:
                act()
            self._give_back()


class Worker:
    """Runs work one after the other in a thread of its own; `limit` more may wait."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.inside = 0
        self.done = self.refused = self.failed = 0
        self._typical_s = _FIRST_GUESS_S
        self._started: float | None = None
        self._stepped = 0.0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="transcribe")

    def silent_for_s(self) -> float:
        """Return how long the present work has not taken a step; 0 when there is none. Long work is no hung work."""
        started = self._started
        return 0.0 if started is None else time.monotonic() - max(started, self._stepped)

    def _step(self) -> None:
        self._stepped = time.monotonic()

    async def left(self, slot: Slot) -> None:
        """Wait until the work has let go of the slot: what it was made of may be freed."""
        while slot.in_work:
            await asyncio.sleep(0.01)

    @contextmanager
    def admit(self, *, reserved: bool = False) -> Iterator[Slot]:
        """Take a place, before the body of the request is read. Raises ProblemError 503 when all are taken.

        `reserved`: its place was counted when it began (a live stream), so it waits whatever the queue holds.
        """
        with self._lock:
            if self.inside > self.limit and not reserved:
                self.refused += 1
                wait_s = max(1, min(600, round(self.inside * self._typical_s)))
                raise ProblemError(
                    503,
                    "queue-full",
                    "Busy",
                    f"{self.inside} recordings are waiting or in work; try again in {wait_s} s",
                    retry_after_s=wait_s,
                )
            self.inside += 1
        slot = Slot(self._leave, self._step)
        try:
            yield slot
        finally:
            # While the thread still works on it, its memory is in use: then the thread gives the place back.
            slot.stop()
            slot.leave()

    def _leave(self) -> None:
        with self._lock:
            self.inside -= 1

    async def run(self, slot: Slot, work: Callable[[], T], *, timeout_s: float) -> T:
        """Run `work` in its turn. Raises ProblemError 504 when it did not end in time; its thread then stops soon."""

        def timed() -> T:
            self._started = time.monotonic()
            try:
                slot.check()
                return work()
            finally:
                self._typical_s += 0.3 * (time.monotonic() - self._started - self._typical_s)
                self._started = None

        slot.hold()
        future = self._pool.submit(timed)
        # Also called when the future is cancelled before its turn came.
        future.add_done_callback(lambda _: slot.leave())
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise ProblemError(
                504, "deadline", "Not done in time", f"the recording was not transcribed within {timeout_s:g} s"
            ) from None

    def close(self) -> None:
        """Take no more work and wait for what runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)
