"""The decision of a rollout: from plan, journal, clock and what is known of the sites to the next orders and changes.

A pure function. Nothing here asks a box, writes, or looks at a clock, so that every rule can be tried with values
alone; the engine carries out what is decided, and asks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fleetctl.models.rollout import Plan, Stamp
from fleetctl.rollout.journal_records import (
    LOOKS,
    SWITCHED,
    Event,
    RolloutState,
    SiteRecord,
    SiteState,
    StepKind,
)
from fleetctl.rollout.verdict_site import Next, View, World, bake_s, limit_s, next_of, timer_runs, wave_of
from fleetctl.rollout.verdict_wave import Passing, counted, is_away, stopping, wave_passing

# Sites that are only looked at, at once: each is a thread and a connection of this machine.
_MOST_LOOKS = 32
_GOES_ON = (RolloutState.RUNNING, RolloutState.CATCHING_UP)
# First what ends a danger, then what only looks, then what is furthest.
_RANK = {
    kind: rank
    for rank, kind in enumerate(
        (StepKind.ROLLBACK, StepKind.SETTLE, StepKind.WATCH, StepKind.ASK, StepKind.ACTIVATE, StepKind.CHECK,
         StepKind.EVALUATE, StepKind.STAGE, StepKind.SEND, StepKind.CLEAR, StepKind.OFFER)
    )
}  # fmt: skip


@dataclass(frozen=True)
class Order:
    """A step to be done now, and why. `not_after`: its window's end and the grace; None: at any time."""

    site: str
    kind: StepKind
    why: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    not_after: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """The rollout's own row."""

    state: RolloutState
    wave: int


@dataclass(frozen=True)
class Decision:
    """`changes` and `events` are written down first; then the orders begin. With changes, it is decided anew."""

    orders: tuple[Order, ...] = ()
    changes: tuple[SiteRecord, ...] = ()
    events: tuple[Event, ...] = ()
    state: RolloutState = RolloutState.RUNNING
    wave: int = 0
    reason: str = ""
    waits_for: str = ""


def decide(plan: Plan, standing: Standing, views: Sequence[View], world: World) -> Decision:
    """What is to be done now. Read top to bottom: what changes by itself, what stops, what passes, what is next."""
    changes = _overdue(plan, standing, views, world)
    if changes:
        told = [Event(record.state.value, record.reason, record.site) for record in changes]
        return Decision((), tuple(changes), tuple(told), standing.state, standing.wave, "")
    by_wave = {
        wave.name: [view.record for view in views if view.record.wave == wave.name] for wave in plan.waves
    }  # fmt: skip
    if world.wanted is RolloutState.ABORTED or standing.state is RolloutState.ABORTED:
        return _ended(plan, standing, views, world, RolloutState.ABORTED, "aborted by an operator")
    reason = f"the release was revoked: {world.revoked}" if world.revoked else stopping(plan, by_wave, standing.wave)
    if reason:
        return _ended(plan, standing, views, world, RolloutState.STOPPED, reason)
    if world.wanted is RolloutState.PAUSED:
        return _ended(plan, standing, views, world, RolloutState.PAUSED, "paused by an operator")
    if standing.wave < len(plan.waves):
        wave = plan.waves[standing.wave]
        count = counted(by_wave[wave.name])
        if wave_passing(wave, count) is Passing.PASSED:
            facts = {**count.facts, "threshold": wave.success_threshold}
            said = f"{count.done} of {count.selected} sites succeeded, {wave.success_threshold:.0%} have to"
            passed = Event("wave_passed", f"wave {wave.name}: {said}", facts=facts)
            # The next wave is decided about with the next call, by the wave's own word on promotion.
            return Decision(events=(passed,), state=RolloutState.RUNNING, wave=standing.wave + 1)
    return _going_on(plan, standing, views, world)


def waits_for_promotion(plan: Plan, wave: int, promoted: Mapping[str, str]) -> str:
    """Name of the wave that passed and that a person has yet to promote; empty: none."""
    if not 0 < wave < len(plan.waves):
        return ""
    before = plan.waves[wave - 1]
    return before.name if before.promote == "human" and before.name not in promoted else ""


def _going_on(plan: Plan, standing: Standing, views: Sequence[View], world: World) -> Decision:
    active = active_sites(plan, standing, views, world)
    through = standing.wave >= len(plan.waves)
    promotion = waits_for_promotion(plan, standing.wave, world.promoted)
    nexts = {view.site: next_of(plan, view, world) for view in active}
    orders = _limited(plan, active, nexts)
    going = [view for view in views if not view.record.settled]
    state = RolloutState.RUNNING if not through else RolloutState.CATCHING_UP if going else RolloutState.DONE
    reason = f"wave {promotion} has passed and waits to be promoted" if promotion else ""
    return Decision(orders, state=state, wave=standing.wave, reason=reason,
                    waits_for=_waiting(active, nexts, promotion, world) if going else "")  # fmt: skip


