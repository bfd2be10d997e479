"""CheckResult: a verdict with what was seen, what was wanted, why, and what a person does next."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from appliance.contract.health import Verdict, worst
from fleetctl.facts.base import Unreadable

# DESIGN: 0 ok, 3 degraded, 4 critical, 5 unknown or unreachable.
EXIT_CODES = {Verdict.OK: 0, Verdict.DEGRADED: 3, Verdict.CRITICAL: 4, Verdict.UNKNOWN: 5}


class CheckResult(BaseModel):
    """One judgement. `reason` states what was compared and nothing more.

    `difference` names a part that is another than the profile's reference and meets the requirement all the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    verdict: Verdict
    seen: str
    wanted: str
    reason: str
    next_action: str = ""
    difference: str = ""


def exit_code(results: Sequence[CheckResult]) -> int:
    """The exit code of the worst verdict; of no check at all that of unknown."""
    return EXIT_CODES[worst([result.verdict for result in results])]


def ok(check: str, *, seen: str, wanted: str, reason: str, difference: str = "") -> CheckResult:
    return CheckResult(check=check, verdict=Verdict.OK, seen=seen, wanted=wanted, reason=reason, difference=difference)


def degraded(check: str, *, seen: str, wanted: str, reason: str, next_action: str) -> CheckResult:
    return CheckResult(
        check=check, verdict=Verdict.DEGRADED, seen=seen, wanted=wanted, reason=reason, next_action=next_action
    )


def critical(check: str, *, seen: str, wanted: str, reason: str, next_action: str) -> CheckResult:
    return CheckResult(
        check=check, verdict=Verdict.CRITICAL, seen=seen, wanted=wanted, reason=reason, next_action=next_action
    )


def unknown(check: str, *, wanted: str, because: Unreadable | str) -> CheckResult:
    """Could not be judged: a fact that it needs is unreadable."""
    reason = f"could not read {because.fact}: {because.reason}" if isinstance(because, Unreadable) else because
    return CheckResult(
        check=check,
        verdict=Verdict.UNKNOWN,
        seen="unreadable",
        wanted=wanted,
        reason=reason,
        next_action="run it again; if it stays, look at the machine's console",
    )


def first_unreadable(*facts: object) -> Unreadable | None:
    """The first fact that could not be read."""
    return next((fact for fact in facts if isinstance(fact, Unreadable)), None)
