"""Whether a plan still fits the fleet: a plan is followed as it was reviewed, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from appliance.contract.release import ReleaseManifest
from fleetctl.errors import FleetctlError, RefusedError
from fleetctl.models.base import StrictModel
from fleetctl.models.rollout import Plan, PlannedSite, RolloutPolicySpec
from fleetctl.rollout.plan import running, running_models
from fleetctl.rollout.selection import Candidate, select
from fleetctl.rollout.windows import activation, download

# Two operators' clocks differ by less; more is a wrong clock, and windows would be wrong with it.
_SKEW = timedelta(minutes=5)


class Difference(StrictModel):
    """One thing that is no longer as planned. `site` is empty where it is about the whole plan."""

    site: str = ""
    what: str

    def words(self) -> str:
        """In a line."""
        return f"{self.site}: {self.what}" if self.site else self.what


def still_fits(
    plan: Plan,
    *,
    fleet: str,
    policy: RolloutPolicySpec | None,
    release: ReleaseManifest | None,
    candidates: Sequence[Candidate],
    now: datetime,
) -> list[Difference]:
    """What differs between the plan and the fleet as it is; empty: it fits.

    `release` is the verified manifest of the plan's name in the plan's channel, None when it is not there (any more).
    `policy` is the file's, None when it is gone. `candidates` are all sites of the fleet, asked just now. A site that
    cannot be reached is no difference: a rollout waits for it, as its policy says.
    """
    found = [Difference(what=what) for what in _as_a_whole(plan, fleet, policy, release, now)]
    if release is not None and release.digest == plan.release.digest:
        found += _of_sites(plan, release, candidates, now)
    return found


def require_fit(differences: Sequence[Difference]) -> None:
    """Raise `RefusedError` with the differences, if there are any."""
    if differences:
        lines = [each.words() for each in differences[:20]]
        if len(differences) > 20:
            lines.append(f"and {len(differences) - 20} more differences")
        raise RefusedError(
            "the plan no longer fits the fleet:\n" + "\n".join(f"  {line}" for line in lines),
            hint="make a new plan and have it reviewed: fleetctl rollout plan",
        )


def _as_a_whole(
    plan: Plan, fleet: str, policy: RolloutPolicySpec | None, release: ReleaseManifest | None, now: datetime
) -> list[str]:
    found = []
    if plan.fleet != fleet:
        found.append(f"it is a plan of the fleet {plan.fleet}, this is {fleet}")
    if now >= plan.expires_at:
        found.append(f"it expired at {plan.expires_at.isoformat()}")
    if now < plan.created_at - _SKEW:
        found.append(f"it was made at {plan.created_at.isoformat()}, and this machine's clock says {now.isoformat()}")
    if release is None:
        found.append(f"release {plan.release.name} is not in the channel {plan.channel} (any more)")
    elif release.digest != plan.release.digest:
        digests = f"its digest is {release.digest[:12]}, planned was {plan.release.digest[:12]}"
        found.append(f"release {plan.release.name} was replaced: {digests}")
    if policy is None:
        found.append(f"the policy {plan.policy_name} is gone")
    elif changed := _changed(plan.policy, policy):
        found.append(f"the policy {plan.policy_name} was changed: {', '.join(changed)}")
    return found


def _changed(planned: RolloutPolicySpec, now: RolloutPolicySpec) -> list[str]:
    before, after = (spec.model_dump(mode="json", by_alias=True) for spec in (planned, now))
    return [f"spec.{key}" for key in after if before.get(key) != after[key]]


def _of_sites(plan: Plan, release: ReleaseManifest, candidates: Sequence[Candidate], now: datetime) -> list[Difference]:
    # By the plan's policy: that the file was changed is told once, and not again for each site.
    try:
        selection = select(
            plan.policy, release, candidates, selectors=plan.selectors, now=now, source="the plan's policy"
        )
    except FleetctlError as error:
        return [Difference(what=f"the sites could not be chosen again: {error.message}"), *_running(plan, candidates)]
    planned: dict[str, str] = {each.site: each.wave for each in plan.sites}
    left_out = {each.site: each.reason for each in plan.left_out}
    waves = {each.candidate.name: each.wave for each in selection.chosen}
    reasons = {each.site: each.reason for each in selection.left_out}
    found = []
    for site in sorted(planned.keys() | left_out.keys() | waves.keys() | reasons.keys()):
        if what := _moved(site, planned, left_out, waves, reasons):
            found.append(Difference(site=site, what=what))
    # What moved is told once: that it runs something else as well is the reason, or does not matter any more.
    moved = {each.site for each in found}
    rest = _windows(plan, candidates) + _running(plan, candidates)
    return found + [each for each in rest if each.site not in moved]


def _moved(
    site: str, planned: dict[str, str], left_out: dict[str, str], waves: dict[str, str], reasons: dict[str, str]
) -> str:
    if site not in waves and site not in reasons:
        return "is no site of the fleet any more" if site in planned else ""
    if site in planned:
        if site in reasons:
            return f"was planned in wave {planned[site]}, and is left out now: {reasons[site]}"
        return (
            "" if waves[site] == planned[site] else f"was planned in wave {planned[site]}, now it is in {waves[site]}"
        )
    if site in waves:
        was = f"was left out ({left_out[site]})" if site in left_out else "is new in the fleet"
        return f"{was}, now it is in wave {waves[site]}"
    return ""


def _windows(plan: Plan, candidates: Sequence[Candidate]) -> list[Difference]:
    """Windows are judged by the labels that the plan has kept; other labels now would mean other windows."""
    now = {each.name: each for each in candidates}
    found = []
    for site in plan.sites:
        if site.site not in now or site.labels == now[site.site].labels:
            continue
        for windows in (activation, download):
            before, after = (windows(plan.policy.windows, site.site, labels)
                             for labels in (site.labels, now[site.site].labels))  # fmt: skip
            if before != after:
                what = f"its labels were changed, and its windows would be {after.words() or 'at any time'}"
                found.append(Difference(site=site.site, what=what))
                break
    return found


def _running(plan: Plan, candidates: Sequence[Candidate]) -> list[Difference]:
    seen = {each.name: each.seen.status for each in candidates}
    found = []
    for site in plan.sites:
        status = seen.get(site.site)
        # What was not known when the plan was made was not reviewed either; the box judges it when it returns.
        if status is None or not site.reachable:
            continue
        if (running(status), running_models(status)) != (site.running, dict(site.models)):
            what = f"runs {_set(running(status), running_models(status))}, planned was {_planned_set(site)}"
            found.append(Difference(site=site.site, what=what))
    return found


def _planned_set(site: PlannedSite) -> str:
    return _set(site.running, dict(site.models))


def _set(release: Any, models: dict[str, str]) -> str:
    name = release.name if release is not None else "what the provisioning installed"
    hashes = ", ".join(f"{task} {root_hash[:12]}" for task, root_hash in sorted(models.items()))
    return f"{name} ({hashes or 'models not known'})"
