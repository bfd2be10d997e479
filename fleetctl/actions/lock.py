"""`lock status` and `lock release`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from fleetctl.actions.provision import run_sites
from fleetctl.errors import UnreachableError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.lock import LOCK, LockFacts
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.phases.base import Event, HostRun, PhaseResult
from fleetctl.phases.connect import Connect
from fleetctl.phases.failure import lock_held
from fleetctl.phases.runner import HostReport
from fleetctl.remote.connection import Connection, Host
from fleetctl.remote.playbook import AnsiblePlaybooks
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent


class LockStatus(BaseModel):
    """The lock of one site; the other fields are empty when nobody holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    held: bool
    expired: bool = False
    owner: str = ""
    host: str = ""
    reason: str = ""
    taken_at: datetime | None = None
    expires_at: datetime | None = None


class DropLock:
    """Asks the box to drop the lock; with force also somebody else's."""

    title = "DropLock"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        answer = run.apply("unlock").fleet.get("lock", {})
        if answer.get("left"):
            raise lock_held(answer["left"], run.site.name)
        return PhaseResult(detail="released" if answer.get("released") else "nothing was held")


def lock_status(fleetdir: FleetDir, site: Site, passphrase: Passphrase) -> LockStatus:
    """Who holds the lock of `site`."""
    with ssh_agent(fleetdir.keys, passphrase) as agent, Connection(site, fleetdir, agent) as connection:
        return read_lock_status(connection, site.name, datetime.now(UTC))


def read_lock_status(host: Host, name: str, now: datetime) -> LockStatus:
    facts: LockFacts | Unreadable = host.gather([LOCK])[LOCK.name]
    if isinstance(facts, Unreadable):
        raise UnreachableError(f"could not read the lock: {facts.reason}", hint="run it again", host=name)
    lock = facts.lock
    if lock is None:
        return LockStatus(site=name, held=False)
    return LockStatus(
        site=name,
        held=True,
        expired=lock.expires_at <= now,
        owner=lock.owner,
        host=lock.host,
        reason=lock.reason,
        taken_at=lock.taken_at,
        expires_at=lock.expires_at,
    )


def release_lock(
    fleetdir: FleetDir, site: Site, passphrase: Passphrase, emit: Callable[[Event], None], *, force: bool
) -> list[HostReport]:
    """Release our own lock, or with `force` whoever's it is."""
    phases = (Connect(), DropLock())
    return run_sites(phases, AnsiblePlaybooks, fleetdir, [site], passphrase, emit, "lock release", force=force)
