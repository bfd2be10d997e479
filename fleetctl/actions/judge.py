"""Judging sites: `site preflight` and `site verify` read facts and change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from appliance.contract.health import HealthSnapshot, Verdict, worst
from fleetctl.actions.operator_side import FleetOperator
from fleetctl.checks.context import CheckContext
from fleetctl.checks.lists import PREFLIGHT_CHECKS, VERIFY_CHECKS, Check
from fleetctl.checks.result import EXIT_CODES, CheckResult
from fleetctl.errors import FleetctlError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.host import gather_host_facts
from fleetctl.image.cache import ImageCache
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.phases.release import built_release
from fleetctl.remote.connection import Connection
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent

PARALLEL = 8

# Of several sites the code that needs a person most: identity, critical, unknown, degraded.
_WORST_CODE_FIRST = (9, 4, 5, 3)


class SiteJudgement(BaseModel):
    """The checks of one site. `error` says why there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    verdict: Verdict
    checks: tuple[CheckResult, ...] = ()
    error: str = ""
    next_action: str = ""
    exit_code: int


def preflight(fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase) -> list[SiteJudgement]:
    """Is each machine the one that its profile and site file describe?"""
    return _judge(fleetdir, sites, passphrase, PREFLIGHT_CHECKS, ask_health=False)


def verify(fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase) -> list[SiteJudgement]:
    """Is each site still what provisioning made of it?"""
    return _judge(fleetdir, sites, passphrase, VERIFY_CHECKS, ask_health=True)


def exit_code(judgements: Sequence[SiteJudgement]) -> int:
    """The worst of all; of no site at all that of unknown."""
    codes = {judgement.exit_code for judgement in judgements}
    if not codes:
        return EXIT_CODES[Verdict.UNKNOWN]
    return next((code for code in _WORST_CODE_FIRST if code in codes), max(codes))


def _judge(
    fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase, checks: Sequence[Check], *, ask_health: bool
) -> list[SiteJudgement]:
    with ssh_agent(fleetdir.keys, passphrase) as agent, ThreadPoolExecutor(PARALLEL) as pool:

        def one(site: Site) -> SiteJudgement:
            try:
                return _judged(fleetdir, site, passphrase, agent, checks, ask_health)
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
    fleetdir: FleetDir, site: Site, passphrase: Passphrase, agent: Path, checks: Sequence[Check], ask_health: bool
) -> SiteJudgement:
    profile = fleetdir.profile(site.spec.profile)
    operator = FleetOperator(fleetdir, site, passphrase)
    with Connection(site, fleetdir, agent) as connection:
        facts = gather_host_facts(connection)
    health: HealthSnapshot | Unreadable = operator.health() if ask_health else Unreadable("health", "not asked for")
    release = built_release(site, profile, fleetdir.fleet.name, ImageCache.default())
    context = CheckContext(site, profile, release.wanted, facts, operator.escrowed(), health, operator.isolation())
    results = tuple(check(context) for check in checks)
    verdict = worst([result.verdict for result in results])
    return SiteJudgement(site=site.name, verdict=verdict, checks=results, exit_code=EXIT_CODES[verdict])
