"""`site provision`: from a booted machine to a sealed appliance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from fleetctl.actions.operator_side import FleetOperator, RehearsingOperator, claimed
from fleetctl.image.cache import ImageCache
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.phases.acquire_lock import AcquireLock
from fleetctl.phases.base import Event, HostRun, Phase
from fleetctl.phases.check_profile import CheckProfile
from fleetctl.phases.configure_storage import ConfigureStorage
from fleetctl.phases.connect import Connect
from fleetctl.phases.gather_facts import GatherFacts
from fleetctl.phases.install_models import InstallModels
from fleetctl.phases.install_stack import InstallStack
from fleetctl.phases.isolate_network import IsolateNetwork
from fleetctl.phases.measure_reach import MeasureReach
from fleetctl.phases.pin_key import PinAuditKey, PinHealthKey, PinKey
from fleetctl.phases.release import built_release
from fleetctl.phases.release_lock import ReleaseLock
from fleetctl.phases.runner import HostReport, Interruption, run_hosts
from fleetctl.phases.seal import Seal
from fleetctl.phases.verify import Verify
from fleetctl.release.committed import CommittedSets
from fleetctl.remote.connection import Connection
from fleetctl.remote.playbook import AnsiblePlaybooks, CheckModePlaybooks
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent

# Isolation comes before the stack, so that a hidden download fails here and not at the clinic.
PROVISION: tuple[Phase, ...] = (
    Connect(),
    GatherFacts(),
    CheckProfile(),
    AcquireLock(),
    ConfigureStorage(),
    MeasureReach(),
    IsolateNetwork(),
    InstallStack(),
    InstallModels(),
    Seal(),
    PinAuditKey(),
    PinHealthKey(),
    Verify(),
    ReleaseLock(),
)

# The same with a writer that cannot write. Nothing was made that could be verified, no log was begun, no lock was
# taken, and no baseline is recorded before the rules that it is for.
DRY_RUN: tuple[Phase, ...] = tuple(
    phase for phase in PROVISION if not isinstance(phase, MeasureReach | PinKey | Verify | ReleaseLock)
)

Emit = Callable[[Event], None]
Writer = type[AnsiblePlaybooks]


def provision(
    fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase, emit: Emit, *, parallel: int = 4
) -> list[HostReport]:
    """Provision `sites`. A failed one does not stop the others; its error is in its report."""
    return run_sites(PROVISION, AnsiblePlaybooks, fleetdir, sites, passphrase, emit, "provision", parallel=parallel)


def plan(
    fleetdir: FleetDir, sites: Sequence[Site], passphrase: Passphrase, emit: Emit, *, parallel: int = 4
) -> list[HostReport]:
    """`--dry-run`: the same phases over Ansible's check mode."""
    return run_sites(
        DRY_RUN,
        CheckModePlaybooks,
        fleetdir,
        sites,
        passphrase,
        emit,
        "dry run",
        parallel=parallel,
        operator=RehearsingOperator,
    )


def run_sites(
    phases: Sequence[Phase],
    writer: Writer,
    fleetdir: FleetDir,
    sites: Sequence[Site],
    passphrase: Passphrase,
    emit: Emit,
    reason: str,
    *,
    parallel: int = 1,
    force: bool = False,
    operator: type[FleetOperator] = FleetOperator,
) -> list[HostReport]:
    """Take `sites` through `phases` with one SSH agent."""
    interruption = Interruption()
    with ssh_agent(fleetdir.keys, passphrase) as agent:
        hosts = {
            site.name: partial(
                _opened,
                site,
                fleetdir,
                passphrase,
                agent,
                writer,
                emit,
                reason,
                interruption,
                force=force,
                operator=operator,
            )
            for site in sites
        }
        return run_hosts(phases, hosts, interruption, parallel)


@contextmanager
def _opened(
    site: Site,
    fleetdir: FleetDir,
    passphrase: Passphrase,
    agent: Path,
    writer: Writer,
    emit: Emit,
    reason: str,
    interruption: Interruption,
    *,
    force: bool,
    operator: type[FleetOperator],
) -> Iterator[HostRun]:
    profile = fleetdir.profile(site.spec.profile)
    if (committed := CommittedSets.read(fleetdir).of(site.name)) is not None:
        site = committed.site(site)
    with (
        claimed(fleetdir, site.name, reason, force=force) as claim,
        Connection(site, fleetdir, agent, interruption.heard) as connection,
        writer.opened(site, fleetdir, agent, interruption.heard) as playbooks,
    ):
        yield HostRun(
            site=site,
            profile=profile,
            release=built_release(site, profile, fleetdir.fleet.name, ImageCache.default(), committed),
            recipients=tuple(fleetdir.fleet.spec.escrow_recipients),
            host=connection,
            playbooks=playbooks,
            operator=operator(fleetdir, site, passphrase),
            claim=claim,
            emit=emit,
            cancelled=interruption.heard,
        )
