"""Judging sites: `site preflight` and `site verify` read facts and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from appliance.contract.health import HealthSnapshot, Verdict, worst
from fleetctl.actions.operator_side import FleetOperator
from fleetctl.checks.context import CheckContext
from fleetctl.checks.inventory import inventory
from fleetctl.checks.lists import Check, preflight_checks, verify_checks
from fleetctl.checks.result import EXIT_CODES, CheckResult
from fleetctl.errors import FleetctlError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.host import gather_host_facts
from fleetctl.image.cache import ImageCache
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.profile import HardwareProfile
from fleetctl.models.site import Site
from fleetctl.phases.release import built_release
from fleetctl.release.committed import CommittedSets
from fleetctl.remote.connection import Connection
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent

PARALLEL = 8

# Of several sites the code that needs a person most: identity, critical, unknown, degraded.
_WORST_CODE_FIRST = (9, 4, 5, 3)


class SiteJudgement(BaseModel):
    """The checks of one site. `error` says why there are none; `machine` is what preflight found it to be made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    verdict: Verdict
    checks: tuple[CheckResult, ...] = ()
    machine: dict[str, str] = {}
    error: str = ""
    next_action: str = ""
    exit_code: int


def preflight(fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase) -> list[SiteJudgement]:
    """Is each machine the one that its profile and site file describe?"""
    return _judge(fleetdir, sites, passphrase, preflight_checks, before_provisioning=True)


def verify(fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase) -> list[SiteJudgement]:
    """Is each site still what provisioning made of it?"""
    return _judge(fleetdir, sites, passphrase, verify_checks, before_provisioning=False)


def exit_code(judgements: Sequence[SiteJudgement]) -> int:
    """The worst of all; of no site at all that of unknown."""
    codes = {judgement.exit_code for judgement in judgements}
    if not codes:
        return EXIT_CODES[Verdict.UNKNOWN]
    return next((code for code in _WORST_CODE_FIRST if code in codes), max(codes))


def _judge(
    fleetdir: FleetDir,
    sites: Sequence[Site],
    passphrase: Passphrase,
    checks: Callable[[HardwareProfile], Sequence[Check]],
    *,
    before_provisioning: bool,
) -> list[SiteJudgement]:
    with ssh_agent(fleetdir.keys, passphrase) as agent, ThreadPoolExecutor(PARALLEL) as pool:

        def one(site: Site) -> SiteJudgement:
            try:
                return _judged(fleetdir, site, passphrase, agent, checks, before_provisioning)
            except FleetctlError as error:
                if len(sites) == 1:
                    raise
                return SiteJudgement(
                    site=site.name,
                    verdict=Verdict.UNKNOWN,
                    error=error.message,
                    next_action=error.hint,
                    exit_code=error.exit_code,
                )

        return list(pool.map(one, sites))


def _judged(
    fleetdir: FleetDir,
    site: Site,
    passphrase: Passphrase,
    agent: Path,
    checks: Callable[[HardwareProfile], Sequence[Check]],
    before_provisioning: bool,
) -> SiteJudgement:
    profile = fleetdir.profile(site.spec.profile)
    if (committed := CommittedSets.read(fleetdir).of(site.name)) is not None:
        site = committed.site(site)
    operator = FleetOperator(fleetdir, site, passphrase)
    with Connection(site, fleetdir, agent) as connection:
        facts = gather_host_facts(connection, gpus=bool(profile.spec.gpus), hardware=before_provisioning)
    health: HealthSnapshot | Unreadable = (
        Unreadable("health", "not asked for") if before_provisioning else operator.health()
    )
    release = built_release(site, profile, fleetdir.fleet.name, ImageCache.default(), committed)
    context = CheckContext(site, profile, release.wanted, facts, operator.escrowed(), health, operator.isolation())
    results = tuple(check(context) for check in checks(profile))
    verdict = worst([result.verdict for result in results])
    return SiteJudgement(
        site=site.name,
        verdict=verdict,
        checks=results,
        machine=inventory(facts) if before_provisioning else {},
        exit_code=EXIT_CODES[verdict],
    )
