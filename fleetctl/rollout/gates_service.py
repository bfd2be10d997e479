"""The gate `service-level`: latency and failures of each engine against the site's own baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appliance.contract.health import HealthSnapshot
from fleetctl.models.rollout import GateName, ServiceLevelSpec
from fleetctl.rollout.gates import Asked, GateResult, GateVerdict, HealthSource

# Latencies below this are noise of the scheduler: a factor of them says nothing about a model.
_FLOOR_MS = 20.0


@dataclass(frozen=True)
class ServiceLevel:
    """Before the switch it takes the baseline; after it, it compares. With too few requests it could not run."""

    source: HealthSource
    spec: ServiceLevelSpec
    name: GateName = "service-level"

    def ask(self, asked: Asked) -> GateResult:
        measured = measures(self.source.read(asked.site))
        if asked.when == "before":
            return baseline(measured, self.spec, asked.baseline)
        return compared(measured, self.spec, asked.baseline)


def measures(snapshot: HealthSnapshot) -> dict[str, dict[str, Any]]:
    """Of each task: requests in the window, how many failed, and p95 in milliseconds."""
    found: dict[str, dict[str, Any]] = {}
    for engine in snapshot.engines.engines if snapshot.engines else ():
        if engine.latency is not None:
            taken = engine.latency
            found[engine.task] = {"requests": taken.count, "failed": taken.failed, "p95_ms": taken.p95_ms,
                                  "window_s": taken.window_s}  # fmt: skip
    return found


def baseline(
    measured: Mapping[str, Mapping[str, Any]], spec: ServiceLevelSpec, earlier: Mapping[str, Any]
) -> GateResult:
    """Passed when each engine has enough requests, now or when it was looked at earlier in this rollout."""
    kept = {task: dict(value) for task, value in earlier.items()}
    kept.update({task: dict(each) for task, each in measured.items() if _enough(each, spec)})
    few = [f"{task}: {each['requests']} of {spec.minimum_requests} requests in {each['window_s']:.0f} s"
           for task, each in measured.items() if task not in kept]  # fmt: skip
    if few or not kept:
        said = "; ".join(few) or "no engine reports latencies"
        return _unknown(f"no baseline: {said}", measured, kept)
    return GateResult("service-level", GateVerdict.PASSED, "the baseline is taken", {"baseline": kept}, keep=kept)


def compared(
    measured: Mapping[str, Mapping[str, Any]], spec: ServiceLevelSpec, before: Mapping[str, Any]
) -> GateResult:
    """Each task of the baseline against what is measured now."""
    if not before:
        return GateResult("service-level", GateVerdict.COULD_NOT_RUN, "no baseline was taken before the switch")
    bad, few = [], []
    for task, was in before.items():
        now = measured.get(task)
        if now is None or not _enough(now, spec):
            few.append(f"{task}: {now['requests'] if now else 0} of {spec.minimum_requests} requests since")
            continue
        allowed = max(was["p95_ms"], _FLOOR_MS) * spec.latency_factor
        if now["p95_ms"] > allowed:
            bad.append(f"{task}: p95 {now['p95_ms']:.0f} ms, {allowed:.0f} ms are allowed ({was['p95_ms']:.0f} before)")
        rate, limit = _rate(now), _rate(was) + spec.error_rate
        if rate > limit + 1e-9:
            bad.append(f"{task}: {rate:.1%} of requests failed, {limit:.1%} are allowed")
    facts = {"measured": {task: dict(each) for task, each in measured.items()}, "baseline": dict(before)}
    if bad:
        return GateResult("service-level", GateVerdict.FAILED, "; ".join(bad), facts)
    if few:
        return _unknown("; ".join(few), measured, before)
    return GateResult("service-level", GateVerdict.PASSED, "latency and failures are as before", facts)


def _enough(each: Mapping[str, Any], spec: ServiceLevelSpec) -> bool:
    return each["requests"] >= spec.minimum_requests and each["p95_ms"] is not None


def _rate(each: Mapping[str, Any]) -> float:
    return float(each["failed"]) / max(1, each["requests"])


def _unknown(said: str, measured: Mapping[str, Any], kept: Mapping[str, Any]) -> GateResult:
    facts = {"measured": {task: dict(each) for task, each in measured.items()}}
    return GateResult("service-level", GateVerdict.COULD_NOT_RUN, said, facts, may_come=True, keep=dict(kept))
