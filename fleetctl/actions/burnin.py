"""`site burnin`: load machines for a time, and judge what that did to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.contract.burnin import BurnInReport
from appliance.contract.health import Verdict, worst
from fleetctl.actions.judge import SiteJudgement
from fleetctl.actions.provision import run_sites
from fleetctl.checks.burnin import burnin_checks
from fleetctl.checks.burnin_context import BurnInContext
from fleetctl.checks.inventory import inventory
from fleetctl.checks.result import EXIT_CODES
from fleetctl.errors import FleetctlError
from fleetctl.facts.gpus import GpuFacts
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.profile import HardwareProfile
from fleetctl.models.site import Site
from fleetctl.phases.acquire_lock import AcquireLock
from fleetctl.phases.base import Event, Phase
from fleetctl.phases.connect import Connect
from fleetctl.phases.gather_facts import GatherFacts
from fleetctl.phases.release_lock import ReleaseLock
from fleetctl.phases.run_burnin import BurnInOutcome, RunBurnIn
from fleetctl.phases.runner import HostReport
from fleetctl.remote.playbook import AnsiblePlaybooks
from fleetctl.trust.passphrase import Passphrase

INTERRUPTED = "interrupted by the operator"
_AGAIN = "run it again"


class BurnInJudgement(SiteJudgement):
    """The judgement of one burn-in of `minutes`; `report` is what the box measured, None when it never came."""

    minutes: float
    report: BurnInReport | None = None


@dataclass(frozen=True)
class BurnIns:
    """All sites' judgements; `stop` is what the caller raises after it showed them."""

    judgements: list[BurnInJudgement]
    stop: BaseException | None = None


def phases(minutes: float, outcomes: dict[str, BurnInOutcome]) -> tuple[Phase, ...]:
    """One operator at a time, and the machine's parts are read before they are loaded."""
    return (Connect(), GatherFacts(), AcquireLock(), RunBurnIn(minutes, outcomes), ReleaseLock())


def burn_in(
    fleetdir: FleetDir,
    sites: Sequence[Site],
    passphrase: Passphrase,
    emit: Callable[[Event], None],
    minutes: float,
    *,
    parallel: int,
) -> BurnIns:
    """Load `sites` for `minutes` each, `parallel` at a time, and judge them. After Ctrl-C what was heard is judged."""
    outcomes: dict[str, BurnInOutcome] = {}
    reports: dict[str, HostReport] = {}
    stop: BaseException | None = None
    try:
        done = run_sites(
            phases(minutes, outcomes),
            AnsiblePlaybooks,
            fleetdir,
            sites,
            passphrase,
            emit,
            "burn-in",
            parallel=parallel,
        )
        reports = {report.host: report for report in done}
    except (KeyboardInterrupt, SystemExit) as signalled:
        stop = signalled
    judgements = [
        judgement(
            site.name, fleetdir.profile(site.spec.profile), minutes, outcomes.get(site.name), reports.get(site.name)
        )
        for site in sites
    ]
    if stop is None and len(sites) == 1:
        error = reports[sites[0].name].error
        # The error speaks for the whole unless a fault that was seen is worse.
        stop = error if error and judgements[0].exit_code == error.exit_code else None
    return BurnIns(judgements, stop)


def judgement(
    site: str,
    profile: HardwareProfile,
    minutes: float,
    outcome: BurnInOutcome | None,
    run: HostReport | None,
) -> BurnInJudgement:
    """Judge what is known of one site. `run` is None when the operator ended everything."""
    error = run.error if run else FleetctlError(INTERRUPTED, hint=_AGAIN)
    if outcome is None:
        # It never came to the load: there is nothing to judge, and what stopped it is all there is to say.
        return BurnInJudgement(
            site=site,
            verdict=Verdict.UNKNOWN,
            error=error.message if error else INTERRUPTED,
            next_action=error.hint if error else _AGAIN,
            exit_code=error.exit_code if run and error else EXIT_CODES[Verdict.UNKNOWN],
            minutes=minutes,
        )
    gpus = outcome.facts.gpus if outcome.facts else None
    context = BurnInContext(
        profile=profile,
        minutes=minutes,
        report=outcome.report,
        why=error.message if error else INTERRUPTED,
        next_action=error.hint if error else _AGAIN,
        progress=outcome.progress,
        idle=gpus.report if isinstance(gpus, GpuFacts) else None,
    )
    checks = tuple(check(context) for check in burnin_checks(profile))
    verdict = worst([result.verdict for result in checks])
    return BurnInJudgement(
        site=site,
        verdict=verdict,
        checks=checks,
        machine=inventory(outcome.facts) if outcome.facts else {},
        error=error.message if error else "",
        next_action=error.hint if error else "",
        exit_code=_code(verdict, error if run else None),
        minutes=minutes,
        report=outcome.report,
    )


def _code(verdict: Verdict, error: FleetctlError | None) -> int:
    """A fault that was seen outranks the error that ended the run; without one the error tells more than "unknown"."""
    return error.exit_code if error and verdict is not Verdict.CRITICAL else EXIT_CODES[verdict]
