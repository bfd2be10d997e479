"""`status`: every site's own snapshot over HTTPS, in one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from appliance.contract.health import HealthSnapshot, Verdict, worst
from fleetctl.checks.result import EXIT_CODES
from fleetctl.checks.snapshot import summarised
from fleetctl.errors import FleetctlError
from fleetctl.models.site import Site

# Each waits for one small answer; more threads than this only help a fleet whose sites are mostly off.
PARALLEL = 32


class SiteStatus(BaseModel):
    """One site as it describes itself. Without an answer the verdict is unknown, never ok."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    verdict: Verdict
    why: str
    next_action: str = ""
    image: str = ""
    models: tuple[str, ...] = ()
    taken_at: datetime | None = None


def fleet_status(sites: Sequence[Site], read: Callable[[Site], HealthSnapshot]) -> list[SiteStatus]:
    """Ask all sites at once. `read` raises a `FleetctlError` when a site gives no good answer."""

    def one(site: Site) -> SiteStatus:
        try:
            return _from_snapshot(site, read(site))
        except FleetctlError as error:
            return SiteStatus(site=site.name, verdict=Verdict.UNKNOWN, why=error.message, next_action=error.hint)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(one, sites))


def exit_code(statuses: Sequence[SiteStatus]) -> int:
    """That of the worst verdict; a fleet without sites has nothing that could be healthy."""
    return EXIT_CODES[worst([status.verdict for status in statuses])]


def _from_snapshot(site: Site, health: HealthSnapshot) -> SiteStatus:
    summary = summarised(health)
    return SiteStatus(
        site=site.name,
        verdict=summary.verdict,
        why=summary.reason or "every part calls itself ok",
        next_action=summary.next_action,
        image=health.image.version or "",
        models=tuple(f"{model.name} {(model.root_hash or 'unverified')[:12]}" for model in health.models.loaded),
        taken_at=health.taken_at,
    )