def active_sites(plan: Plan, standing: Standing, views: Sequence[View], world: World) -> list[View]:
    """Sites of the wave that goes on, and late ones of those before; those that an order has reached in any case."""
    last = standing.wave if not waits_for_promotion(plan, standing.wave, world.promoted) else standing.wave - 1
    names = {wave.name for wave in plan.waves[: last + 1]}
    return [view for view in views if (not view.record.settled and view.record.wave in names) or view.open is not None]


def waits_for(plan: Plan, standing: Standing, views: Sequence[View], world: World) -> str:
    """person or offline, where nothing else is waited for; else empty. For who only reads the journal."""
    active = active_sites(plan, standing, views, world)
    nexts = {view.site: next_of(plan, view, world) for view in active}
    return _waiting(active, nexts, waits_for_promotion(plan, standing.wave, world.promoted), world)


def _waiting(active: Sequence[View], nexts: Mapping[str, Next], promotion: str, world: World) -> str:
    """person, or offline, where nothing but that is waited for; else empty."""
    rest = [view for view in active if not view.record.settled]
    persons = {view.site for view in rest if nexts[view.site].person}
    long_gone = {
        view.site
        for view in rest
        if is_away(view.record)
        and view.live.offline_at is not None
        and world.mono - view.live.offline_at >= world.offline_after_s
    }
    if all(view.site in persons or view.site in long_gone for view in rest):
        if promotion or persons:
            return "person"
        return "offline" if long_gone else ""
    return ""


def _limited(plan: Plan, active: Sequence[View], nexts: Mapping[str, Next]) -> tuple[Order, ...]:
    """The orders that the limits leave room for: sites of a wave that change at once, and sites that receive."""
    room = {wave.name: wave.concurrency for wave in plan.waves}
    transfers, looks = plan.policy.transfers, _MOST_LOOKS
    for view in active:
        if changes_now(view):
            room[view.record.wave] -= 1
        transfers -= view.live.busy is StepKind.SEND
        looks -= view.live.busy in LOOKS
    found = []
    for view in sorted(active, key=lambda each: _RANK.get(nexts[each.site].kind or StepKind.OFFER, 99)):
        step = nexts[view.site]
        if step.kind is None or (step.kind in LOOKS and looks <= 0):
            continue
        looks -= step.kind in LOOKS
        limited = step.kind not in LOOKS and step.kind is not StepKind.ROLLBACK
        if limited and (room[view.record.wave] <= 0 or (step.kind is StepKind.SEND and transfers <= 0)):
            continue
        if step.kind not in LOOKS:
            room[view.record.wave] -= 1
            transfers -= step.kind is StepKind.SEND
        found.append(Order(view.site, step.kind, step.why, step.facts, step.not_after))
    return tuple(found)


def changes_now(view: View) -> bool:
    """Whether the site takes a place of its wave: something is done there, or may still go on unseen."""
    if view.live.busy is not None:
        return view.live.busy not in LOOKS or view.open is not None
    if view.open is None:
        return False
    return view.open.kind in (StepKind.ACTIVATE, StepKind.ROLLBACK) or view.record.offline_since is None


def _ended(
    plan: Plan, standing: Standing, views: Sequence[View], world: World, state: RolloutState, reason: str
) -> Decision:
    """Nothing new begins. What was begun is settled, and a site whose own gate said no still goes back."""
    orders: list[Order] = []
    room = _MOST_LOOKS - sum(view.live.busy is not None for view in views)
    for view in views:
        if view.record.state is SiteState.ROLLING_BACK or view.open is not None:
            step = next_of(plan, view, world)
            if step.kind in (StepKind.SETTLE, StepKind.ROLLBACK) and len(orders) < room:
                orders.append(Order(view.site, step.kind, step.why, step.facts))
    left = [view for view in views if view.live.busy or _to_settle(view)]
    waits = "person" if not left else "offline" if all(view.record.offline_since for view in left) else ""
    return Decision(tuple(orders), state=state, wave=standing.wave, reason=reason, waits_for=waits)


def _to_settle(view: View) -> bool:
    return view.open is not None or view.record.state is SiteState.ROLLING_BACK


