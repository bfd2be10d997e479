"""What becomes of a site by how a step ended. Pure: the engine writes it down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fleetctl.rollout.journal_records import Event, SiteRecord, SiteState, StepKind, StepOutcome
from fleetctl.rollout.steps import StepResult
from fleetctl.rollout.verdict import moved
from fleetctl.rollout.verdict_site import Live, View, World

# A step that was cut off before it changed anything is begun anew so often.
_MOST_TRIES = 3
# One bad look may be a service that has just started; two in a row are a fault.
_FAILING_LOOKS = 2


@dataclass(frozen=True)
class Pace:
    """How often the engine looks. A gap between two good looks longer than `gap_s` does not count as served."""

    watch_s: float = 60.0
    ask_again_s: float = 30.0
    refused_again_s: float = 300.0
    offline_after_s: float = 600.0

    @property
    def gap_s(self) -> float:
        # A busy controller looks late; half a minute more is no time in which a site was away and back unseen.
        return max(3 * self.watch_s, 30.0)


@dataclass(frozen=True)
class Applied:
    """`ends`: the intent is closed by this outcome. `switched`, `back`: what the site runs is known anew, the release
    or what was before it."""

    record: SiteRecord
    live: Live
    ends: bool
    outcome: StepOutcome
    events: tuple[Event, ...] = ()
    switched: bool = False
    back: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


def applied(view: View, kind: StepKind, result: StepResult, world: World, pace: Pace) -> Applied:
    """The site after a step; `kind` is what was done, which for a look at an open step is SETTLE."""
    live = replace(view.live, busy=None, ready_at=0.0)
    if result.outcome is StepOutcome.UNKNOWN:
        return _gone(view, live, kind, result, world, pace)
    record, events, live = _back(view.record, live, world)
    settled = kind is StepKind.SETTLE
    if settled and view.open is not None:
        kind = view.open.kind
    if result.outcome is StepOutcome.GOING_ON:
        # A look at a site that is at work at something is none at one that serves: no time up to it or from it counts.
        later = replace(live, ready_at=world.mono + pace.ask_again_s, seen_at=None)
        record = record if record.settled else record.model_copy(update={"reason": result.reason[:1000]})
        return Applied(record, later, False, result.outcome, events)
    base = Applied(record, live, True, result.outcome, events, facts=result.facts)
    if view.record.settled:
        # Time was up before its end was known. It is written down; an operator decides what follows, a way back too.
        switched = kind is StepKind.ACTIVATE and result.outcome is StepOutcome.DONE
        record = record.model_copy(update={"switched_here": record.switched_here or switched})
        return replace(base, record=record, switched=switched)
    if result.outcome is StepOutcome.NOT_BEGUN:
        return _not_begun(base, view, kind, world)
    if settled and kind is StepKind.EVALUATE and result.outcome is StepOutcome.DONE:
        # The box has finished it and we have no result: the same id again makes it say so, and runs nothing twice.
        return _not_begun(base, view, kind, world)
    if result.outcome is StepOutcome.INTERRUPTED:
        return _interrupted(base, kind, result, world, pace)
    return _AFTER[kind](base, result, world, pace)


def _gone(view: View, live: Live, kind: StepKind, result: StepResult, world: World, pace: Pace) -> Applied:
    """No answer. What carries an operation id stays open; what carries none is over, and begun again."""
    first = view.record.offline_since is None
    record, events = view.record, tuple[Event, ...]()
    if first:
        record = record.model_copy(update={"offline_since": world.now})
        events = (Event("offline", result.reason[:300], record.site),)
    since = live.offline_at if live.offline_at is not None else world.mono
    live = replace(live, offline_at=since, seen_at=None, checked_at=None, ready_at=world.mono + pace.ask_again_s)
    closes = kind in (StepKind.OFFER, StepKind.SEND, StepKind.CHECK)
    return Applied(record, live, closes, StepOutcome.UNKNOWN, events)


def _back(record: SiteRecord, live: Live, world: World) -> tuple[SiteRecord, tuple[Event, ...], Live]:
    if record.offline_since is None:
        return record, (), live
    said = f"answers again, was away since {record.offline_since:%Y-%m-%d %H:%M:%SZ}"
    back = record.model_copy(update={"offline_since": None})
    return back, (Event("returned", said, record.site),), replace(live, offline_at=None)


def _not_begun(base: Applied, view: View, kind: StepKind, world: World) -> Applied:
    """The same id is used again, so that an order which arrives late after all is the same change."""
    operation = view.open.operation if view.open else ""
    record = base.record.model_copy(update={"again": {**base.record.again, kind.value: operation}})
    if kind is StepKind.ACTIVATE:
        record = moved(record, _before_switch(record), "the order to switch never arrived", world.now)
    return replace(base, record=record)


def _interrupted(base: Applied, kind: StepKind, result: StepResult, world: World, pace: Pace) -> Applied:
    tries = base.record.tries.get(kind.value, 0) + 1
    record = base.record.model_copy(update={"tries": {**base.record.tries, kind.value: tries}})
    if tries >= _MOST_TRIES and kind is not StepKind.ROLLBACK:
        record = moved(record, SiteState.FAILED, f"{kind.value} was cut off {tries} times: {result.reason}", world.now)
    elif kind in (StepKind.ACTIVATE, StepKind.CHECK):
        # The staged set may be gone with it: it is offered anew, which sends only what is missing.
        record = moved(record, SiteState.WAITING, f"{kind.value} was cut off, nothing changed: {result.reason}",
                       world.now)  # fmt: skip
    later = replace(base.live, ready_at=world.mono + pace.ask_again_s, checked_at=None)
    return replace(base, record=record, live=later)


def _failed(base: Applied, result: StepResult, world: World, words: str = "") -> Applied:
    state = SiteState.REFUSED if result.outcome is StepOutcome.REFUSED else SiteState.FAILED
    record = moved(base.record, state, f"{words}{result.reason}" or result.outcome.value, world.now)
    return replace(base, record=record, events=(*base.events, Event(state.value, record.reason, record.site,
                                                                    dict(result.facts))))  # fmt: skip


def _later(base: Applied, result: StepResult, world: World, wait_s: float) -> Applied:
    record = base.record.model_copy(update={"reason": result.reason[:1000]})
    return replace(base, record=record, live=replace(base.live, ready_at=world.mono + wait_s, checked_at=None))


def _asked(base: Applied, result: StepResult, world: World, pace: Pace) -> Applied:
    if result.outcome is StepOutcome.DONE:
        return base
    return _later(base, result, world, pace.ask_again_s)


def _offered(base: Applied, result: StepResult, world: World, pace: Pace) -> Applied:
    if result.outcome is StepOutcome.NOT_YET:
        return _later(base, result, world, pace.ask_again_s)
    if result.outcome is not StepOutcome.DONE:
        return _failed(base, result, world)
    status = result.status
    record = base.record.model_copy(update={"baseline": {**base.record.baseline, **result.kept}})
    if status is not None and status.active is not None and status.active.digest == record.target.digest:
        # It may be an earlier try of this rollout that switched it: then this rollout may switch it back.
        record = moved(record, SiteState.BAKING, result.reason, world.now, served_s=0.0, failing=0)
        return replace(base, record=record, switched=True)
    missing = result.facts.get("missing_bytes")
    state = SiteState.OFFERED if missing else SiteState.RECEIVED
    incumbent = dict(status.active.models) if status is not None and status.active is not None else {}
    return replace(base, record=moved(record, state, result.reason, world.now, incumbent=incumbent))


def _sent(base: Applied, result: StepResult, world: World, pace: Pace) -> Applied:
    if result.outcome is StepOutcome.NOT_YET:
        return replace(base, record=moved(base.record, SiteState.OFFERED, result.reason, world.now))
    if result.outcome is not StepOutcome.DONE:
        return _failed(base, result, world, "transfer: ")
    return replace(base, record=moved(base.record, SiteState.RECEIVED, result.reason, world.now))


def _staged(base: Applied, result: StepResult, world: World, pace: Pace) -> Applied:
    if result.outcome is not StepOutcome.DONE:
        return _failed(base, result, world, "stage: ")
    record = moved(base.record, SiteState.STAGED, "everything has arrived and verified", world.now)
    return replace(base, record=record)


def _evaluated(base: Applied, result: StepResult, world: World, pace: Pace) -> Applied:
    if result.outcome is StepOutcome.NOT_YET:
        return _later(base, result, world, pace.refused_again_s)
    if result.outcome is not StepOutcome.DONE:
        return _failed(base, result, world)
    shown = result.facts["gates"][0]["result"]
    update = {
        "clinical_sha256": result.facts["result_sha256"], "clinical_until": datetime.fromisoformat(shown["expires_at"]),
        "incumbent": dict(result.facts["incumbent"]),
    }  # fmt: skip
    record = moved(base.record, SiteState.EVALUATED, f"clinical: {result.reason}", world.now, **update)
    return replace(base, record=record)


def _checked(base: Applied, result: StepResult, world: World, pace: Pace) -> Applied:
    record = base.record.model_copy(update={"baseline": {**base.record.baseline, **result.kept}})
    base = replace(base, record=record)
    if result.outcome is StepOutcome.NOT_YET:
        return _later(base, result, world, pace.ask_again_s)
    if result.outcome is not StepOutcome.DONE:
        return _failed(base, result, world, "before the switch: ")
    status = result.status
    running = dict(status.active.models) if status is not None and status.active is not None else {}
    if record.clinical_sha256 and running != record.incumbent:
        # It was compared with a set that does not run any more.
        changed = moved(record, SiteState.STAGED, "the running set is another than the evaluated one", world.now,
                        clinical_sha256="", clinical_until=None)  # fmt: skip
        return replace(base, record=changed)
    return replace(base, live=replace(base.live, checked_at=world.mono))


def _activated(base: Applied, result: StepResult, world: World, pace: Pace) -> Applied:
    if result.outcome is StepOutcome.DONE:
        record = moved(base.record, SiteState.BAKING, "switched, probed and committed by the box", world.now,
                       served_s=0.0, failing=0, unproven="", switched_here=True)  # fmt: skip
        return replace(base, record=record, switched=True)
    if result.outcome is StepOutcome.REFUSED:
        if _denied(base.record, result):
            return _failed(base, result, world)
        # A visit goes on, or the window closed: nothing has changed, and it is tried again while there is time.
        record = moved(base.record, _before_switch(base.record), f"not switched: {result.reason}", world.now)
        live = replace(base.live, ready_at=world.mono + pace.refused_again_s, checked_at=None)
        return replace(base, record=record, live=live)
    if result.outcome is StepOutcome.ROLLED_BACK:
        record = moved(base.record, SiteState.ROLLED_BACK, f"the box went back: {result.reason}", world.now)
        said = Event(record.state.value, record.reason, record.site, dict(result.facts))
        return replace(base, record=record, events=(*base.events, said), back=True)
    return _failed(base, result, world, "activate: ")


def _watched(base: Applied, result: StepResult, world: World, pace: Pace) -> Applied:
    """Rule 5: only the time between two good looks counts, and no gap in which nobody looked."""
    record, live = base.record, replace(base.live, ready_at=world.mono + pace.watch_s)
    if result.outcome is StepOutcome.ROLLED_BACK:
        gone = moved(record, SiteState.ROLLED_BACK, result.reason, world.now)
        said = Event(gone.state.value, gone.reason, gone.site, dict(result.facts))
        return replace(base, record=gone, live=live, events=(*base.events, said), back=True)
    if result.outcome in (StepOutcome.DONE, StepOutcome.NOT_YET):
        gap_s = world.mono - live.seen_at if live.seen_at is not None else 0.0
        served = record.served_s + (gap_s if 0 < gap_s <= pace.gap_s else 0.0)
        unproven = result.reason[:500] if result.outcome is StepOutcome.NOT_YET else ""
        update = {"served_s": served, "failing": 0, "unproven": unproven, "reason": unproven or result.reason}
        return replace(base, record=record.model_copy(update=update), live=replace(live, seen_at=world.mono))
    failing = record.failing + 1
    live = replace(live, seen_at=None, ready_at=world.mono + min(pace.watch_s, pace.ask_again_s))
    if failing < _FAILING_LOOKS:
        update = {"failing": failing, "reason": f"looked at again: {result.reason}"[:1000]}
        return replace(base, record=record.model_copy(update=update), live=live)
    if not record.switched_here:
        return _failed(replace(base, live=live), result, world, "it ran the release before this rollout: ")
    back = moved(record, SiteState.ROLLING_BACK, f"after the switch: {result.reason}", world.now, failing=failing)
    said = Event("gate_failed", back.reason, back.site, dict(result.facts))
    return replace(base, record=back, live=replace(live, ready_at=0.0), events=(*base.events, said))


def _rolled_back(base: Applied, result: StepResult, world: World, pace: Pace) -> Applied:
    if result.outcome is StepOutcome.NOT_YET:
        return _later(base, result, world, pace.ask_again_s)
    if result.outcome is not StepOutcome.DONE:
        return _failed(base, replace(result, outcome=StepOutcome.FAILED), world, "it could not go back: ")
    if not base.record.switched_here and not _denied(base.record, result):
        # Who goes back refuses the release from then on. This box does not: it has never left what it runs.
        return _failed(base, replace(result, outcome=StepOutcome.FAILED, reason=base.record.reason), world,
                       "nothing was switched, so nothing was brought back: ")  # fmt: skip
    record = moved(base.record, SiteState.ROLLED_BACK, base.record.reason, world.now, switched_here=False)
    said = Event(record.state.value, record.reason, record.site, dict(result.facts))
    return replace(base, record=record, events=(*base.events, said), back=True)


def _cleared(base: Applied, result: StepResult, world: World, pace: Pace) -> Applied:
    if result.outcome is not StepOutcome.DONE:
        return _failed(base, result, world, "clear: ")
    return replace(base, record=base.record.model_copy(update={"clear": False}))


def _denied(record: SiteRecord, result: StepResult) -> bool:
    """Whether the box has the release on its deny-list."""
    status = result.status
    return status is not None and any(each.digest == record.target.digest for each in status.denied)


def _before_switch(record: SiteRecord) -> SiteState:
    return SiteState.EVALUATED if record.clinical_sha256 else SiteState.STAGED


_AFTER: dict[StepKind, Callable[[Applied, StepResult, World, Pace], Applied]] = {
    StepKind.ASK: _asked,
    StepKind.OFFER: _offered,
    StepKind.SEND: _sent,
    StepKind.STAGE: _staged,
    StepKind.EVALUATE: _evaluated,
    StepKind.CHECK: _checked,
    StepKind.ACTIVATE: _activated,
    StepKind.WATCH: _watched,
    StepKind.ROLLBACK: _rolled_back,
    StepKind.CLEAR: _cleared,
}
