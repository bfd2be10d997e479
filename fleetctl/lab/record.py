"""What is known of a virtual site between runs (lab.json): its shape, ports, disks, keys and how to reach it."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

GUEST_SSH_PORT = 22
GUEST_HEALTH_PORT = 9443
GUEST_CLINICAL_PORT = 443

HOST_LOOPBACK = "127.0.0.1"
# QEMU's user-mode network shows the host's loopback to the guest as host number 2 of each of its networks.
GUEST_VIEW_IPV4 = "10.0.2.2"
GUEST_VIEW_IPV6 = "fec0::2"

_SERIAL_LIMIT = 20  # virtio-blk cuts a longer serial number off
_QEMU_MAC_PREFIX = "52:54:00"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ports(_Model):
    """Ports on the host's loopback: the first three lead into the guest, the others are the canary's listeners."""

    ssh: int
    health: int
    clinical: int
    canary_tcp: int
    canary_udp: int
    canary_dns: int
    ehr: int
    time: int


class Network(_Model):
    """One of the site's two user-mode networks."""

    mac: str
    ipv4_net: str
    ipv6_net: str


class Disk(_Model):
    """A raw file that the guest sees as a virtio disk with this serial number."""

    serial: str
    file: str
    size_bytes: int
    role: Literal["system", "data"]


class ImageSource(_Model):
    """The image that the system disk was copied from."""

    path: str
    version: str = "unknown"
    usr_root_hash: str = "unknown"


class Canary(_Model):
    """One place outside the box that hears about a connection, as the guest addresses it."""

    id: str
    protocol: Literal["tcp", "udp", "dns"]
    family: Literal[4, 6]
    address: str
    port: int


class LabRecord(_Model):
    """lab.json. Written whole and atomically after each change."""

    schema_version: Literal[1] = 1
    name: str
    fleet: str
    uuid: str = Field(default_factory=lambda: str(uuid.uuid4()))
    memory_mib: int
    cpus: int
    management: Network
    clinical: Network
    ports: Ports
    disks: tuple[Disk, ...]
    image: ImageSource
    created_at: datetime
    accel: str | None = None
    accel_reason: str | None = None
    starts: int = 0
    started_at: datetime | None = None
    serial_offset_bytes: int = 0  # where the serial log stood when QEMU was last started
    host_key_fingerprint: str | None = None  # as the guest printed it on its serial console
    host_public_key: str | None = None  # "ssh-ed25519 AAAA…", fetched over the network and found to match

    @property
    def data_disks(self) -> tuple[Disk, ...]:
        """The disks for the state volume."""
        return tuple(disk for disk in self.disks if disk.role == "data")

    def canaries(self) -> tuple[Canary, ...]:
        """Every listener that must hear nothing once the box is isolated."""
        listeners: tuple[tuple[Literal["tcp", "udp", "dns"], int], ...] = (
            ("tcp", self.ports.canary_tcp),
            ("udp", self.ports.canary_udp),
            ("dns", self.ports.canary_dns),
        )
        families: tuple[tuple[Literal[4, 6], str], ...] = ((4, GUEST_VIEW_IPV4), (6, GUEST_VIEW_IPV6))
        return tuple(
            Canary(id=f"{protocol}{family}", protocol=protocol, family=family, address=address, port=port)
            for protocol, port in listeners
            for family, address in families
        )

    def controls(self) -> tuple[Canary, ...]:
        """The listeners on paths that the site file allows: they must hear, or the proof is worth nothing."""
        return (
            Canary(id="ehr", protocol="tcp", family=4, address=GUEST_VIEW_IPV4, port=self.ports.ehr),
            Canary(id="time", protocol="udp", family=4, address=GUEST_VIEW_IPV4, port=self.ports.time),
        )

    def site_spec(
        self,
        profile: str = "lab-vm",
        transcription: str = "whisper-tiny.en",
        drafting: str = "smollm2-135m-instruct",
    ) -> dict[str, Any]:
        """The `spec` of a Site that describes this machine, for `fleetctl site add NAME --lab`."""
        return {
            "profile": profile,
            "management": {"address": HOST_LOOPBACK, "ssh_port": self.ports.ssh, "health_port": self.ports.health},
            "clinical": {"address": HOST_LOOPBACK, "port": self.ports.clinical},
            "networks": {
                "management": {"interface_mac": self.management.mac, "sources": [self.management.ipv4_net]},
                "clinical": {"interface_mac": self.clinical.mac, "sources": [self.clinical.ipv4_net]},
            },
            "egress": {
                "allow": [
                    {"name": control.id, "protocol": control.protocol, "address": control.address, "port": control.port}
                    for control in self.controls()
                ]
            },
            "storage": {"data_disks": [disk.serial for disk in self.data_disks], "erase_disks": []},
            "release": {"transcription": transcription, "drafting": drafting},
            # A lab has no identity provider: tokens come from the box's console.
            "identity": {"local_issuer": True},
        }


def networks_for(fleet: str, name: str) -> tuple[Network, Network]:
    """Management and clinical network. MAC addresses follow from the names, so that a rebuilt site keeps its own."""
    digest = hashlib.sha256(f"{fleet}/{name}".encode()).digest()
    macs = [":".join([_QEMU_MAC_PREFIX, *(f"{byte:02x}" for byte in digest[at : at + 3])]) for at in (0, 3)]
    return (
        Network(mac=macs[0], ipv4_net="10.0.2.0/24", ipv6_net="fec0::/64"),
        Network(mac=macs[1], ipv4_net="10.0.3.0/24", ipv6_net="fec0:0:0:3::/64"),
    )


def disks_for(name: str, system_bytes: int, data_disks: int, data_disk_bytes: int) -> tuple[Disk, ...]:
    """System disk first. Serial numbers are unique inside the site, which is all that addresses them."""

    def serial(suffix: str) -> str:
        return f"{name.upper()[: _SERIAL_LIMIT - 1 - len(suffix)]}-{suffix}"

    system = Disk(serial=serial("SYS"), file="system.raw", size_bytes=system_bytes, role="system")
    data = (
        Disk(serial=serial(f"DATA{index}"), file=f"data{index}.raw", size_bytes=data_disk_bytes, role="data")
        for index in range(data_disks)
    )
    return (system, *data)
