"""Controls a rollout from this process: takes the lock, runs the engine, and ends well when it is told to."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType
from typing import Any, Literal

from fleetctl.errors import LockHeldError, RefusedError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.rollout import Plan
from fleetctl.rollout.engine import ENDED_BEFORE, WITHOUT_OPERATION, Clocks, Ending, Engine, Sources
from fleetctl.rollout.engine_orders import Orders, order_rollback
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_lock import controlling, holder
from fleetctl.rollout.journal_records import Event, RolloutRecord, RolloutState, SiteRecord, SiteState, StepOutcome
from fleetctl.rollout.steps_outcome import Pace
from fleetctl.rollout.verdict import Standing, waits_for
from fleetctl.rollout.verdict_site import View, World
from fleetctl.store.database import Database
from fleetctl.store.open import store_url

INTERRUPTED = 130


@dataclass(frozen=True)
class Control:
    """How a rollout is controlled. `reach` opens the ways to the sites."""

    actor: str
    say: Callable[[str], None]
    reach: Callable[[], AbstractContextManager[Sources]]
    pace: Pace = field(default_factory=Pace)
    clocks: Clocks = field(default_factory=Clocks)
    stay: bool = False


@contextmanager
def opened_journal(fleetdir: FleetDir) -> Iterator[Journal]:
    """The fleet's journal."""
    database = Database(store_url(fleetdir))
    try:
        yield Journal(database)
    finally:
        database.close()


def carry_on(journal: Journal, plan: Plan, control: Control, *, resume: bool = True) -> Ending:
    """Control the rollout until it ends or waits. `resume`: what was paused goes on.

    Raises `LockHeldError` when another process controls it, `StoreError` when the journal or the lock fails.
    """
    at = control.clocks.utc()
    with controlling(journal.database, plan.id, control.actor, at) as held:
        found = journal.find(plan.id)
        if resume and found.wanted is RolloutState.PAUSED:
            journal.change(plan.id, at, control.actor, values={"wanted": RolloutState.RUNNING})
        with control.reach() as sources:
            engine = Engine(journal, plan, sources, held, control.say, control.pace, control.clocks, control.stay)
            with _stopping(engine):
                return engine.run()


@contextmanager
def _stopping(engine: Engine) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the engine; a second one ends the process as it would without us, but for SIGHUP:
    of a terminal that goes, both the kernel and the shell tell us."""
    before: dict[signal.Signals, Any] = {}

    def stop(number: int, frame: FrameType | None) -> None:
        engine.stop()
        for each, handler in before.items():
            signal.signal(each, handler)
        if number == signal.SIGHUP:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    for watched in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(watched) is not signal.SIG_IGN:  # by nohup
            before[watched] = signal.signal(watched, stop)
    try:
        yield
    finally:
        for watched, handler in before.items():
            signal.signal(watched, handler)


def exit_code(ending: Ending, records: Sequence[SiteRecord]) -> int:
    """0: every site is done. 3: it waits for a person. 6: a rule or an operator stopped it. 7: some sites are not done,
    or are waited for. 130: it was told to end."""
    if ending.interrupted:
        return INTERRUPTED
    if ending.state in (RolloutState.STOPPED, RolloutState.ABORTED):
        return 6
    if ending.state is RolloutState.PAUSED or ending.waits_for == "person":
        return 3
    if ending.waits_for == "offline" or ending.state is RolloutState.CATCHING_UP:
        return 7
    if ending.state is RolloutState.DONE and any(record.state is not SiteState.DONE for record in records):
        return 7
    return 0


def want(journal: Journal, found: RolloutRecord, wanted: RolloutState, actor: str, reason: str = "") -> None:
    """Write down what an operator wants of a rollout. Raises `RefusedError` for one that is over, or where it is so."""
    if RolloutState.ABORTED in (found.state, found.wanted):
        raise RefusedError("this rollout was aborted", hint="make a new plan: fleetctl rollout plan")
    if found.state is RolloutState.DONE:
        raise RefusedError("this rollout is done", hint="fleetctl rollout rollback brings sites back")
    if found.state is RolloutState.STOPPED and wanted is RolloutState.PAUSED:
        which = f"--id {found.plan.id[:12]}"
        raise RefusedError(
            f"this rollout has stopped, and begins nothing until somebody resumes it: {found.reason}",
            hint=f"find the cause, then: fleetctl rollout resume {which}; or: fleetctl rollout abort {which}",
        )
    said = f"{actor} wants it {wanted.value}" + (f": {reason}" if reason else "")
    journal.change(found.plan.id, now(), actor, values={"wanted": wanted}, events=[Event("wanted", said)])


def end_unheld(journal: Journal, found: RolloutRecord, actor: str) -> Literal["ended", "held", "open"]:
    """End an aborted rollout that nobody controls.

    held: somebody does, and ends it. open: a site has begun what may not be over, so it has to be asked first.
    """
    identity, at = found.plan.id, now()
    try:
        with controlling(journal.database, identity, actor, at):
            steps, sites = journal.open_steps(identity), {each.site: each for each in journal.sites(identity)}
            if any(step.kind not in WITHOUT_OPERATION for step in steps.values()) or any(
                each.state is SiteState.ROLLING_BACK for each in sites.values()
            ):
                return "open"
            for site, step in steps.items():
                journal.end(identity, step, sites[site], StepOutcome.INTERRUPTED, ENDED_BEFORE, at, {})
            told = Event(RolloutState.ABORTED.value, "aborted by an operator")
            journal.change(identity, at, actor, values={"state": RolloutState.ABORTED}, events=[told])
    except LockHeldError:
        return "held"
    return "ended"


def order_back(journal: Journal, found: RolloutRecord, sites: Sequence[str], actor: str, reason: str) -> list[str]:
    """Order sites back, and pause the rollout: who brings sites back does not want the next ones brought forward."""
    chosen = order_rollback(journal, found, sites, actor, now(), reason)
    if found.state in (RolloutState.RUNNING, RolloutState.CATCHING_UP):
        want(journal, found, RolloutState.PAUSED, actor, f"sites are brought back: {reason}")
    return chosen


def status_code(journal: Journal, found: RolloutRecord) -> int:
    """The exit code for a rollout as it stands in the journal."""
    orders, steps, sites = Orders(journal, found.plan), journal.open_steps(found.plan.id), journal.sites(found.plan.id)
    orders.read()
    world = World(now(), 0.0, promoted=orders.promoted, countersigned=orders.countersigned)
    views = [View(each, steps.get(each.site)) for each in sites]
    waits = waits_for(found.plan, Standing(found.state, found.wave), views, world)
    return exit_code(Ending(found.state, found.reason, waits), sites)


def over(journal: Journal, found: RolloutRecord) -> bool:
    """Whether nothing more happens by itself: it has ended, or nobody says that they control it."""
    ended = (RolloutState.DONE, RolloutState.STOPPED, RolloutState.ABORTED)
    return found.state in ended or holder(journal.database, found.plan.id) is None


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
