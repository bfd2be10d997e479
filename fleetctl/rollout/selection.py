"""Which sites a plan touches, in which wave and why; and which it leaves out, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from appliance.contract.release import ReleaseManifest
from appliance.contract.release_status import ReleaseStatus
from fleetctl.errors import ConfigError, RefusedError
from fleetctl.models.holds import SiteHold, SitePin
from fleetctl.models.rollout import LeftOut, RolloutPolicySpec, WaveSpec
from fleetctl.nearest import nearest

CHANNEL_LABEL = "channel"
"""A site with this label follows that channel alone; one without it follows any."""


@dataclass(frozen=True)
class Seen:
    """What a site said of itself. Without a status: `offline` that it did not answer, else an answer of no use."""

    status: ReleaseStatus | None
    problem: str = ""
    offline: bool = False


@dataclass(frozen=True)
class Candidate:
    """A site of the fleet, and all that decides whether a release may come to it."""

    name: str
    labels: Mapping[str, str]
    engine: Literal["llama.cpp", "vllm"]
    seen: Seen
    usr_root_hash: str | None = None
    """As its newest health snapshot said; None: not known, and the box judges it when it is offered the release."""
    hold: SiteHold | None = None
    pin: SitePin | None = None


@dataclass(frozen=True)
class Chosen:
    """A site in a wave."""

    candidate: Candidate
    wave: str
    reason: str


@dataclass(frozen=True)
class Selection:
    """Sites by wave, in order, and the rest of the fleet. `dropped`: later waves that take no site."""

    chosen: tuple[Chosen, ...]
    left_out: tuple[LeftOut, ...]
    dropped: tuple[str, ...] = ()


def turn(site: str) -> str:
    """What sites of a percentage are sorted by: a hash of the name, so that their order says nothing about them.

    It is the same in every rollout: who goes first is known beforehand, and is changed by naming sites in the policy.
    """
    return hashlib.sha256(f"fleetctl rollout order\n{site}".encode()).hexdigest()


def select(
    policy: RolloutPolicySpec,
    release: ReleaseManifest,
    candidates: Sequence[Candidate],
    *,
    selectors: Mapping[str, str],
    now: datetime,
    source: str,
) -> Selection:
    """Choose for every site of the fleet. `source` is the policy's file, for messages.

    Raises `ConfigError` for names that no site has and for sites that no wave takes, `RefusedError` when nothing can
    be learned from the first wave: when it has no site, or none that can be reached.
    """
    check_names(policy, {each.name for each in candidates}, source)
    left_out = []
    eligible = {}
    for each in sorted(candidates, key=lambda one: one.name):
        reason = why_not(each, policy, release, selectors=selectors, now=now)
        if reason is None:
            eligible[each.name] = each
        else:
            left_out.append(LeftOut(site=each.name, reason=reason[:300]))
    if not eligible:
        reasons = "; ".join(f"{each.site}: {each.reason}" for each in left_out[:5]) or "the fleet has no sites"
        reasons += f"; and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        raise RefusedError(f"no site would be changed: {reasons}", hint="fleetctl site list; site unhold, site unpin")
    chosen = _waves(policy.waves, eligible)
    taken = {each.candidate.name for each in chosen}
    if missed := sorted(eligible.keys() - taken):
        raise ConfigError(
            f"{source}: spec.waves: no wave takes {_some(missed)}",
            hint="add a last wave with percent: 100, or name these sites in spec.leave_out",
        )
    _check_canary(policy.waves[0], chosen, left_out)
    full = {each.wave for each in chosen}
    return Selection(chosen, tuple(left_out), tuple(wave.name for wave in policy.waves if wave.name not in full))


def why_not(
    site: Candidate,
    policy: RolloutPolicySpec,
    release: ReleaseManifest,
    *,
    selectors: Mapping[str, str],
    now: datetime,
) -> str | None:
    """Why this release does not go to this site by this policy; None when it may."""
    if site.name in policy.leave_out:
        return "left out by the policy"
    if not selectors.items() <= site.labels.items():
        return f"not selected: the plan is about {', '.join(f'{key}={value}' for key, value in selectors.items())}"
    if site.hold is not None and site.hold.spec.is_active(now):
        return site.hold.spec.words()
    if site.pin is not None and site.pin.spec.release != release.name:
        return site.pin.spec.words()
    if (follows := site.labels.get(CHANNEL_LABEL, policy.channel)) != policy.channel:
        return f"follows the channel {follows}, not {policy.channel}"
    if site.engine != release.engine:
        return f"its engine is {site.engine}, the release was made for {release.engine}"
    brings = release.system is not None
    if not brings and site.usr_root_hash is not None and site.usr_root_hash not in release.usr_root_hashes:
        return f"its OS image ({site.usr_root_hash[:12]}) is none of those that the release was made for"
    if site.seen.status is None:
        return None if site.seen.offline else f"its status is not known: {site.seen.problem}"
    return _why_not_by_status(site.seen.status, release)


def _why_not_by_status(status: ReleaseStatus, release: ReleaseManifest) -> str | None:
    if status.active is not None and status.active.digest == release.digest:
        return "runs it already"
    denied = next((each for each in status.denied if each.digest == release.digest), None)
    if denied is not None:
        return f"was rolled back from it on {denied.at:%Y-%m-%d}: {denied.reason}; until an operator clears it"
    if release.sequence < status.minimum_sequence:
        return f"takes nothing older than sequence {status.minimum_sequence} any more; this one has {release.sequence}"
    return None


def _waves(waves: Sequence[WaveSpec], eligible: Mapping[str, Candidate]) -> tuple[Chosen, ...]:
    """Fill the waves in order. A site that a wave names belongs to that wave: no other one takes it before."""
    named = {site for wave in waves for site in wave.sites}
    left = dict(sorted(eligible.items(), key=lambda item: turn(item[0])))
    chosen: list[Chosen] = []
    for wave in waves:
        free = [name for name in left if name not in named]
        if wave.sites:
            names, reason = [name for name in wave.sites if name in left], "named by the policy"
        elif wave.percent is not None:
            # Rounded up: one site of three is more than 10 percent, and none would be no wave.
            target = -(-wave.percent * len(eligible) // 100)
            names = free[: max(target - len(chosen), 0)]
            reason = f"among the first {wave.percent} percent of {len(eligible)} sites"
        else:
            labels = ", ".join(f"{key}={value}" for key, value in wave.selectors.items())
            names = [name for name in free if wave.selectors.items() <= left[name].labels.items()]
            reason = f"has the labels {labels}" if len(wave.selectors) > 1 else f"has the label {labels}"
        chosen += [Chosen(left.pop(name), wave.name, reason[:300]) for name in names]
    return tuple(chosen)


def check_names(policy: RolloutPolicySpec, known: Collection[str], source: str) -> None:
    """Raise `ConfigError` for names in the policy that no site has, each with the nearest one."""
    places = [(f"spec.waves[{number}].sites", wave.sites) for number, wave in enumerate(policy.waves)]
    problems = []
    for place, names in [*places, ("spec.leave_out", policy.leave_out)]:
        for name in names:
            if name not in known:
                suggestion = nearest(name, known, "")
                problems.append(f"{source}: {place}: there is no site {name}" + (suggestion and f"; {suggestion}"))
    if problems:
        raise ConfigError("\n".join(problems[:10]), hint="correct the names, or: fleetctl site list")


def _check_canary(canary: WaveSpec, chosen: Sequence[Chosen], left_out: Sequence[LeftOut]) -> None:
    members = [each.candidate for each in chosen if each.wave == canary.name]
    if not members:
        wanted = [each for each in left_out if each.site in canary.sites] or list(left_out)
        reasons = "; ".join(f"{each.site}: {each.reason}" for each in wanted[:5])
        raise RefusedError(
            f"the first wave, {canary.name}, has no site, so nothing could be learned from it"
            + (f" ({reasons})" if reasons else ""),
            hint="name other sites for it in the policy",
        )
    if not any(each.seen.status is not None for each in members):
        raise RefusedError(
            f"no site of the first wave, {canary.name}, can be reached: {_some([each.name for each in members])}",
            hint="bring one of them back, or name others in the policy; fleetctl status",
        )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
