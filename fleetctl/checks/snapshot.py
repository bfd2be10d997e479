"""What a health snapshot comes to on the operator's side, whatever verdict the box gives itself."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.contract.health import HealthSnapshot, Verdict, worst


@dataclass(frozen=True)
class Summary:
    """The worst of the box's own verdict and all its parts, with every part that is not ok in words."""

    verdict: Verdict
    reason: str
    next_action: str


def summarised(health: HealthSnapshot) -> Summary:
    """Judge a snapshot. `reason` and `next_action` are empty when all of it is ok."""
    parts = health.parts()
    bad = {name: part for name, part in parts.items() if part.verdict is not Verdict.OK}
    of_parts = worst([part.verdict for part in parts.values()])
    reasons = [f"{name}: {part.reason}" for name, part in bad.items()]
    actions = [part.next_action for part in bad.values() if part.next_action]
    if health.verdict is not of_parts:
        whole = f"the box calls itself {health.verdict.value}"
        reasons.append(whole if bad else f"{whole}, every part of it ok")
        actions = actions or ["fleetctl site verify: it reads the box by another way"]
    return Summary(worst([health.verdict, of_parts]), "; ".join(reasons), "; ".join(dict.fromkeys(actions)))
