"""Makes a plan: frozen, from what the fleet's files say and from what the sites answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.contract.release import ReleaseManifest
from appliance.contract.release_status import ReleaseStatus
from fleetctl.errors import ConfigError
from fleetctl.models.rollout import Plan, PlannedSite, PlannedWave, RolloutPolicySpec, Stamp
from fleetctl.rollout.planfile import check_size
from fleetctl.rollout.selection import Candidate, Chosen, Selection, select
from fleetctl.rollout.windows import activation, download

Rates = Callable[[str], float | None]
"""Bytes a second that a site has received with in earlier rollouts; None: never measured."""


@dataclass(frozen=True)
class Subject:
    """What a plan is made of. `source` is the policy's file, for messages."""

    fleet: str
    policy: RolloutPolicySpec
    policy_name: str
    source: str
    release: ReleaseManifest
    candidates: Sequence[Candidate]
    selectors: Mapping[str, str]


def make_plan(
    subject: Subject, *, now: datetime, identity: str, expires_in: timedelta, created_by: str, rates: Rates
) -> Plan:
    """The plan. `identity`: 32 hex digits, never used before.

    Raises as `select` does, and `ConfigError` for a site that no window fits, and for
    a clinical gate that could not run.
    """
    policy = subject.policy
    selection = select(
        policy,
        subject.release,
        subject.candidates,
        selectors=subject.selectors,
        now=now,
        source=subject.source,
    )
    _check_windows(policy, selection, subject.source)
    _check_gate(policy, subject.release, subject.source)
    plan = Plan(
        id=identity,
        fleet=subject.fleet,
        release=stamp(subject.release),
        channel=policy.channel,
        created_at=now,
        expires_at=now + expires_in,
        created_by=created_by,
        policy=policy,
        policy_name=subject.policy_name,
        waves=planned_waves(policy, selection.dropped),
        sites=tuple(_planned(chosen, policy, subject.release, rates) for chosen in selection.chosen),
        left_out=selection.left_out,
        selectors=dict(subject.selectors),
    )
    check_size(plan)
    return plan


def stamp(release: ReleaseManifest) -> Stamp:
    """The release by name and digest."""
    return Stamp(name=release.name, digest=release.digest, sequence=release.sequence)


def running(status: ReleaseStatus | None) -> Stamp | None:
    """The release that a site runs; None: what the provisioning installed, or not known."""
    active = status.active if status else None
    if active is None or active.release is None or active.digest is None or active.sequence < 1:
        return None
    return Stamp(name=active.release, digest=active.digest, sequence=active.sequence)


def running_models(status: ReleaseStatus | None) -> dict[str, str]:
    """Root hash a task of what a site runs; empty: not known."""
    return (
        {str(task): root_hash for task, root_hash in status.active.models.items()} if status and status.active else {}
    )


def bytes_expected(status: ReleaseStatus | None, release: ReleaseManifest) -> int:
    """At most so many bytes go to the site: its missing images in full. A delta is less, by how much is not known.

    Of a site that did not answer, nothing is known to be there.
    """
    there = _images(status) if status else frozenset()
    return sum(each.size_bytes for each in release.components if each.root_hash not in there)


def restarts(status: ReleaseStatus | None, release: ReleaseManifest) -> bool:
    """Whether the site starts anew, with another operating system. Of one that did not answer, it is expected."""
    if release.system is None:
        return False
    return status is None or status.usr_root_hash != release.system.root_hash


def _images(status: ReleaseStatus) -> frozenset[str]:
    """Root hashes of what is there. What the provisioning brought stands in no list of images until it is adopted."""
    sets = [each for each in (status.active, status.previous, status.staged) if each is not None and each.complete]
    systems = {status.usr_root_hash, *(each.usr_root_hash for each in sets)} - {None}
    known = ((*each.models.values(), *each.adapters) for each in sets)
    return frozenset(status.images).union(systems, *known)  # type: ignore[arg-type]


def seconds_expected(size: int, limit_kib_s: int | None, rate: float | None) -> int | None:
    """How long so many bytes take: by the measured rate and the policy's limit, whichever is slower; None: unknown."""
    limit = limit_kib_s * 1024.0 if limit_kib_s else None
    rates = [each for each in (limit, rate) if each is not None and each > 0]
    if size == 0:
        return 0
    return -(-size // max(int(min(rates)), 1)) if rates else None


def planned_waves(policy: RolloutPolicySpec, dropped: Sequence[str]) -> tuple[PlannedWave, ...]:
    """The waves that have sites. A person who was to be asked behind a dropped wave is asked behind the one before."""
    found: list[PlannedWave] = []
    for number, wave in enumerate(policy.waves):
        if wave.name in dropped:
            if wave.promote == "human":
                found[-1] = found[-1].model_copy(update={"promote": "human"})
            continue
        found.append(
            PlannedWave(
                name=wave.name,
                canary=number == 0,
                success_threshold=wave.success_threshold,
                bake=wave.bake,
                promote=wave.promote,
                concurrency=wave.concurrency,
            )
        )
    return tuple(found)


def _planned(chosen: Chosen, policy: RolloutPolicySpec, release: ReleaseManifest, rates: Rates) -> PlannedSite:
    site, status = chosen.candidate, chosen.candidate.seen.status
    size = bytes_expected(status, release)
    return PlannedSite(
        site=site.name,
        wave=chosen.wave,
        reason=chosen.reason,
        running=running(status),
        models=running_models(status),
        reachable=status is not None,
        labels=dict(site.labels),
        activation=activation(policy.windows, site.name, site.labels).words(),
        restarts=restarts(status, release),
        bytes_expected=size,
        seconds_expected=seconds_expected(size, policy.bandwidth_kib_s, rates(site.name)),
    )


def _check_windows(policy: RolloutPolicySpec, selection: Selection, source: str) -> None:
    for kind, windows in (("activation", activation), ("download", download)):
        shut = sorted(
            each.candidate.name
            for each in selection.chosen
            if windows(policy.windows, each.candidate.name, each.candidate.labels).never
        )
        if shut:
            more = f" and {len(shut) - 10} more" if len(shut) > 10 else ""
            raise ConfigError(
                f"{source}: spec.windows.{kind}: no window is for {', '.join(shut[:10])}{more}",
                hint="add one for them; days: every day, start: 00:00, duration: 24h means at any time",
            )


def _check_gate(policy: RolloutPolicySpec, release: ReleaseManifest, source: str) -> None:
    """vLLM takes its share of a card at its start, and leaves no room for another engine beside it."""
    if release.engine == "vllm" and policy.gates.clinical is not None and not policy.gates.clinical.engines_rest:
        raise ConfigError(
            f"{source}: spec.gates.clinical: {release.name} is for vllm, whose cards hold one drafting model at a time",
            hint="engines_rest: true has it measured inside the activation window, while the serving engines rest",
        )
