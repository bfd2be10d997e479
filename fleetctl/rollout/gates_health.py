"""The gate `fleet-health`: what the box says of itself. Critical and unknown fail; a pending row remap blocks.

What runs against what was provisioned (drift) is not asked here: another set than before is what a rollout is for. That
the right one runs is read at the box itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.contract.health import HealthSnapshot, Verdict
from fleetctl.checks.site_health import of_snapshot
from fleetctl.models.rollout import GateName
from fleetctl.rollout.gates import Asked, GateResult, GateVerdict, HealthSource

_BLOCKS = frozenset({"gpu_remap_pending"})


@dataclass(frozen=True)
class FleetHealth:
    """Always asked, before and after the switch."""

    source: HealthSource
    name: GateName = "fleet-health"

    def ask(self, asked: Asked) -> GateResult:
        return judged(self.source.read(asked.site), asked)


def judged(snapshot: HealthSnapshot, asked: Asked) -> GateResult:
    """The gate's word on a snapshot."""
    reasons = of_snapshot(snapshot)
    remaps = [check.reason for check in (snapshot.gpus.checks if snapshot.gpus else ()) if check.check in _BLOCKS
              and check.verdict is not Verdict.OK]  # fmt: skip
    remaps += [each.said for each in reasons if each.check in _BLOCKS]
    bad = [each.said for each in reasons if each.verdict in (Verdict.CRITICAL, Verdict.UNKNOWN)]
    bad += [] if not remaps or any(remaps[0] in said for said in bad) else [f"row remap pending: {remaps[0]}"]
    facts = {"verdict": snapshot.verdict.value, "taken_at": snapshot.taken_at.isoformat(),
             "boot_id": snapshot.boot_id, "sequence": snapshot.sequence}  # fmt: skip
    if snapshot.site is not None and snapshot.site != asked.site.name:
        bad.append(f"the snapshot is of {snapshot.site}")
    if asked.when == "after":
        bad += _not_loaded(snapshot, asked)
    if bad:
        return GateResult("fleet-health", GateVerdict.FAILED, "; ".join(bad)[:500], facts)
    degraded = "; ".join(each.said for each in reasons)[:300]
    said = f"degraded, which does not block: {degraded}" if degraded else "every part is ok"
    return GateResult("fleet-health", GateVerdict.PASSED, said, facts)


def _not_loaded(snapshot: HealthSnapshot, asked: Asked) -> list[str]:
    """Models of the release that are not what is loaded, by root hash."""
    loaded = {model.task: model.root_hash for model in snapshot.models.loaded}
    found = []
    for model in asked.release.models:
        if (seen := loaded.get(model.task)) != model.root_hash:
            found.append(f"{model.task}: {(seen or 'nothing')[:12]} is loaded, the release has {model.root_hash[:12]}")
    system, runs = asked.release.system, snapshot.image.usr_root_hash
    if system is not None and runs != system.root_hash:
        found.append(f"the system {(runs or 'unknown')[:12]} runs, the release has {system.root_hash[:12]}")
    return found
