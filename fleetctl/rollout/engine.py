"""The engine of a rollout: decides, writes down, orders, and writes down how it ended; one process, under a lock.

One thread decides and writes; each step runs in a thread of its own and hands its result back. A process that is killed
leaves intents without outcomes, and the next one asks the boxes about them before it orders anything.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol
from uuid import uuid4

from fleetctl.errors import UnreachableError
from fleetctl.models.rollout import Plan, Stamp
from fleetctl.rollout.engine_orders import Orders
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_lock import Held
from fleetctl.rollout.journal_records import (
    LOOKS,
    Committed,
    Event,
    RolloutState,
    SiteRecord,
    SiteState,
    StepKind,
    StepOutcome,
)
from fleetctl.rollout.steps import Ordered, StepResult, Tools, perform
from fleetctl.rollout.steps_outcome import Applied, Pace, applied
from fleetctl.rollout.verdict import Decision, Order, Standing, decide, waited
from fleetctl.rollout.verdict_site import View, Windows, World

# Orders of operators and the lock are looked at that often; nothing else needs the store while nothing happens.
_LOOK_S = 1.0
# These may be begun again: what they have left is seen by looking.
WITHOUT_OPERATION = (StepKind.OFFER, StepKind.SEND, StepKind.CHECK)
ENDED_BEFORE = "the controller ended before it did"
_ENDED = frozenset({RolloutState.STOPPED, RolloutState.ABORTED, RolloutState.DONE})


class Sources(Protocol):
    """What the engine needs of the fleet, asked while it runs."""

    def tools(self, plan: Plan, site: str, target: Stamp, progress: Callable[[int], None]) -> Tools:
        """Everything for a step at one site. Called in the step's thread."""
        ...

    def windows(self, plan: Plan) -> tuple[Mapping[str, Windows], Mapping[str, Windows]]:
        """Activation and download windows by site; a site that is not in them is open at any time."""
        ...

    def held(self, plan: Plan) -> Mapping[str, str]:
        """Sites that an operator holds now, and why."""
        ...

    def pinned(self) -> Mapping[str, str]:
        """Sites that are pinned, and the release that each may have."""
        ...

    def revoked(self, plan: Plan) -> str:
        """Why the plan's release may not be rolled out any more; empty: it may."""
        ...

    def newest(self, plan: Plan, passed: set[str]) -> Stamp | None:
        """The newest approved release of the channel among those whose digest has passed its waves."""
        ...


@dataclass(frozen=True)
class Clocks:
    """`mono` measures durations; `utc` is for windows and for what people read."""

    utc: Callable[[], datetime] = lambda: datetime.now(UTC)
    mono: Callable[[], float] = monotonic


@dataclass(frozen=True)
class Ending:
    """Why the engine ended. `waits_for`: person, offline or empty; `interrupted`: it was told to stop."""

    state: RolloutState
    reason: str
    waits_for: str = ""
    interrupted: bool = False


def _in_a_thread(job: Callable[[], None]) -> None:
    # A daemon: a process that is told to end does not wait for a box that drains for half an hour.
    threading.Thread(target=job, daemon=True).start()


