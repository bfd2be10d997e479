"""Verify: read the host anew and judge it. A playbook that ended well is no evidence."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from appliance.contract.health import HealthSnapshot, Verdict
from fleetctl.checks.lists import verify_checks
from fleetctl.checks.result import CheckResult
from fleetctl.checks.snapshot import summarised
from fleetctl.errors import VerificationError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.host import gather_host_facts
from fleetctl.phases.base import HostRun, PhaseResult

# The services load the model after the seal: a minute on an emulated machine, and the health agent's first snapshot
# comes after that. Measured values belong in docs/operate.
HEALTH_DEADLINE_S = 300.0
HEALTH_INTERVAL_S = 5.0


class Verify:
    """Waits until the box calls itself ok or the deadline is over, then judges what it reads."""

    title = "Verify"
    after_failure = False

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep

    def run(self, run: HostRun) -> PhaseResult:
        health = self._settled_health(run)
        run.facts = gather_host_facts(run.host, gpus=bool(run.profile.spec.gpus), hardware=False)
        results = run.judge(verify_checks(run.profile), health)
        if bad := not_ok(results):
            raise VerificationError(
                "; ".join(f"{result.check} is {result.verdict.value}: {result.reason}" for result in bad),
                hint="; ".join(dict.fromkeys(result.next_action for result in bad)),
                host=run.site.name,
            )
        return PhaseResult(detail=f"{len(results)} checks ok")

    def _settled_health(self, run: HostRun) -> HealthSnapshot | Unreadable:
        deadline_s = self._clock() + HEALTH_DEADLINE_S
        while True:
            health = run.operator.health()
            if isinstance(health, HealthSnapshot) and summarised(health).verdict is Verdict.OK:
                return health
            if run.cancelled():
                raise KeyboardInterrupt
            if self._clock() > deadline_s:
                return health
            self._sleep(HEALTH_INTERVAL_S)


def not_ok(results: Sequence[CheckResult]) -> list[CheckResult]:
    return [result for result in results if result.verdict is not Verdict.OK]
