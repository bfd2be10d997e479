"""The poller: asks many sites for their health at once, over the road that can only read."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fleetctl.models.site import Site
from fleetctl.remote.poll_answer import Answer, SeenBefore, Trust, believed
from fleetctl.remote.poll_exchange import Exchange
from fleetctl.remote.poll_limits import Backoff, Limits, raise_file_limit
from fleetctl.remote.poll_outcome import Observation, Outcome, PollError
from fleetctl.remote.poll_tls import Sessions
from fleetctl.remote.poll_ways import connect, where

if TYPE_CHECKING:
    import ssl

Heard = Callable[[Observation], None]


@dataclass
class _Silence:
    """A site that gave no answer: how often in a row, when it is asked again, and what was seen last."""

    failures: int
    not_before_s: float
    last: Observation


class Poller:
    """Rounds of questions. Sessions, backed-off sites and what was seen last are kept from one round to the next.

    `trust` knows the pinned keys; `seen` what an earlier process saw, so that a replayed snapshot shows at once.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        trust: Trust,
        *,
        seen: Mapping[str, SeenBefore] | None = None,
        limits: Limits | None = None,
        backoff: Backoff | None = None,
        keep_sessions: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._trust = context, trust
        self._limits, self._backoff = limits or Limits(), backoff or Backoff()
        self._sessions = Sessions() if keep_sessions else None
        self._seen: dict[str, SeenBefore] = dict(seen or {})
        self._silent: dict[str, _Silence] = {}
        self._now, self._clock = now, clock

    def remember(self, seen: Mapping[str, SeenBefore]) -> None:
        """Add what was seen of sites of which this poller has seen nothing itself."""
        for site, before in seen.items():
            self._seen.setdefault(site, before)

    async def round(
        self,
        sites: Sequence[Site],
        *,
        everyone: bool = False,
        heard: Heard | None = None,
        forwarded: Mapping[str, Path] | None = None,
    ) -> list[Observation]:
        """One observation of each site, in the order given; `heard` gets each as soon as it is there.

        A backed-off site is left alone unless `everyone`. Nothing of a site is raised: every failure is an outcome.
        """
        turn = _Round(
            self,
            asyncio.Semaphore(raise_file_limit(self._limits.open_connections)),
            asyncio.Semaphore(self._limits.conversations),
            forwarded or {},
        )
        tasks = []
        for site in sites:
            silence = self._silent.get(site.name)
            wait = not everyone and silence is not None and self._clock() < silence.not_before_s
            tasks.append(asyncio.ensure_future(self._waiting(silence) if wait and silence else turn.observe(site)))
        if heard is not None:
            for task in tasks:
                task.add_done_callback(lambda done: None if done.cancelled() else heard(done.result()))
        if not tasks:
            return []
        try:
            _, late = await asyncio.wait(tasks, timeout=self._limits.total_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        return [
            self._not_asked(site) if task.cancelled() else task.result()
            for site, task in zip(sites, tasks, strict=True)
        ]

    async def _waiting(self, silence: _Silence) -> Observation:
        return replace(silence.last, asked=False)

    def _not_asked(self, site: Site) -> Observation:
        return Observation(
            site.name, self._now(), Outcome.NOT_ASKED, f"{self._limits.total_s:g} s for the whole fleet", 0.0
        )

    def _settle(self, observation: Observation) -> Observation:
        """Remember what the next round needs, and say when a silent site is asked again."""
        name = observation.site
        if observation.snapshot is not None and observation.answered:
            self._seen[name] = SeenBefore.after(self._seen.get(name), observation.snapshot)
        if observation.answered or observation.outcome is Outcome.NOT_ASKED:
            self._silent.pop(name, None)
            return observation
        earlier = self._silent.get(name)
        failures = (earlier.failures if earlier else 0) + 1
        wait_s = self._backoff.wait_s(failures)
        settled = replace(observation, failures=failures, next_ask_at=observation.at + timedelta(seconds=wait_s))
        self._silent[name] = _Silence(failures, self._clock() + wait_s, settled)
        return settled


@dataclass(frozen=True)
class _Round:
    """The places of one round: sockets that are open, and sites that are spoken to."""

    poller: Poller
    sockets: asyncio.Semaphore
    places: asyncio.Semaphore
    forwarded: Mapping[str, Path]

    async def observe(self, site: Site) -> Observation:
        poller, limits = self.poller, self.poller._limits
        if limits.spread_s:
            await asyncio.sleep(random.uniform(0, limits.spread_s))  # noqa: S311 (no secret)
        async with self.sockets:
            at, started_s = poller._now(), poller._clock()
            try:
                body = await self._ask(site)
                answer = believed(body, site.name, poller._trust, poller._seen.get(site.name), poller._now())
            except PollError as problem:
                answer = Answer(problem.outcome, f"{where(site)}: {problem.detail}")
                if poller._sessions is not None:
                    poller._sessions.forget(site.name)
            took_ms = (poller._clock() - started_s) * 1000
        return poller._settle(
            Observation(
                site.name, at, answer.outcome, answer.detail, took_ms, answer.snapshot, answer.body, answer.signature
            )
        )

    async def _ask(self, site: Site) -> bytes:
        poller, limits = self.poller, self.poller._limits
        wire = await connect(site, limits.connect_s, self.forwarded)
        try:
            await self.places.acquire()
            # A site that does not answer must not keep the others waiting: it gives its place back and stays connected.
            place = _Place(self.places)
            timer = asyncio.get_running_loop().call_later(limits.turn_s, place.leave)
            try:
                session = poller._sessions.of(site.name) if poller._sessions else None
                exchange = Exchange(poller._context, site.name, poller._trust.path(site.name), session)
                wire.begin(exchange)
                async with asyncio.timeout(limits.deadline_s):
                    body = await wire.answer
                if poller._sessions is not None:
                    poller._sessions.keep(site.name, exchange.tls)
                return body
            except TimeoutError:
                raise PollError(Outcome.TOO_SLOW, f"no whole answer in {limits.deadline_s:g} s") from None
            finally:
                timer.cancel()
                place.leave()
        finally:
            wire.abort()


class _Place:
    """One place of a semaphore, given back once."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places: asyncio.Semaphore | None = places

    def leave(self) -> None:
        if self._places is not None:
            self._places.release()
            self._places = None


def poll(
    poller: Poller, sites: Sequence[Site], heard: Heard | None = None, forwarded: Mapping[str, Path] | None = None
) -> list[Observation]:
    """One round over all `sites` from code that is not asynchronous. Ctrl-C ends it as `KeyboardInterrupt`."""
    with suppress(ImportError):
        import uvloop

        return uvloop.run(poller.round(sites, everyone=True, heard=heard, forwarded=forwarded))
    return asyncio.run(poller.round(sites, everyone=True, heard=heard, forwarded=forwarded))
