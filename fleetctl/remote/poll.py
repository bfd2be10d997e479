"""The poller: asks many sites for their health at once, over the road that can only read."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fleetctl.models.site import Site
from fleetctl.remote.poll_answer import Answer, SeenBefore, Trust, believed
from fleetctl.remote.poll_exchange import Exchange
from fleetctl.remote.poll_limits import Backoff, Limits, raise_file_limit
from fleetctl.remote.poll_outcome import Observation, Outcome, PollError
from fleetctl.remote.poll_patience import Deadline
from fleetctl.remote.poll_tls import Sessions
from fleetctl.remote.poll_ways import connect, where
from fleetctl.remote.poll_wire import Wire

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

    `trust` knows the pinned keys; `recall` gives what an earlier process saw, so that a replayed snapshot shows at
    once, and is called when the first answer comes. `keep` is for who asks again and again: TLS sessions and open
    connections stay until `close`.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        trust: Trust,
        *,
        recall: Callable[[], Mapping[str, SeenBefore]] | None = None,
        limits: Limits | None = None,
        backoff: Backoff | None = None,
        keep: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._trust = context, trust
        self._limits, self._backoff = limits or Limits(), backoff or Backoff()
        self._sessions = Sessions() if keep else None
        self._wires: dict[str, Wire] = {}
        self._recall = recall
        self._seen: dict[str, SeenBefore] = {}
        self._silent: dict[str, _Silence] = {}
        self._now, self._clock = now, clock

    def close(self) -> None:
        """Close the connections that were kept. Call it in the loop that they belong to."""
        for wire in self._wires.values():
            wire.abort()
        self._wires.clear()

    def _before(self, site: str) -> SeenBefore | None:
        if self._recall is not None:
            self._seen, self._recall = dict(self._recall()), None
        return self._seen.get(site)

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
            asyncio.Semaphore(self._sockets()),
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

    def _sockets(self) -> int:
        """How many sites may be spoken to at a time, beside the connections that are kept."""
        kept = self._limits.kept_open if self._sessions is not None else 0
        return max(1, raise_file_limit(self._limits.open_connections + kept) - kept)

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
            spent = _Spent()
            try:
                body = await self._ask(site, spent)
                answer = believed(body, site.name, poller._trust, poller._before(site.name), poller._now())
            except PollError as problem:
                answer = Answer(problem.outcome, f"{where(site)}: {problem.detail}")
            except Exception as problem:
                # What one site sends must never take the others off the screen, whatever it makes of our parsers.
                answer = Answer(Outcome.GARBAGE, f"{where(site)}: not to be judged: {type(problem).__name__}")
            if answer.outcome is not Outcome.ANSWERED:
                self._forget(site.name)
            took_ms = (poller._clock() - started_s - spent.waiting_s) * 1000
        return poller._settle(
            Observation(
                site.name, at, answer.outcome, answer.detail, took_ms, answer.snapshot, answer.body, answer.signature
            )
        )

    async def _ask(self, site: Site, spent: _Spent) -> bytes:
        kept = self.poller._wires.pop(site.name, None)
        if kept is not None and kept.idle:
            try:
                return await self._converse(site, kept, spent)
            except PollError as problem:
                # The server may close an idle connection at any moment: that says nothing about the site.
                if problem.outcome is not Outcome.CUT_OFF:
                    raise
        wire = await connect(site, self.poller._limits.connect_s, self.forwarded)
        return await self._converse(site, wire, spent)

    async def _converse(self, site: Site, wire: Wire, spent: _Spent) -> bytes:
        """Ask over an open connection. It is kept for the next round where this poller keeps any."""
        poller, limits = self.poller, self.poller._limits
        keep, fresh = False, wire.exchange is None
        try:
            waiting_since_s = poller._clock()
            await self.places.acquire()
            spent.waiting_s += poller._clock() - waiting_since_s
            # A site that does not answer must not keep the others waiting: it gives its place back and stays connected.
            place = _Place(self.places)
            timer = asyncio.get_running_loop().call_later(limits.turn_s, place.leave)
            try:
                self._speak(site, wire)
                async with Deadline(limits.deadline_s):
                    body = await wire.answer
            except TimeoutError:
                raise PollError(Outcome.TOO_SLOW, f"no whole answer in {limits.deadline_s:g} s") from None
            finally:
                timer.cancel()
                place.leave()
            if poller._sessions is not None and wire.exchange is not None:
                if fresh:
                    poller._sessions.keep(site.name, wire.exchange.tls)
                keep = len(poller._wires) < limits.kept_open
            return body
        finally:
            if keep:
                poller._wires[site.name] = wire
            else:
                wire.abort()

    def _speak(self, site: Site, wire: Wire) -> None:
        poller = self.poller
        if wire.exchange is not None:
            wire.again()
            return
        session = poller._sessions.of(site.name) if poller._sessions else None
        wire.begin(Exchange(poller._context, site.name, poller._trust.path(site.name), session))

    def _forget(self, site: str) -> None:
        """After anything but a good answer the next question begins with a whole handshake."""
        if self.poller._sessions is not None:
            self.poller._sessions.forget(site)
        if wire := self.poller._wires.pop(site, None):
            wire.abort()


@dataclass
class _Spent:
    """Seconds in which a site waited for us and not we for it."""

    waiting_s: float = 0.0


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
    return asyncio.run(poller.round(sites, everyone=True, heard=heard, forwarded=forwarded))
