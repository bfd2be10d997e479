"""A plan as people review it: what changes where, when, in which order, and what stops it. Fits 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.contract.envelope import key_id, public_key_of
from fleetctl.models.base import StrictModel
from fleetctl.models.rollout import ClinicalSpec, Plan, PlannedSite, PlannedWave, RolloutPolicySpec
from fleetctl.report.lines import Line, counted, wrapped
from fleetctl.rollout.planfile import SignedPlan
from fleetctl.rollout.windows import SiteWindows, activation, download, local

_NAMES_ALIKE = 4


class ShownPlan(StrictModel):
    """A plan and whose signature it carries; `signed_by` empty: it was not signed."""

    signed_by: str
    key: str
    plan: Plan


def shown_plan(plan: Plan, signed: SignedPlan | None) -> ShownPlan:
    """The plan with its signature's key, if it has one."""
    if signed is None:
        return ShownPlan(signed_by="", key="", plan=plan)
    return ShownPlan(signed_by=signed.signer, key=key_id(public_key_of(signed.key)), plan=plan)


def plan_lines(found: ShownPlan, now: datetime, width: int | None) -> list[Line]:
    """The whole plan."""
    plan = found.plan
    lines = [*_head(found, now, width), Line("")]
    for number, wave in enumerate(plan.waves, 1):
        lines += [*_wave(plan, wave, f"wave {number} of {len(plan.waves)}, {wave.name}: ", now, width), Line("")]
    lines += _left_out(plan, width)
    dropped = [wave.name for wave in plan.policy.waves if wave.name not in {each.name for each in plan.waves}]
    if dropped:
        lines += wrapped("", f"The policy's waves without a site: {', '.join(dropped)}", width)
    while lines and not lines[-1].text:
        lines.pop()
    return lines


def size_words(size: int | None) -> str:
    """Bytes for a person: 1.5 GiB."""
    if size is None:
        return "not known"
    if size == 0:
        return "nothing"
    amount, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def time_words(seconds: int | None) -> str:
    """Seconds for a person: 1 h 20 min, rounded up."""
    if seconds is None:
        return "not known"
    if seconds < 60:
        return f"{seconds} s"
    minutes = -(-seconds // 60)
    hours, minutes = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes} min"
    days, hours = divmod(hours, 24)
    if days == 0:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{days} d {hours} h" if hours else f"{days} d"


def _head(found: ShownPlan, now: datetime, width: int | None) -> list[Line]:
    plan, policy = found.plan, found.plan.policy
    signed = f"signed by {found.signed_by} (key {found.key})" if found.signed_by else "not signed"
    expired = "; it has expired" if now >= plan.expires_at else ""
    about = ", ".join(f"{key}={value}" for key, value in plan.selectors.items())
    away = sum(not site.reachable for site in plan.sites)
    facts = [
        ("release", f"{plan.release.name}, sequence {plan.release.sequence}, {plan.release.digest[:12]}, "
                    f"channel {plan.channel}"),
        ("made", f"{_minute(plan.created_at)} by {plan.created_by}, by the policy {plan.policy_name}"),
        ("start", f"until {_minute(plan.expires_at)}{expired}"),
        ("sites", f"{len(plan.sites)} in {_waves(len(plan.waves))}"
                  + (f", of those with {about}" if about else "")
                  + (f", {away} out of reach when it was made" if away else "")
                  + f"; {len(plan.left_out)} left out"),
        ("sends", _sends(plan)),
        ("offline", _offline(policy)),
        ("gates", _gates(policy)),
        ("stops", _stops(policy)),
        ("limits", _limits(policy)),
    ]  # fmt: skip
    lines = wrapped(f"Plan {plan.id[:12]}", f" of the fleet {plan.fleet}, {signed}", width, "bold")
    for name, text in facts:
        lines += wrapped(f"{name:8}", text, width, "bold", 8)
    return lines


def _sends(plan: Plan) -> str:
    sizes = [site.bytes_expected for site in plan.sites if site.bytes_expected is not None]
    times = [site.seconds_expected for site in plan.sites if site.seconds_expected is not None]
    text = f"at most {size_words(sum(sizes))} in all, {size_words(max(sizes, default=0))} to one site"
    if times:
        text += f"; {time_words(max(times))} for the slowest"
    if unknown := len(plan.sites) - len(times):
        text += f"; how long is not known of {counted(unknown)}"
    if anew := sum(site.restarts for site in plan.sites):
        text += f"; {counted(anew)} start{'s' if anew == 1 else ''} anew with another operating system"
    return text


def _offline(policy: RolloutPolicySpec) -> str:
    words = {
        "wait": "a site out of reach is waited for",
        "skip": "a site out of reach is skipped",
        "fail": "a site out of reach counts as failed",
    }[policy.when_disconnected]
    return f"{words}; {'one that returns later catches up' if policy.catch_up else 'nothing catches up later'}"


def _gates(policy: RolloutPolicySpec) -> str:
    parts = ["fleet health"]
    if (level := policy.gates.service_level) is not None:
        parts.append(
            f"service level (p95 up to {level.latency_factor:g} times the site's own before, "
            f"{_percent(level.error_rate)} more failures, from {level.minimum_requests} requests on)"
        )
    if policy.gates.clinical is not None:
        parts.append(_clinical(policy.gates.clinical))
    return "; ".join(parts)


