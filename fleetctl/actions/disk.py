"""`disk status`, `disk escrow test` and `disk escrow show`."""

from __future__ import annotations

import re
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from fleetctl.actions.provision import run_sites
from fleetctl.checks.array import describe_array
from fleetctl.checks.encryption import describe_bindings
from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.disks import DISKS, DiskFacts
from fleetctl.facts.luks import LUKS, LuksFacts
from fleetctl.facts.raid import RAID, RaidFacts
from fleetctl.facts.storage import STORAGE, StorageFacts
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.phases.acquire_lock import AcquireLock
from fleetctl.phases.base import Event
from fleetctl.phases.connect import Connect
from fleetctl.phases.gather_facts import GatherFacts
from fleetctl.phases.release_lock import ReleaseLock
from fleetctl.phases.runner import HostReport
from fleetctl.phases.try_recovery_keys import TryRecoveryKeys
from fleetctl.remote.connection import Connection, Host
from fleetctl.remote.playbook import AnsiblePlaybooks
from fleetctl.trust.escrow import decrypt_recovery_key
from fleetctl.trust.escrow_files import EscrowFiles
from fleetctl.trust.escrow_index import VolumeName
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent

# As cryptsetup and systemd-cryptenroll write it: letters that sit on the same keys on most keyboard layouts.
_RECOVERY_KEY = re.compile(r"(?:[cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SlotStatus(_Model):
    """One key slot: what opens it, and how a guess is made expensive."""

    number: int
    opened_by: str
    kdf: str
    kdf_memory_mib: int


class VolumeStatus(_Model):
    """One LUKS volume. Times are ISO 8601, empty when it never happened."""

    device: str
    luks_uuid: str
    mounted: tuple[str, ...]
    cipher: str
    key_bits: int
    slots: tuple[SlotStatus, ...]
    tpm_binding: str
    in_escrow: bool
    key_tested_at: str
    escrow_tested_at: str


class DiskStatus(_Model):
    """Encryption and arrays of one site."""

    site: str
    volumes: tuple[VolumeStatus, ...]
    arrays: tuple[str, ...]


def disk_status(fleetdir: FleetDir, site: Site, passphrase: Passphrase) -> DiskStatus:
    """Read the volumes. `UnreachableError` when a part cannot be read: half an answer would look like a whole one."""
    with ssh_agent(fleetdir.keys, passphrase) as agent, Connection(site, fleetdir, agent) as connection:
        return read_disk_status(connection, site.name, EscrowFiles(fleetdir.escrow_dir, site.name).luks_uuids())


def read_disk_status(host: Host, name: str, escrowed: frozenset[str]) -> DiskStatus:
    answers = host.gather([DISKS, LUKS, RAID, STORAGE])
    unreadable = [answer for answer in answers.values() if isinstance(answer, Unreadable)]
    if unreadable:
        raise UnreachableError(
            "; ".join(f"could not read {answer.fact}: {answer.reason}" for answer in unreadable),
            hint="run it again; if it stays, look at the machine's console",
            host=name,
        )
    disks: DiskFacts = answers["disks"]
    luks: LuksFacts = answers["luks"]
    raid: RaidFacts = answers["raid"]
    storage: StorageFacts = answers["storage"]
    volumes = []
    for volume in luks.volumes:
        record = storage.volume(volume.uuid)
        node = next((device for device in disks.all() if device.uuid == volume.uuid), None)
        mounted = {mount for device in node.walk() for mount in device.mountpoints} if node else set()
        volumes.append(
            VolumeStatus(
                device=volume.device,
                luks_uuid=volume.uuid,
                mounted=tuple(sorted(mounted)),
                cipher=volume.cipher,
                key_bits=volume.key_bits,
                slots=tuple(
                    SlotStatus(
                        number=slot.number,
                        opened_by=slot.opened_by,
                        kdf=slot.kdf,
                        kdf_memory_mib=slot.kdf_memory_kib // 1024,
                    )
                    for slot in volume.slots
                ),
                tpm_binding=describe_bindings(volume),
                in_escrow=volume.uuid in escrowed,
                key_tested_at=record.tested_at if record else "",
                escrow_tested_at=record.last_test_at if record else "",
            )
        )
    return DiskStatus(site=name, volumes=tuple(volumes), arrays=tuple(describe_array(array) for array in raid.arrays))


def try_escrow(
    fleetdir: FleetDir, site: Site, passphrase: Passphrase, emit: Callable[[Event], None]
) -> list[HostReport]:
    """Try every escrowed recovery key on its volume."""
    phases = (
        Connect(),
        GatherFacts(),
        AcquireLock(),
        TryRecoveryKeys(
            lambda name, luks_uuid: EscrowFiles(fleetdir.escrow_dir, name).ciphertext(luks_uuid),
            lambda ciphertext: decrypt_recovery_key(ciphertext, fleetdir.keys, passphrase),
        ),
        ReleaseLock(),
    )
    return run_sites(phases, AnsiblePlaybooks, fleetdir, [site], passphrase, emit, "disk escrow test")


def recovery_key(
    fleetdir: FleetDir, site: Site, wanted: VolumeName | str, passphrase: Callable[[], Passphrase]
) -> tuple[str, str]:
    """LUKS UUID and recovery key of a volume, by its name or UUID. The passphrase is asked for when the file is found.

    Raises UsageError without such a file, VerificationError when it does not hold a recovery key: whoever can write the
    fleet directory can encrypt something to its recipients, and the answer goes to a terminal.
    """
    files = EscrowFiles(fleetdir.escrow_dir, site.name)
    luks_uuid = files.find(wanted)
    key = decrypt_recovery_key(files.ciphertext(luks_uuid), fleetdir.keys, passphrase())
    if not _RECOVERY_KEY.fullmatch(key):
        raise VerificationError(
            f"the escrow file of {luks_uuid} holds something else than a recovery key",
            hint="restore the escrow file from git",
            host=site.name,
        )
    return luks_uuid, key
