"""What is next at one site: an order, or what is waited for. Pure functions of journal, clock and windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from fleetctl.models.alerts import seconds
from fleetctl.models.rollout import Plan, PlannedWave, Stamp
from fleetctl.rollout.journal_records import SWITCHED, OpenStep, RolloutState, SiteRecord, SiteState, StepKind

# The gates of before the switch were asked at most so long ago; else they are asked again.
CHECK_HOLDS_S = 600.0


class Windows(Protocol):
    """Of one site; `fleetctl.rollout.windows.SiteWindows` is one."""

    def is_open(self, now: datetime) -> bool: ...

    def next_opening(self, now: datetime) -> datetime | None: ...

    def latest_switch(self, begun: datetime) -> datetime | None: ...


@dataclass(frozen=True)
class Live:
    """What this process alone knows of a site; a controller that starts begins with none of it. Monotonic seconds."""

    busy: StepKind | None = None
    ready_at: float = 0.0
    offline_at: float | None = None
    checked_at: float | None = None
    seen_at: float | None = None


@dataclass(frozen=True)
class View:
    """A site: what the journal says, and what this process knows."""

    record: SiteRecord
    open: OpenStep | None = None
    live: Live = field(default_factory=Live)

    @property
    def site(self) -> str:
        return self.record.site


@dataclass(frozen=True)
class World:
    """All that a decision uses beside the journal. `mono` never goes back, whatever the clock does.

    `pinned`: sites and the release that each is pinned to.
    """

    now: datetime
    mono: float
    activation: Mapping[str, Windows] = field(default_factory=dict)
    download: Mapping[str, Windows] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    pinned: Mapping[str, str] = field(default_factory=dict)
    revoked: str = ""
    newest: Stamp | None = None
    promoted: Mapping[str, str] = field(default_factory=dict)
    countersigned: frozenset[str] = frozenset()
    wanted: RolloutState = RolloutState.RUNNING
    offline_after_s: float = 600.0


@dataclass(frozen=True)
class Next:
    """An order, or why there is none. `person`: somebody has to act. `resting`: nothing happens before `until`."""

    kind: StepKind | None
    why: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    person: bool = False
    until: datetime | None = None
    not_after: datetime | None = None


def limit_s(plan: Plan, record: SiteRecord) -> float:
    """How long a site may be worked at: the policy's timeout, and behind the switch its bake time as well."""
    timeout = float(seconds(plan.policy.site_timeout))
    return timeout + bake_s(wave_of(plan, record)) if record.state in SWITCHED else timeout


def bake_s(wave: PlannedWave) -> int:
    """The wave's bake time."""
    return seconds(wave.bake)


def wave_of(plan: Plan, record: SiteRecord) -> PlannedWave:
    """The site's wave."""
    return next(wave for wave in plan.waves if wave.name == record.wave)


def timer_runs(view: View, mono: float, *, watches: bool = True) -> bool:
    """Whether time counts against the site's timeout: not while it waits for its window, its turn or, before the
    switch, for a connection. `watches`: somebody looks at sites that bake; else nothing could prove one."""
    if view.record.settled:
        return False
    if view.record.state in SWITCHED:
        return watches or view.record.state is not SiteState.BAKING
    if view.record.offline_since is not None:
        return False
    return view.open is not None or view.live.busy is not None or view.live.ready_at - mono > 0


def next_of(plan: Plan, view: View, world: World) -> Next:
    """The next step of a site whose wave goes on, or that is late."""
    record, live = view.record, view.live
    if live.busy is not None:
        return Next(None, f"{live.busy.value} goes on")
    if live.ready_at > world.mono:
        return Next(None, f"asked again in {live.ready_at - world.mono:.0f} s")
    if view.open is not None:
        return Next(StepKind.SETTLE, f"how {view.open.kind.value} ended is asked at the box")
    if record.state is SiteState.ROLLING_BACK:
        return Next(StepKind.ROLLBACK, record.reason)
    if record.offline_since is not None and record.state is not SiteState.BAKING:
        return Next(StepKind.ASK, "whether it is back")
    match record.state:
        case SiteState.HELD:
            return Next(None, record.reason, person=True)
        case SiteState.WAITING:
            if record.clear:
                return Next(StepKind.CLEAR, "an operator takes the release off its deny-list")
            return Next(StepKind.OFFER, "its wave goes on")
        case SiteState.OFFERED | SiteState.SENDING:
            return _in_window(view, world, StepKind.SEND)
        case SiteState.RECEIVED:
            return _in_window(view, world, StepKind.STAGE)
        case SiteState.STAGED if plan.policy.gates.clinical is not None:
            return _evaluation(plan, view, world, "the clinical gate runs on the staged set")
        case SiteState.STAGED | SiteState.EVALUATED:
            return _activation(plan, view, world)
        case SiteState.BAKING:
            return Next(StepKind.WATCH, f"served {record.served_s:.0f} of {bake_s(wave_of(plan, record))} s")
        case _:
            return Next(None, record.reason)


def _in_window(view: View, world: World, kind: StepKind) -> Next:
    window = world.download.get(view.site)
    if window is None:
        return Next(kind, "it may receive at any time")
    if window.is_open(world.now):
        return Next(kind, "inside the download window", not_after=window.latest_switch(world.now))
    opens = window.next_opening(world.now)
    return Next(None, f"the download window opens {_words(opens)}", until=opens)


def _evaluation(plan: Plan, view: View, world: World, why: str) -> Next:
    """At any time beside what serves; where the serving engines rest meanwhile, inside the activation window alone."""
    clinical, window = plan.policy.gates.clinical, world.activation.get(view.site)
    if clinical is None or not clinical.engines_rest or window is None:
        return Next(StepKind.EVALUATE, why)
    if not window.is_open(world.now):
        opens = window.next_opening(world.now)
        return Next(None, f"the clinical gate waits for the activation window, {_words(opens)}", until=opens)
    return Next(StepKind.EVALUATE, f"{why}, the engines rest", not_after=window.latest_switch(world.now))


def _activation(plan: Plan, view: View, world: World) -> Next:
    """Gates right before the switch, and the switch, inside the window alone."""
    record, clinical = view.record, plan.policy.gates.clinical
    if clinical is not None:
        if record.clinical_until is None or record.clinical_until <= world.now:
            return _evaluation(plan, view, world, "its clinical result has expired")
        if clinical.countersigned_by and record.clinical_sha256 not in world.countersigned:
            names = ", ".join(each.split(" ed25519:")[0] for each in clinical.countersigned_by)
            why = f"waits for a countersignature of its clinical result by one of: {names}"
            return Next(None, why, {"result_sha256": record.clinical_sha256}, person=True)
    window = world.activation.get(record.site)
    if window is not None and not window.is_open(world.now):
        opens = window.next_opening(world.now)
        return Next(None, f"the activation window opens {_words(opens)}", until=opens)
    if view.live.checked_at is None or world.mono - view.live.checked_at > CHECK_HOLDS_S:
        return Next(StepKind.CHECK, "the gates are asked before the switch")
    not_after = window.latest_switch(world.now) if window is not None else None
    facts = {"not_after": not_after.isoformat() if not_after else None, "now": world.now.isoformat()}
    return Next(StepKind.ACTIVATE, "inside the activation window", facts, not_after=not_after)


def _words(opens: datetime | None) -> str:
    return "never: no window fits this site" if opens is None else f"at {opens:%Y-%m-%d %H:%MZ}"
