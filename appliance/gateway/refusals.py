"""Refusals as entries of the audit log: the first at once, what repeats it by count, an outsider's by count alone.

Whoever is refused must not be able to fill the log: within a minute, identical refusals of one actor are one entry and
a count that follows, and one actor gets so many different entries at most. Nobody knows who is behind a bad token, and
all of them come through one listener, so these get one entry a quarter of an hour, with how many there were and why.
"""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from appliance.contract.audit import Actor
from appliance.gateway.threads import to_its_end
from appliance.gateway.trail import APPLIANCE, Act, Trail
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")

WINDOW_S = 60.0
MAX_DIFFERENT = 60
"""Different refusals of one actor within a window that get entries of their own; a person clicks less than that."""
OUTSIDE_S = 900.0
_FLUSH_S = 15.0


@dataclass(frozen=True)
class Refusal:
    """Who was refused what, and why. Two that are equal are repetitions."""

    actor: Actor
    event: str
    reason: str
    action: str | None = None
    encounter: str | None = None
    subject: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict, compare=False)

    def act(self, times: int) -> Act:
        """Return it as the log takes it."""
        return Act(
            self.event, self.encounter, self.subject, outcome="refused", reason=self.reason, action=self.action,
            numbers={**self.numbers, "times": times},
        )  # fmt: skip


@dataclass
class _Window:
    begun: float
    durable: Future[None] = field(default_factory=Future)
    more: int = 0


class Refusals:
    """Writes and counts. Safe to use from several threads. `clock` gives seconds that never go back."""

    def __init__(self, trail: Trail, clock: Callable[[], float] = time.monotonic) -> None:
        self._trail, self._clock = trail, clock
        self._lock = threading.Lock()
        self._windows: dict[Refusal, _Window] = {}
        self._different: dict[Actor, tuple[float, int]] = {}
        self._outside: Counter[str] = Counter()
        self._outside_since = 0.0
        self._task: asyncio.Task[None] | None = None

    def note(self, refusal: Refusal) -> None:
        """Return when it is on record: an entry, or counted behind the entry of the same. Raises ProblemError 503."""
        with self._lock:
            now = self._clock()
            refusal = self._bounded(refusal, now)
            window = self._windows.get(refusal)
            first = window is None or now - window.begun >= WINDOW_S
            if window is None or first:
                before, window = window, _Window(now)
                self._windows[refusal] = window
            else:
                before = None
                window.more += 1
        if not first:
            window.durable.result()
            return
        try:
            if before is not None and before.more:
                self._trail.append(refusal.actor, refusal.act(before.more))
            self._trail.append(refusal.actor, refusal.act(1))
        except BaseException as error:
            with self._lock:
                self._windows.pop(refusal, None)
            window.durable.set_exception(error)
            raise
        window.durable.set_result(None)

    def _bounded(self, refusal: Refusal, now: float) -> Refusal:
        """Return the refusal, or after too many different ones the one that stands for the rest of this actor's."""
        if refusal in self._windows:
            return refusal
        since, count = self._different.get(refusal.actor, (now, 0))
        if now - since >= WINDOW_S:
            since, count = now, 0
        self._different[refusal.actor] = since, count + 1
        return refusal if count < MAX_DIFFERENT else Refusal(refusal.actor, "access.refused", "too-many-refusals")

    def outsider(self, code: str) -> int:
        """Count somebody whom nobody knows; return how many there were since the last entry about them."""
        with self._lock:
            if not self._outside:
                self._outside_since = self._clock()
            self._outside[code] += 1
            return self._outside.total()

    def flush(self, *, everything: bool = False) -> None:
        """Write the counts whose time is over. Raises ProblemError 503; what was not written stays counted."""
        with self._lock:
            now = self._clock()
            over = [(one, it) for one, it in self._windows.items() if everything or now - it.begun >= WINDOW_S]
            for refusal, _ in over:
                del self._windows[refusal]
            for actor in [one for one, (since, _) in self._different.items() if now - since >= WINDOW_S]:
                del self._different[actor]
            outside = Counter[str]()
            if self._outside and (everything or now - self._outside_since >= OUTSIDE_S):
                outside, self._outside = self._outside, outside
        try:
            while over:
                refusal, window = over[-1]
                if window.more:
                    self._trail.append(refusal.actor, refusal.act(window.more))
                over.pop()
            if outside:
                self._trail.append(
                    APPLIANCE, Act("access.unauthenticated", outcome="refused", numbers=dict(outside))
                )  # fmt: skip
        except BaseException:
            with self._lock:
                for refusal, window in over:
                    there = self._windows.setdefault(refusal, window)
                    there.more += window.more if there is not window else 0
                self._outside += outside
            raise

    def start(self) -> None:
        """Begin to look for counts whose time is over."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what is counted, and end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await asyncio.to_thread(self._try, everything=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            await to_its_end(self._try)

    def _try(self, *, everything: bool = False) -> None:
        try:
            self.flush(everything=everything)
        except ProblemError as problem:
            log.error("refusals: %s; their counts are kept in memory", problem.code)