def _overdue(plan: Plan, standing: Standing, views: Sequence[View], world: World) -> list[SiteRecord]:
    """Sites that change by themselves: time is up, the policy on disconnected ones, holds, baked, a newer release."""
    found = []
    started = {wave.name for wave in plan.waves[: standing.wave + 1]}
    running = world.wanted is RolloutState.RUNNING and standing.state in _GOES_ON
    for view in views:
        record = view.record
        if record.settled or view.live.busy is not None:
            continue
        if (changed := _timed_out(plan, view, world)) is not None:
            found.append(changed)
        elif running and record.wave in started and record.state not in SWITCHED and view.open is None:
            if (changed := _pending(plan, standing, view, world)) is not None:
                found.append(changed)
        elif record.state is SiteState.BAKING and running and (changed := _baked(plan, view, world)) is not None:
            found.append(changed)
    return found


def _timed_out(plan: Plan, view: View, world: World) -> SiteRecord | None:
    record = view.record
    if record.state is SiteState.ROLLING_BACK or record.spent_s <= limit_s(plan, record):
        return None
    if record.state is SiteState.BAKING and record.offline_since is None and record.switched_here:
        # It can be reached, so it need not stay on what was never proven.
        said = record.unproven or record.reason
        return moved(record, SiteState.ROLLING_BACK, f"not proven after {record.spent_s:.0f} s: {said}", world.now)
    return moved(record, SiteState.TIMED_OUT, f"not done after {record.spent_s:.0f} s of work, the limit is "
                 f"{limit_s(plan, record):.0f} s; it was {record.shown}: {record.reason}", world.now)  # fmt: skip


def _pending(plan: Plan, standing: Standing, view: View, world: World) -> SiteRecord | None:
    """Before the switch: holds, sites that are away for good, and what a late site is brought to."""
    record, hold = view.record, world.held.get(view.site, "")
    if hold and record.state is not SiteState.HELD:
        return moved(record, SiteState.HELD, f"held: {hold}", world.now)
    if not hold and record.state is SiteState.HELD:
        return moved(record, SiteState.WAITING, "the hold was lifted", world.now)
    away_s = world.mono - view.live.offline_at if view.live.offline_at is not None else 0.0
    if record.offline_since is not None and away_s >= world.offline_after_s:
        said = f"not reachable since {record.offline_since:%Y-%m-%d %H:%MZ}, when_disconnected is "
        if plan.policy.when_disconnected == "skip":
            return moved(record, SiteState.SKIPPED, f"{said}skip", world.now)
        if plan.policy.when_disconnected == "fail":
            return moved(record, SiteState.FAILED, f"{said}fail", world.now)
        if standing.wave >= len(plan.waves) and not plan.policy.catch_up:
            return moved(record, SiteState.SKIPPED, f"{said}wait, and the policy has no catch_up", world.now)
    late, newest = wave_index(plan, record) < standing.wave, _newest_for(view, world)
    if late and record.state is not SiteState.HELD and newest and newest.digest != record.target.digest:
        # Also when it was on its way to an older one, or to one that is revoked since: nothing of that was switched.
        changed = moved(record, SiteState.WAITING, f"late: {newest.name} is the newest approved release that "
                        f"has passed its waves", world.now, clinical_sha256="", clinical_until=None, again={},
                        tries={})  # fmt: skip
        return changed.model_copy(update={"target": newest})
    return None


def _newest_for(view: View, world: World) -> Stamp | None:
    """What a late site is brought to instead of the plan's release; a pin to that one keeps all others away."""
    pinned = world.pinned.get(view.site)
    return world.newest if world.newest is not None and pinned in (None, world.newest.name) else None


def _baked(plan: Plan, view: View, world: World) -> SiteRecord | None:
    record, needed = view.record, bake_s(wave_of(plan, view.record))
    if view.live.seen_at is None or record.failing or record.unproven or record.offline_since:
        return None
    if record.served_s < needed:
        return None
    return moved(record, SiteState.DONE, f"served well for {record.served_s:.0f} s, {needed} s were asked", world.now)


def wave_index(plan: Plan, record: SiteRecord) -> int:
    """Place of the site's wave."""
    return next(number for number, wave in enumerate(plan.waves) if wave.name == record.wave)


def moved(record: SiteRecord, state: SiteState, reason: str, now: datetime, **changed: Any) -> SiteRecord:
    """The record in another state, with why."""
    update = {"state": state, "reason": reason[:1000], "since": now, **changed}
    return record.model_copy(update=update)


def waited(view: View, elapsed_s: float, world: World, state: RolloutState) -> View:
    """The view after so many seconds in which this process ran: they count where the site was worked at.

    `state`: the rollout's. Only one that goes on looks at sites that bake; else none of them is at fault for the time.
    """
    watches = world.wanted is RolloutState.RUNNING and state in _GOES_ON
    if not timer_runs(view, world.mono, watches=watches):
        return view
    return replace(view, record=view.record.model_copy(update={"spent_s": view.record.spent_s + elapsed_s}))
