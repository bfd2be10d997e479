"""How a rule about GPUs of the contract becomes a check on the operator's side."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.contract import finding
from appliance.contract.finding import Finding
from appliance.contract.gpu_evidence import Evidence, GpuRule
from fleetctl.checks.context import CheckContext
from fleetctl.checks.result import CheckResult, ok, unknown
from fleetctl.facts.base import Unreadable
from fleetctl.models.profile import GpuRequirement


def by_rule(rule: GpuRule, context: CheckContext, wanted_gpus: Sequence[GpuRequirement] | None = None) -> CheckResult:
    """Judge the reading of the facts by what the profile wants, or by what is given in its place."""
    requirements = context.profile.spec.gpus if wanted_gpus is None else wanted_gpus
    if not requirements:
        return ok(rule.check, seen="not looked for", wanted="none", reason="the profile wants no GPU")
    facts = context.facts.gpus
    if facts is None or isinstance(facts, Unreadable):
        # What is wanted does not depend on a reading: it is said although there is none.
        wanted = rule.wanted(requirements)
        return unknown(rule.check, wanted=wanted, because=facts or "the GPUs were not read")
    return CheckResult(**rule.judge(Evidence(facts.report, requirements)).model_dump())


def together(check: str, found: Sequence[tuple[str, Finding]], *, wanted: str, compared: str) -> CheckResult:
    """One result of findings about named parts. `compared` is the reason when all are ok and nothing is noted."""
    return CheckResult(**finding.together(check, found, wanted=wanted, compared=compared).model_dump())
