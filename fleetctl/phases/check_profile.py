"""CheckProfile: does the host fit its hardware profile and its site file?"""

from __future__ import annotations

from appliance.contract.health import Verdict
from fleetctl.checks.lists import preflight_checks
from fleetctl.checks.result import CheckResult
from fleetctl.errors import FleetctlError, PreflightError, UnreachableError
from fleetctl.facts.base import Unreadable
from fleetctl.phases.base import HostRun, PhaseResult


class CheckProfile:
    """Judges the facts; one critical or unknown answer stops the run before anything was changed."""

    title = "CheckProfile"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        results = run.judge(preflight_checks(run.profile), Unreadable("health", "a bare host serves none"))
        error = preflight_error(results, run.site.name)
        if error is not None:
            raise error
        return PhaseResult(detail=f"{len(results)} checks")


def preflight_error(results: tuple[CheckResult, ...], host: str) -> FleetctlError | None:
    """The error for the worst answers; None when nothing is critical or unknown."""
    for verdict, kind in ((Verdict.CRITICAL, PreflightError), (Verdict.UNKNOWN, UnreachableError)):
        bad = [result for result in results if result.verdict is verdict]
        if bad:
            return kind(
                "; ".join(f"{result.check}: {result.reason}" for result in bad),
                hint="; ".join(dict.fromkeys(result.next_action for result in bad)),
                host=host,
            )
    return None
