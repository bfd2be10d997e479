"""Making a virtual site: its record, then the files that the record names. Doing it again makes what is missing."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fleetctl import atomic
from fleetctl.errors import UsageError
from fleetctl.lab.disks import make_disks
from fleetctl.lab.firmware import make_variables
from fleetctl.lab.hosttools import HostTools
from fleetctl.lab.image import default_image, image_source
from fleetctl.lab.ports import choose_ports
from fleetctl.lab.qemu import GuestFiles
from fleetctl.lab.record import LabRecord, disks_for, networks_for
from fleetctl.lab.store import LabStore
from fleetctl.trust.keystore import KeyStore

_GIB = 1024**3
# For a speech model and a small language model beside the gateway.
DEFAULT_MEMORY_MIB = 3072
DEFAULT_CPUS = 2
DEFAULT_DATA_DISKS = 2
# Two halves of one volume: models and state, an OS image as it arrives, and beside it the copy of the running one
# that a delta starts from. Sparse as well.
DEFAULT_DATA_DISK_GIB = 3.0
# The image's partitions and an empty slot B take 2 GiB; the root file system gets the rest. Sparse: it costs nothing.
DEFAULT_SYSTEM_DISK_GIB = 8.0

# systemd reads each SMBIOS string of type 11 that begins so (systemd.system-credentials(7)).
_CREDENTIAL_PREFIX = "io.systemd.credential.binary:"


@dataclass(frozen=True)
class Shape:
    """What is asked of a site. None takes what the site has already, or the default for a new one."""

    memory_mib: int | None = None
    cpus: int | None = None
    data_disks: int | None = None
    data_disk_gib: float | None = None
    system_disk_gib: float | None = None
    image: Path | None = None


def new_record(fleet: str, name: str, shape: Shape, store: LabStore) -> LabRecord:
    """The record of a site that does not exist yet. Raises ConfigError without an image."""
    management, clinical = networks_for(fleet, name)
    image = image_source(shape.image or default_image(fleet), finished=shape.image is None)
    system_bytes = _disk_bytes(shape.system_disk_gib or DEFAULT_SYSTEM_DISK_GIB)
    if system_bytes < Path(image.path).stat().st_size:
        raise UsageError("the system disk would be smaller than the image", hint="give more with --system-disk-gib")
    count = DEFAULT_DATA_DISKS if shape.data_disks is None else shape.data_disks
    return LabRecord(
        name=name, fleet=fleet, memory_mib=shape.memory_mib or DEFAULT_MEMORY_MIB, cpus=shape.cpus or DEFAULT_CPUS,
        management=management, clinical=clinical, ports=choose_ports(store.taken_ports(except_for=name)),
        disks=disks_for(name, system_bytes, count, _disk_bytes(shape.data_disk_gib or DEFAULT_DATA_DISK_GIB)),
        image=image, created_at=datetime.now(UTC))  # fmt: skip


def reshape(record: LabRecord, shape: Shape, *, running: bool) -> LabRecord:
    """Apply what may change on a site that exists. Raises UsageError for what would need new disks or a restart."""
    sizes = {disk.size_bytes for disk in record.data_disks}
    fixed = {
        "data disks": (shape.data_disks, len(record.data_disks)),
        "bytes a data disk": (shape.data_disk_gib and _disk_bytes(shape.data_disk_gib), max(sizes, default=0)),
        "bytes on the system disk": (shape.system_disk_gib and _disk_bytes(shape.system_disk_gib),
                                     record.disks[0].size_bytes),
        "as its image": (shape.image and str(shape.image.resolve()), record.image.path),
    }  # fmt: skip
    for what, (wanted, present) in fixed.items():
        if wanted is not None and wanted != present:
            raise UsageError(
                f"{record.name} was made with {present} {what}, not {wanted}",
                hint=f"fleetctl lab down {record.name} --destroy, then lab up makes it anew",
            )
    changed = record.model_copy(
        update={"memory_mib": shape.memory_mib or record.memory_mib, "cpus": shape.cpus or record.cpus}
    )
    if running and changed != record:
        raise UsageError(
            f"{record.name} runs with {record.memory_mib} MiB and {record.cpus} processors",
            hint=f"fleetctl lab down {record.name} first; its disks stay",
        )
    return changed


def make_files(record: LabRecord, store: LabStore, tools: HostTools, keys: KeyStore) -> LabRecord:
    """Save the record, then make every file that is missing; returns the record, with the image really used."""
    files = GuestFiles(store.runtime_dir(record.name))
    if not (files.runtime_dir / record.disks[0].file).exists():
        record = record.model_copy(update={"image": image_source(Path(record.image.path), finished=False)})
    store.save(record)
    make_disks(record.disks, Path(record.image.path), files.runtime_dir)
    if not files.variables.exists():
        make_variables(tools.firmware_variables, keys.path("secureboot.crt"), files.variables)
    return record


def write_credentials(record: LabRecord, files: GuestFiles, keys: KeyStore) -> tuple[str, ...]:
    """Write what the guest is told at boot: who may log in, and its name. Nothing here is secret."""
    public_key = keys.text("ssh_ed25519.pub").encode("ascii")
    credentials = {"ssh.authorized_keys.root": public_key, "system.hostname": record.name.encode()}
    files.credentials_dir.mkdir(mode=0o700, exist_ok=True)
    for name, value in credentials.items():
        text = f"{_CREDENTIAL_PREFIX}{name}={base64.b64encode(value).decode('ascii')}"
        atomic.write_text(files.credentials_dir / name, text, mode=0o600)
    return tuple(credentials)


def _disk_bytes(size_gib: float) -> int:
    """Whole MiB: partition tools and md leave the odd rest unused anyway."""
    return int(size_gib * 1024) * 1024**2