def _clinical(clinical: ClinicalSpec) -> str:
    limits = (
        ("words", clinical.word_error_rate),
        ("numbers", clinical.number_error_rate),
        ("drugs", clinical.drug_error_rate),
        ("negations", clinical.negation_error_rate),
        ("unsupported", clinical.unsupported_share),
    )
    text = f"clinical (set {clinical.evaluation_set}; worse by at most: "
    text += ", ".join(f"{name} {_percent(limit)}" for name, limit in limits)
    text += f", {clinical.words_on_silence:g} words a minute of silence; counts for {clinical.valid_for}"
    if clinical.countersigned_by:
        text += (
            f"; countersigned by one of: {', '.join(each.split(' ed25519:')[0] for each in clinical.countersigned_by)}"
        )
    return f"{text})"


def _stops(policy: RolloutPolicySpec) -> str:
    abort = policy.abort
    shares = [
        f"{_percent(share)} {what}"
        for what, share in (("failed", abort.failed), ("timed out", abort.timed_out), ("both together", abort.all_))
        if share is not None
    ]
    text = f"at any failure of the first wave, when more than {counted(abort.failure_budget)} failed or timed out"
    if shares:
        text += f", and at {', '.join(shares)} or more (from {counted(abort.minimum_sample)} on)"
    return text


def _limits(policy: RolloutPolicySpec) -> str:
    speed = f" with {policy.bandwidth_kib_s} KiB/s each" if policy.bandwidth_kib_s else ""
    return (
        f"{counted(policy.transfers)} receive at once{speed}; a site has {policy.site_timeout}, "
        f"{policy.drain_timeout} of it for dictations in flight"
    )


@dataclass(frozen=True)
class _Alike:
    """What sites of a wave have in common, so that it is said once."""

    reason: str
    switched: str
    receives: str


def _wave(plan: Plan, wave: PlannedWave, title: str, now: datetime, width: int | None) -> list[Line]:
    sites = plan.of_wave(wave.name)
    rule = f"{counted(len(sites))}; passes when {_percent(wave.success_threshold)} succeed"
    rule += f", each well for {wave.bake}; {wave.concurrency} at once"
    rule += "; then a named person promotes" if wave.promote == "human" else ""
    rule += "; any failure stops the rollout" if wave.canary else ""
    lines = wrapped(title, rule, width, "bold", 2)
    groups: dict[_Alike, list[PlannedSite]] = {}
    for site in sites:
        groups.setdefault(_alike(plan, site, now), []).append(site)
    name = max(len(site.site) for site in sites)
    runs = max(len(_runs(site)) for site in sites)
    for alike, members in groups.items():
        for text in (alike.reason, alike.switched, alike.receives):
            lines += wrapped("  ", text, width, hang=4) if text else []
        for site in members:
            text = f"{_runs(site):{runs}} → {plan.release.name}  {size_words(site.bytes_expected)}"
            if site.seconds_expected is not None:
                text += f", {time_words(site.seconds_expected)}"
            if site.restarts:
                text += ", starts anew with another operating system"
            lines += wrapped(f"    {site.site:{name}}  ", text, width, hang=6 + name)
    return lines


def _alike(plan: Plan, site: PlannedSite, now: datetime) -> _Alike:
    spec = plan.policy.windows
    switched = _when("switched", activation(spec, site.site, site.labels), now)
    receiving = download(spec, site.site, site.labels)
    return _Alike(site.reason, switched, _when("receives", receiving, now) if receiving.limited else "")


def _when(verb: str, windows: SiteWindows, now: datetime) -> str:
    if not windows.limited:
        return f"{verb} at any time"
    closes = windows.closes_at(now)
    if windows.is_open(now):
        until = f", until {local(closes, windows.time_zone)}" if closes else ""
        return f"{verb} {windows.words()}, open now{until}"
    opens = windows.next_opening(now)
    return f"{verb} {windows.words()}" + (f", next {local(opens, windows.time_zone)}" if opens else "")


def _runs(site: PlannedSite) -> str:
    if site.running is not None:
        return site.running.name
    if not site.models:
        return "not known" if site.reachable else "out of reach"
    return f"provisioned ({', '.join(f'{root_hash[:8]}' for _, root_hash in sorted(site.models.items()))})"


def _left_out(plan: Plan, width: int | None) -> list[Line]:
    groups: dict[str, list[str]] = {}
    for each in plan.left_out:
        groups.setdefault(each.reason, []).append(each.site)
    lines = [Line(f"Left out: {counted(len(plan.left_out))}", "bold")] if groups else []
    for reason, names in groups.items():
        lines += wrapped("  ", f"{_named(names)}: {reason}", width, hang=4)
    return lines


def _named(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMES_ALIKE else f"{counted(len(names))} ({', '.join(names)})"


def _waves(count: int) -> str:
    return "1 wave" if count == 1 else f"{count} waves"


def _percent(share: float) -> str:
    return f"{share * 100:g}%"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
