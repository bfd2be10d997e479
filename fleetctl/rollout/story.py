"""What happened and why: a rollout and its sites as people ask for it, from the journal alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fleetctl.models.base import StrictModel
from fleetctl.models.rollout import Plan
from fleetctl.rollout import windows
from fleetctl.rollout.engine_orders import Orders
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_lock import holder
from fleetctl.rollout.journal_records import Entry, RolloutRecord, RolloutState, SiteRecord, SiteState
from fleetctl.rollout.verdict import waits_for_promotion
from fleetctl.rollout.verdict_site import View, World, bake_s, next_of, wave_of
from fleetctl.rollout.verdict_wave import counted

_ORDER = tuple(SiteState)


class WaveShown(StrictModel):
    """A wave with its counts."""

    wave: str
    canary: bool
    state: str
    selected: int
    done: int
    failed: int
    timed_out: int
    skipped: int
    away: int
    threshold: float


class SiteShown(StrictModel):
    """A site in a line."""

    site: str
    wave: str
    state: str
    since: datetime
    reason: str


class RolloutShown(StrictModel):
    """A rollout as `status` shows it."""

    id: str
    release: str
    channel: str
    state: str
    wanted: str
    reason: str
    controlled_by: str
    started_at: datetime
    started_by: str
    waves: list[WaveShown]
    sites: list[SiteShown]


class Explanation(StrictModel):
    """Why a site is where it is. `says` is the paragraph; `facts` is what it used."""

    site: str
    rollout: str
    state: str
    says: str
    waits_for: str
    next_action: str
    facts: dict[str, Any]


class Told(StrictModel):
    """A line of a rollout's history."""

    at: datetime
    site: str
    what: str
    text: str
    actor: str
    facts: dict[str, Any]


def status_of(journal: Journal, found: RolloutRecord) -> RolloutShown:
    """A rollout with its waves and sites, and what a person has ordered since its controller last looked."""
    plan, records, orders = found.plan, journal.sites(found.plan.id), Orders(journal, found.plan)
    orders.read()
    promotion = waits_for_promotion(plan, found.wave, orders.promoted)
    before = plan.waves[found.wave - 1].name if found.wave else ""
    reason = found.reason
    if reason and found.state is RolloutState.RUNNING and before in orders.promoted:
        # What it waited for when somebody last controlled it has come.
        reason = f"wave {before} has passed, promoted by {orders.promoted[before]}"
    waves = []
    for number, wave in enumerate(plan.waves):
        count = counted([record for record in records if record.wave == wave.name])
        going = number == found.wave and not promotion
        state = "passed" if number < found.wave else "going on" if going else "waiting"
        waves.append(
            WaveShown(
                wave=wave.name, canary=wave.canary, state=state, selected=count.selected, done=count.done,
                failed=count.failed, timed_out=count.timed_out, skipped=count.skipped, away=count.away,
                threshold=wave.success_threshold,
            )
        )  # fmt: skip
    sites = [
        SiteShown(site=each.site, wave=each.wave, state=each.shown, since=each.offline_since or each.since,
                  reason=each.reason)
        for each in records
    ]  # fmt: skip
    held = holder(journal.database, plan.id)
    return RolloutShown(
        id=plan.id, release=plan.release.name, channel=plan.channel, state=found.state.value,
        wanted=found.wanted.value, reason=reason, controlled_by=held.words if held is not None else "",
        started_at=found.started_at,
        started_by=found.started_by, waves=waves, sites=sites,
    )  # fmt: skip


