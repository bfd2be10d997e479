"""Who is inside: places for as many requests as the engine serves at once, a bounded queue, and how each one ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.engine.problems import GoneError, ProblemError
from appliance.measures import Window


class Counters:
    """Chat requests only; a question about health or tokens needs no place."""

    def __init__(self, parallel: int, queue_limit: int) -> None:
        self.parallel, self.queue_limit = parallel, queue_limit
        self.running = self.waiting = 0
        self.done = self.refused = self.failed = self.left = 0
        self.requests = Window()
        self._places = asyncio.Semaphore(parallel)

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Wait in turn for a place. Raises ProblemError 503 when too many wait already."""
        if self.waiting >= self.queue_limit and self._places.locked():
            raise ProblemError(
                503, "queue-full", "Busy", f"{self.running + self.waiting} requests are inside; try again later",
                retry_after_s=max(1, min(60, self.waiting // max(1, self.parallel))),
            )  # fmt: skip
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._places.release()

    def ended(self, error: BaseException | None, *, seconds: float = 0.0, made_s: float = 0.0, tokens: int = 0) -> None:
        """Count how a request ended. `tokens` were made in `made_s`, which the time in the queue is not a part of."""
        if error is None:
            self.done += 1
            self.requests.ended(seconds, made_s=made_s, tokens=tokens)
        elif isinstance(error, GoneError | OSError):
            self.left += 1
        elif isinstance(error, ProblemError) and (error.status < 500 or error.code == "queue-full"):
            self.refused += 1
        else:
            self.failed += 1
            self.requests.ended(seconds, failed=True)