@dataclass
class Engine:
    """One rollout, controlled by this process. `stay`: it goes on while it waits for a person or an absent site.

    `spawn` begins a step beside the engine; `turn` is one decision, for who runs the engine step by step.
    """

    journal: Journal
    plan: Plan
    sources: Sources
    held: Held
    say: Callable[[str], None]
    pace: Pace = field(default_factory=Pace)
    clocks: Clocks = field(default_factory=Clocks)
    stay: bool = False
    operation: Callable[[], str] = lambda: uuid4().hex
    spawn: Callable[[Callable[[], None]], None] = _in_a_thread

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._results: queue.Queue[tuple[str, Ordered, StepResult | BaseException]] = queue.Queue()
        self._windows = self.sources.windows(self.plan)
        self._looked = float("-inf")
        self._world_kept: World | None = None
        self._load()

    def stop(self) -> None:
        """End soon: nothing new begins, what ends in time is written down, the rest is asked about at the resume."""
        self._stop.set()

    def run(self) -> Ending:
        """Until it is done, stopped, paused or only waits. Raises `StoreError` when the journal or the lock fails."""
        while True:
            ending = self.turn()
            if ending is not None:
                return ending
            self._wait()

    def turn(self) -> Ending | None:
        """Decide and order once; the end, where it has come."""
        self._drain()
        world = self._world()
        self._count(world)
        if self._stop.is_set():
            return self._interrupted()
        decision = self._decided(world)
        busy = any(view.live.busy for view in self.views.values())
        if busy or decision.orders:
            return None
        stays = self.stay and decision.state not in _ENDED
        if decision.state is RolloutState.DONE or (decision.waits_for and not stays):
            return Ending(decision.state, decision.reason, decision.waits_for)
        return None

    # --- what is known

    def _load(self) -> None:
        record, steps = self.journal.find(self.plan.id), self.journal.open_steps(self.plan.id)
        self.standing = Standing(record.state, record.wave)
        self.reason = record.reason
        self.views: dict[str, View] = {
            each.site: View(each, steps.get(each.site)) for each in self.journal.sites(self.plan.id)
        }
        self._orders = Orders(self.journal, self.plan)
        # Of rollouts before this one; they do not change while this one runs, but by another operator's.
        self._passed = self.journal.passed(self.plan.channel)
        self._counted_at = mono = self.clocks.mono()
        for site, view in self.views.items():
            if view.record.offline_since is not None:
                self.views[site] = replace(view, live=replace(view.live, offline_at=mono))
            if view.open is not None and view.open.kind in WITHOUT_OPERATION:
                self.journal.end(self.plan.id, view.open, view.record, StepOutcome.INTERRUPTED, ENDED_BEFORE,
                                 self.clocks.utc(), {})  # fmt: skip
                self.views[site] = replace(self.views[site], open=None)

    def _world(self) -> World:
        """Everything outside of the journal. Operators' orders are taken, and the lock is checked, once a second."""
        now, mono = self.clocks.utc(), self.clocks.mono()
        if self._world_kept is not None and mono - self._looked < _LOOK_S:
            return replace(self._world_kept, now=now, mono=mono)
        self.held.check()
        self._looked = mono
        wanted = self.journal.wanted(self.plan.id)
        busy = {site for site, view in self.views.items() if view.live.busy is not None}
        for record in self._orders.take(now, {site: view.record for site, view in self.views.items()}, busy):
            view = self.views[record.site]
            self.views[record.site] = replace(view, record=record, live=replace(view.live, ready_at=0.0))
        activation, download = self._windows
        self._world_kept = World(
            now, mono, activation, download, self.sources.held(self.plan),
            self.sources.pinned(), self.sources.revoked(self.plan),
            self.sources.newest(self.plan, self._passed) if self.standing.wave > 0 else None,
            self._orders.promoted, self._orders.countersigned, wanted, self.pace.offline_after_s,
        )  # fmt: skip
        return self._world_kept

    def _count(self, world: World) -> None:
        elapsed_s, self._counted_at = max(0.0, world.mono - self._counted_at), world.mono
        self.views = {site: waited(view, elapsed_s, world, self.standing.state) for site, view in self.views.items()}

    # --- what is decided

    def _decided(self, world: World) -> Decision:
        """Decide until nothing changes by itself any more, then begin what was ordered."""
        while True:
            decision = decide(self.plan, self.standing, list(self.views.values()), world)
            moves = (decision.state, decision.wave) != (self.standing.state, self.standing.wave)
            if not (decision.changes or decision.events or moves or decision.reason != self.reason):
                break
            self._write(decision, world)
            if not (decision.changes or decision.events):
                break
        for order in decision.orders:
            self._begin(order, world)
        return decision

    def _write(self, decision: Decision, world: World) -> None:
        events = list(decision.events)
        if decision.state is not self.standing.state:
            events.append(Event(decision.state.value, decision.reason or f"the rollout is {decision.state.value}"))
        self.journal.change(
            self.plan.id, world.now, "engine", records=decision.changes, events=events,
            values={"state": decision.state, "wave": decision.wave, "reason": decision.reason},
        )  # fmt: skip
        for record in decision.changes:
            view = self.views[record.site]
            self.views[record.site] = replace(view, record=record, live=replace(view.live, ready_at=0.0))
        self.standing = Standing(decision.state, decision.wave)
        self.reason = decision.reason
        for event in events:
            self._told(event)

    def _begin(self, order: Order, world: World) -> None:
        """Write the intent down, then let a thread do it."""
        view, opened = self.views[order.site], None
        record, operation = view.record, ""
        if order.kind not in LOOKS:
            operation = record.again.get(order.kind.value) or self.operation()
            states = {StepKind.SEND: SiteState.SENDING, StepKind.ACTIVATE: SiteState.ACTIVATING}
            again = {kind: value for kind, value in record.again.items() if kind != order.kind.value}
            state = states.get(order.kind, record.state)
            since = record.since if state is record.state else world.now
            record = record.model_copy(update={"again": again, "state": state, "since": since})
            opened = self.journal.intend(self.plan.id, record, order.kind, operation, world.now,
                                         {"why": order.why, **order.facts})  # fmt: skip
            self.say(f"{order.site}: {order.kind.value}")
        step = Ordered(order.kind, record, operation, order.not_after, opened or view.open, order.why)
        self.views[order.site] = View(record, opened or view.open, replace(view.live, busy=order.kind))
        self.spawn(lambda: self._perform(order.site, step))

    def _perform(self, site: str, step: Ordered) -> None:
        """In a thread. Whatever comes of it reaches the engine; a fault of ours ends it there."""
        found: StepResult | BaseException
        try:
            try:
                tools = self.sources.tools(self.plan, site, step.record.target, lambda sent: None)
            except UnreachableError as problem:
                found = StepResult(StepOutcome.UNKNOWN, problem.message)
            else:
                found = perform(step, tools)
        except BaseException as problem:
            found = problem
        self._results.put((site, step, found))

    # --- what came of it

    def _drain(self) -> None:
        while True:
            try:
                site, step, found = self._results.get_nowait()
            except queue.Empty:
                return
            if isinstance(found, BaseException):
                raise found
            self._ended(site, step, found)

    def _ended(self, site: str, step: Ordered, result: StepResult) -> None:
        """Write down how a step ended, before anything else follows from it."""
        now, view = self.clocks.utc(), self.views[site]
        world = World(now, self.clocks.mono())
        after = applied(view, step.kind, result, world, self.pace)
        closes = after.ends and view.open is not None and step.kind not in (StepKind.WATCH, StepKind.ASK)
        if closes and view.open is not None:
            outcome = result.outcome if step.kind is StepKind.SETTLE else after.outcome
            self.journal.end(self.plan.id, view.open, after.record, outcome, result.reason, now, result.facts,
                             after.events, committed=self._committed(after, result, now))  # fmt: skip
        elif after.record != view.record or after.events:
            self.journal.change(self.plan.id, now, "engine", records=[after.record], events=after.events)
        self.views[site] = View(after.record, None if closes else view.open, after.live)
        if after.record.state is not view.record.state:
            self.say(f"{site}: {after.record.state.value}: {after.record.reason}")
        for event in after.events:
            if event.kind in ("offline", "returned"):
                self._told(event)

    def _committed(self, after: Applied, result: StepResult, now: datetime) -> Committed | bool | None:
        record = after.record
        if after.switched:
            target = record.target
            return Committed(record.site, target.name, target.digest, target.sequence, self.plan.id, now)
        if not after.back or result.status is None:
            return False
        active = result.status.active
        if active is None or active.release is None or active.digest is None:
            return None
        return Committed(record.site, active.release, active.digest, max(1, active.sequence), self.plan.id, now)

    def _told(self, event: Event) -> None:
        self.say(f"{event.site}: {event.kind}: {event.text}" if event.site else f"{event.kind}: {event.text}")

    def _wait(self) -> None:
        """Until a step ends, or it is time to look again."""
        try:
            site, step, found = self._results.get(timeout=_LOOK_S)
        except queue.Empty:
            return
        self._results.put((site, step, found))

    def _interrupted(self) -> Ending:
        """What ends within a moment is written down; what goes on is left to the box and the next controller."""
        records: list[SiteRecord] = [view.record for view in self.views.values() if not view.record.settled]
        if records:
            self.journal.change(self.plan.id, self.clocks.utc(), "engine", records=records,
                                events=[Event("interrupted", "the controller was told to end")])  # fmt: skip
        return Ending(self.standing.state, "the controller was told to end", interrupted=True)