def history(journal: Journal, identity: str, site: str = "") -> list[Told]:
    """Decisions, and the steps between them, in the order in which they were written down."""
    entries = [entry for _, entry in journal.events(identity) if not site or entry.site in ("", site)]
    entries += journal.steps(identity, site)
    entries.sort(key=lambda entry: entry.at)
    return [
        Told(at=each.at, site=each.site, what=each.what, text=each.text or _why(each), actor=each.actor or "engine",
             facts=dict(each.facts))
        for each in entries
    ]  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What the fleet directory says now: sites that are held, in words; why the release may not be rolled out any more
    (`revoked`; empty: it may), or why that is not known."""

    held: Mapping[str, str]
    revoked: str = ""
    not_known: str = ""


def explain(journal: Journal, found: RolloutRecord, site: str, now: datetime, known: Known) -> Explanation:
    """One paragraph on a site of a rollout. Raises KeyError when it is none of its sites."""
    plan, records = found.plan, {record.site: record for record in journal.sites(found.plan.id)}
    record, steps = records[site], journal.steps(found.plan.id, site)
    planned = next(each for each in plan.sites if each.site == site)
    waits, action = _waits(journal, found, record, now, known)
    last = steps[-1] if steps else None
    said = [
        f"{site} is {record.shown} since {_at(record.offline_since or record.since)} in rollout {plan.id[:12]} of "
        f"{record.target.name} ({found.state.value}).",
        f"It is in wave {record.wave} because: {planned.reason}.",
    ]
    if record.offline_since is not None and not record.settled:
        said.append(f"Before it went out of reach it was {record.state.value}.")
    if record.reason:
        said.append(f"Why: {record.reason.rstrip('.')}.")
    if known.revoked:
        said.append(f"The release may not be rolled out any more: {known.revoked.rstrip('.')}.")
    if known.not_known:
        said.append(f"Whether the release is still approved is not known: {known.not_known.rstrip('.')}.")
    if last is not None:
        said.append(f"The last step was {last.what} at {_at(last.at)}{_because(last)}.")
    if gates := _gates(steps):
        said.append(f"Gates said: {gates}.")
    if record.state is SiteState.BAKING:
        said.append(f"It has served {record.served_s:.0f} of {bake_s(wave_of(plan, record))} s of its bake time.")
    said.append(f"{'It waits for: ' + waits if waits else 'Nothing is waited for'}.")
    said.append(f"Next: {action}.")
    facts = {
        "record": record.model_dump(mode="json"),
        "wave_threshold": wave_of(plan, record).success_threshold,
        "rollout_state": found.state.value,
        "rollout_reason": found.reason,
        "activation_window": planned.activation,
        "held": known.held.get(site, ""),
        "revoked": known.revoked or (None if known.not_known else False),
        "last_step": {"what": last.what, "at": last.at.isoformat(), "facts": dict(last.facts)} if last else None,
    }
    return Explanation(
        site=site, rollout=plan.id, state=record.shown, says=" ".join(said), waits_for=waits, next_action=action,
        facts=facts,
    )  # fmt: skip


def left_out(plan: Plan, site: str) -> str:
    """Why a plan does not touch a site; empty: it does, or does not know it."""
    return next((each.reason for each in plan.left_out if each.site == site), "")


def _waits(journal: Journal, found: RolloutRecord, record: SiteRecord, now: datetime, known: Known) -> tuple[str, str]:
    """What is waited for, and the next action."""
    plan, site, begins = found.plan, record.site, found.plan.id[:12]
    if record.settled:
        return "", _after(record)
    if found.state is RolloutState.STOPPED:
        return f"a person, because the rollout has stopped: {found.reason}", (
            f"find the cause, then fleetctl rollout retry and fleetctl rollout resume --id {begins}")  # fmt: skip
    if found.state is RolloutState.ABORTED or found.wanted is RolloutState.ABORTED:
        return "", "none: the rollout was aborted; fleetctl rollout plan makes a new one"
    if known.revoked:
        return "", "none: whoever controls the rollout stops it before the next step; build and sign another release"
    if RolloutState.PAUSED in (found.state, found.wanted):
        return "a person, because the rollout is paused", f"fleetctl rollout resume --id {begins}"
    orders = Orders(journal, plan)
    orders.read()
    promoted = orders.promoted
    place = next(number for number, wave in enumerate(plan.waves) if wave.name == record.wave)
    waiting = waits_for_promotion(plan, found.wave, promoted)
    if place > found.wave or (waiting and place == found.wave):
        before = plan.waves[place - 1]
        if waiting and place == found.wave:
            return f"a named person who promotes wave {waiting}", f"fleetctl rollout promote {waiting} --by NAME"
        return f"wave {before.name}, which has to pass first", "none: its turn comes by itself"
    if hold := known.held.get(site, ""):
        return f"the end of its hold ({hold})", f"fleetctl site unhold {site}, when that is over"
    if record.offline_since is not None:
        away = plan.policy.when_disconnected
        return f"a connection (when_disconnected is {away})", "bring it back; it is caught up by the same gates"
    spec = plan.policy.windows
    labels = next(each.labels for each in plan.sites if each.site == site)
    world = World(
        now,
        0.0,
        {site: windows.activation(spec, site, labels)},
        {site: windows.download(spec, site, labels)},
        known.held,
        promoted=promoted,
        countersigned=orders.countersigned,
    )
    step = next_of(plan, View(record, journal.open_steps(plan.id).get(site)), world)
    if step.kind is None:
        return step.why, "none: it goes on by itself" if not step.person else f"fleetctl rollout status --id {begins}"
    return "", f"{step.kind.value}: {step.why} (while fleetctl rollout start or resume runs)"


def _after(record: SiteRecord) -> str:
    site = record.site
    match record.state:
        case SiteState.DONE:
            return "none: it is done"
        case SiteState.ROLLED_BACK:
            return f"find the cause; the release is refused there until: fleetctl rollout retry {site} --clear"
        case SiteState.TIMED_OUT:
            return f"look at the site: fleetctl health {site}; then fleetctl rollout retry {site}"
        case _:
            return f"remove the cause, then: fleetctl rollout retry {site}"


def _gates(steps: Sequence[Entry]) -> str:
    for entry in reversed(steps):
        if results := entry.facts.get("gates"):
            return "; ".join(f"{each['gate']} {each['verdict'].replace('_', ' ')} ({each['reason']})"
                             for each in results)  # fmt: skip
    return ""


def _because(entry: Entry) -> str:
    text = entry.text or _why(entry)
    return f" ({text})" if text else ""


def _why(entry: Entry) -> str:
    return str(entry.facts.get("why", ""))


def _at(moment: datetime) -> str:
    return f"{(moment + timedelta(milliseconds=500)).replace(microsecond=0):%Y-%m-%d %H:%M:%SZ}"
