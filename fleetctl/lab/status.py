"""What a person is told of a virtual site: whether it runs, where, and what it last said."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from fleetctl.errors import FleetctlError
from fleetctl.lab.canary_client import NAME as CANARY
from fleetctl.lab.disks import allocated_bytes
from fleetctl.lab.process import age_s
from fleetctl.lab.record import Ports
from fleetctl.lab.site import QEMU, LabSite
from fleetctl.lab.swtpm import NAME as SWTPM
from fleetctl.models.fleetdir import FleetDir


class SiteStatus(BaseModel):
    """One virtual site, now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    state: str  # off, QEMU's own word (running, io-error, …), or unreadable
    booted: bool  # the console has shown the host key since the last power-on
    up_s: float | None
    pids: dict[str, int]
    accel: str | None
    accel_reason: str | None
    memory_mib: int
    cpus: int
    ports: Ports
    disks: dict[str, int]  # serial -> bytes really taken on the host
    image_version: str
    host_key_fingerprint: str | None
    last_console_line: str
    runtime_dir: str


def site_status(site: LabSite) -> SiteStatus:
    """Read everything; nothing is changed. Raises FleetctlError when the record is missing or unreadable."""
    record = site.record
    pids = {name: pid for name in (QEMU, SWTPM, CANARY) if (pid := site.processes.pid(name)) is not None}
    state = site.qemu_state()
    paths = dict(zip((disk.serial for disk in record.disks), site.raw_image_paths, strict=True))
    return SiteStatus(
        name=site.name, state=state or "off", booted=state is not None and site.booted,
        up_s=age_s(pids[QEMU]) if QEMU in pids else None, pids=pids, accel=record.accel,
        accel_reason=record.accel_reason, memory_mib=record.memory_mib, cpus=record.cpus, ports=record.ports,
        disks={serial: allocated_bytes(path) for serial, path in paths.items() if path.exists()},
        image_version=record.image.version, host_key_fingerprint=record.host_key_fingerprint,
        last_console_line=(site.serial.tail(1, record.serial_offset_bytes) or [""])[0][:200],
        runtime_dir=str(site.runtime_dir))  # fmt: skip


def fleet_status(fleetdir: FleetDir, names: list[str]) -> tuple[list[SiteStatus], dict[str, FleetctlError]]:
    """Every named site, and beside them the ones whose state could not be read, with the reason."""
    seen: list[SiteStatus] = []
    unreadable: dict[str, FleetctlError] = {}
    for name in names:
        try:
            seen.append(site_status(LabSite(fleetdir, name)))
        except FleetctlError as error:
            unreadable[name] = error
    return seen, unreadable
