"""`site reseal`: around a change of firmware or of Secure Boot's lists."""

from __future__ import annotations

from collections.abc import Callable

from fleetctl.actions.provision import run_sites
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.phases.acquire_lock import AcquireLock
from fleetctl.phases.base import Event, Phase
from fleetctl.phases.connect import Connect
from fleetctl.phases.gather_facts import GatherFacts
from fleetctl.phases.release_lock import ReleaseLock
from fleetctl.phases.reseal import RequireTestedKeys, Reseal, Stage
from fleetctl.phases.runner import HostReport
from fleetctl.phases.try_recovery_keys import TryRecoveryKeys
from fleetctl.remote.playbook import AnsiblePlaybooks
from fleetctl.trust.escrow import decrypt_recovery_key
from fleetctl.trust.escrow_files import EscrowFiles
from fleetctl.trust.passphrase import Passphrase


def phases(fleetdir: FleetDir, passphrase: Passphrase, stage: Stage) -> tuple[Phase, ...]:
    """What is done, in order. Keys are tried before either stage: they may be needed the next minute."""
    keys = TryRecoveryKeys(
        lambda name, luks_uuid: EscrowFiles(fleetdir.escrow_dir, name).ciphertext(luks_uuid),
        lambda ciphertext: decrypt_recovery_key(ciphertext, fleetdir.keys, passphrase),
    )
    return (Connect(), GatherFacts(), AcquireLock(), RequireTestedKeys(keys), Reseal(stage), ReleaseLock())


def reseal(
    fleetdir: FleetDir, site: Site, passphrase: Passphrase, stage: Stage, emit: Callable[[Event], None]
) -> list[HostReport]:
    """Bind the site's volumes anew."""
    done = phases(fleetdir, passphrase, stage)
    return run_sites(done, AnsiblePlaybooks, fleetdir, [site], passphrase, emit, f"site reseal {stage}")
