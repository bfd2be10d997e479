"""QEMU's command line for a virtual site, built purely from its record. Nothing here touches the machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from fleetctl.lab.accel import AccelKind
from fleetctl.lab.hosttools import HostTools
from fleetctl.lab.record import GUEST_CLINICAL_PORT, GUEST_HEALTH_PORT, GUEST_SSH_PORT, LabRecord

# Names inside the runtime directory, which is the working directory of every process of the site.
QMP_SOCKET = "qmp.sock"
CONSOLE_SOCKET = "console.sock"
TPM_SOCKET = "swtpm.sock"
SERIAL_LOG = "serial.log"
VARIABLES = "vars.fd"
CREDENTIALS_DIR = "credentials"

# The translation buffer's own default is an eighth of the host's memory; two sites at once must fit a small host.
_ACCEL = {AccelKind.KVM: "kvm", AccelKind.TCG: "tcg,thread=multi,tb-size=512"}
_CPU = {AccelKind.KVM: "host", AccelKind.TCG: "max"}


@dataclass(frozen=True)
class GuestFiles:
    """Absolute paths of the files that a site is made of."""

    runtime_dir: Path

    @property
    def variables(self) -> Path:
        """The firmware's variables, with the fleet's Secure Boot keys in them."""
        return self.runtime_dir / VARIABLES

    @property
    def serial_log(self) -> Path:
        """Everything the guest ever wrote to its serial console."""
        return self.runtime_dir / SERIAL_LOG

    @property
    def credentials_dir(self) -> Path:
        """systemd credentials, one file each, so that QEMU's arguments carry file names only."""
        return self.runtime_dir / CREDENTIALS_DIR


def qemu_argv(
    record: LabRecord, files: GuestFiles, tools: HostTools, accel: AccelKind, credentials: tuple[str, ...]
) -> list[str]:
    """The whole command line. `credentials` are file names in the credentials directory, one SMBIOS string each."""
    return [
        str(tools.qemu),
        "-name", f"guest={record.name}", "-uuid", record.uuid,
        "-nodefaults", "-no-user-config", "-display", "none",
        # Variables are writable only from system management mode: without it a guest could switch Secure Boot off.
        "-machine", "q35,smm=on,pflash0=firmware-code,pflash1=firmware-variables",
        "-global", "driver=cfi.pflash01,property=secure,value=on",
        "-global", "ICH9-LPC.disable_s3=1",
        "-accel", _ACCEL[accel], "-cpu", _CPU[accel],
        "-smp", str(record.cpus), "-m", str(record.memory_mib),
        "-rtc", "base=utc,clock=host",
        *_file_node("firmware-code", tools.firmware_code, read_only=True),
        *_file_node("firmware-variables", files.variables),
        *_tpm(), *_entropy(), *_serial(), *_qmp(),
        *_disks(record, files),
        *_network(record),
        *_credentials(files, credentials),
    ]  # fmt: skip


def _file_node(name: str, path: Path, *, read_only: bool = False) -> list[str]:
    """A block node over a raw file. JSON, because a comma in a path would end the value in the older syntax."""
    node = {
        "driver": "raw",
        "node-name": name,
        "read-only": read_only,
        "file": {"driver": "file", "filename": str(path), "read-only": read_only},
    }
    return ["-blockdev", json.dumps(node)]


def _disk_node(name: str, path: Path) -> list[str]:
    # Discard and zero detection keep the raw files sparse: an 8 GiB disk costs what the guest has written.
    # A flush of the guest goes to the host's page cache only: it survives QEMU, also a killed one, and the disks of a
    # lab need not survive the host.
    cache = {"no-flush": True}
    node = {
        "driver": "raw",
        "node-name": name,
        "discard": "unmap",
        "detect-zeroes": "unmap",
        "cache": cache,
        "file": {"driver": "file", "filename": str(path), "discard": "unmap", "cache": cache},
    }
    return ["-blockdev", json.dumps(node)]


def _disks(record: LabRecord, files: GuestFiles) -> list[str]:
    argv: list[str] = []
    for index, disk in enumerate(record.disks):
        argv += _disk_node(f"disk{index}", files.runtime_dir / disk.file)
        boot = ",bootindex=0" if index == 0 else ""
        argv += ["-device", f"virtio-blk-pci,drive=disk{index},serial={disk.serial}{boot}"]
    return argv


def _network(record: LabRecord) -> list[str]:
    """Two cards on two user-mode networks. Neither is restricted: only the box's own rules may keep it in.

    Forwarded ports listen on the host's loopback alone. `romfile=` leaves the network boot ROM out, which the
    firmware would otherwise try for a minute.
    """
    ports = record.ports
    forwards = {
        "management": [(ports.ssh, GUEST_SSH_PORT), (ports.health, GUEST_HEALTH_PORT)],
        "clinical": [(ports.clinical, GUEST_CLINICAL_PORT)],
    }
    argv: list[str] = []
    for name, network in (("management", record.management), ("clinical", record.clinical)):
        rules = "".join(f",hostfwd=tcp:127.0.0.1:{host}-:{guest}" for host, guest in forwards[name])
        argv += [
            "-netdev",
            f"user,id={name},net={network.ipv4_net},ipv4=on,ipv6=on,ipv6-net={network.ipv6_net}{rules}",
            "-device",
            f"virtio-net-pci,netdev={name},mac={network.mac},romfile=",
        ]
    return argv


def _tpm() -> list[str]:
    return [
        "-chardev",
        f"socket,id=tpm,path={TPM_SOCKET}",
        "-tpmdev",
        "emulator,id=tpm0,chardev=tpm",
        "-device",
        "tpm-crb,tpmdev=tpm0",
    ]


def _entropy() -> list[str]:
    # An emulated machine has next to no entropy of its own; key generation at the first boot would wait for it.
    return ["-object", "rng-random,id=rng0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng0"]


def _serial() -> list[str]:
    # The log is written by QEMU itself, so it is complete whether or not anybody is connected to the socket.
    return [
        "-chardev",
        f"socket,id=console,path={CONSOLE_SOCKET},server=on,wait=off,logfile={SERIAL_LOG},logappend=on",
        "-serial",
        "chardev:console",
    ]


def _qmp() -> list[str]:
    return ["-qmp", f"unix:{QMP_SOCKET},server=on,wait=off"]


def _credentials(files: GuestFiles, names: tuple[str, ...]) -> list[str]:
    argv: list[str] = []
    for name in names:
        argv += ["-smbios", f"type=11,path={files.credentials_dir / name}"]
    return argv
