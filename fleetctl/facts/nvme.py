"""NvmeFacts: NVMe drives with their wear, their health and what they say about encrypting themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleetctl.facts.base import Completed, Fact, Output, UnreadableError, command, completed_stdout, for_each, stdout_of
from fleetctl.facts.bounds import at_most, number, text

MAX_DRIVES = 256
MAX_NAMESPACES = 1024
_CONTROLLER = re.compile(r"^nvme\d{1,4}$")
# Identify Controller, OACS (NVM Express base specification 2.0, figure 275): bit 0, Security Send and Security Receive.
_SECURITY_COMMANDS = 1 << 0
# SMART log, 2.0 figure 207: a percentage that may pass 100 and stops at 255.
_MOST_USED = 255
_ANSWERS = {"yes": True, "no": False}


@dataclass(frozen=True)
class NvmeNamespace:
    """`path` like /dev/nvme0n1. Sizes in bytes; `block_bytes` is the data size of its LBA format."""

    nsid: int
    path: str
    size_bytes: int
    block_bytes: int


@dataclass(frozen=True)
class NvmeSmart:
    """The drive's SMART log. Percentages as the drive counts them: `used_percent` is the endurance used up, and may
    pass 100. `critical_warning` is a bit field, 0 when the drive warns of nothing. `temperature_c` in Celsius."""

    critical_warning: int
    temperature_c: int
    spare_percent: int
    spare_threshold_percent: int
    used_percent: int
    media_errors: int
    power_on_hours: int
    unsafe_shutdowns: int


@dataclass(frozen=True)
class LockingState:
    """The drive's TCG level 0 discovery, locking feature. `media_encryption`: the drive encrypts what it stores (a
    Pyrite drive locks without). `enabled`: somebody took ownership, so that a key is asked for after a power cut."""

    supported: bool
    enabled: bool
    locked: bool
    media_encryption: bool


@dataclass(frozen=True)
class NvmeDrive:
    """One controller with what it serves. `firmware` is its active revision, `address` its place on the PCI bus.

    `security_commands`: it knows Security Send and Receive, without which it cannot encrypt itself under TCG rules;
    with them it may. `locking` is what it answered when asked; None when nobody could ask, which leaves it open.
    """

    controller: str
    address: str
    model: str
    serial: str
    firmware: str
    namespaces: tuple[NvmeNamespace, ...]
    smart: NvmeSmart
    security_commands: bool
    locking: LockingState | None

    @property
    def self_encrypting(self) -> bool | None:
        """True when the drive says that it encrypts what it stores, False when it cannot; None when that is open."""
        if self.locking is not None:
            return self.locking.supported and self.locking.media_encryption
        return None if self.security_commands else False


@dataclass(frozen=True)
class NvmeFacts:
    """No drives when the kernel was asked and has none."""

    drives: tuple[NvmeDrive, ...]

    def with_serial(self, serial: str) -> NvmeDrive | None:
        return next((drive for drive in self.drives if drive.serial == serial), None)


def parse(outputs: Sequence[Output]) -> NvmeFacts:
    classes, listing, identities, logs, discoveries = outputs
    # Without the driver there is no /sys/class/nvme: a machine with SATA disks only.
    if "nvme" not in stdout_of(classes, "ls /sys/class").split():
        return NvmeFacts(())
    names = sorted(stdout_of(identities, "ls /sys/class/nvme").split(), key=lambda name: (len(name), name))
    if wrong := [name for name in names if not _CONTROLLER.match(name)]:
        raise UnreadableError(f"{wrong[0][:40]!r} is no NVMe controller")
    at_most(names, MAX_DRIVES, "NVMe controllers")
    if not names:
        return NvmeFacts(())
    listed = dict(_listed(json.loads(stdout_of(listing, "nvme list"))))
    return NvmeFacts(tuple(_drive(name, listed, identities, logs, discoveries) for name in names))


def _listed(document: dict[str, Any]) -> Iterator[tuple[str, tuple[str, tuple[NvmeNamespace, ...]]]]:
    """Controller → PCI address and namespaces. A controller that shares its namespaces has them at the subsystem."""
    for host in document["Devices"]:
        for subsystem in host["Subsystems"]:
            shared = subsystem.get("Namespaces", [])
            for controller in subsystem["Controllers"]:
                rows = at_most([*controller["Namespaces"], *shared], MAX_NAMESPACES, "namespaces")
                address = text(controller["Address"], "Address")
                yield str(controller["Controller"]), (address, tuple(_namespace(row) for row in rows))


def _namespace(row: dict[str, Any]) -> NvmeNamespace:
    return NvmeNamespace(
        nsid=number(row["NSID"], "NSID"),
        path="/dev/" + text(row["NameSpace"], "NameSpace"),
        size_bytes=number(row["PhysicalSize"], "PhysicalSize"),
        block_bytes=number(row["SectorSize"], "SectorSize", most=2**20),
    )


def _drive(
    name: str,
    listed: Mapping[str, tuple[str, tuple[NvmeNamespace, ...]]],
    identities: Output,
    logs: Output,
    discoveries: Output,
) -> NvmeDrive:
    if name not in listed:
        raise UnreadableError(f"nvme list does not name {name}")
    address, namespaces = listed[name]
    identity = _answer(identities, name, "nvme id-ctrl")
    answers = [discoveries.items.get(namespace.path.removeprefix("/dev/")) for namespace in namespaces]
    return NvmeDrive(
        controller=name,
        address=address,
        model=text(identity["mn"], "mn"),
        serial=text(identity["sn"], "sn"),
        firmware=text(identity["fr"], "fr"),
        namespaces=namespaces,
        smart=_smart(_answer(logs, name, "nvme smart-log")),
        security_commands=bool(number(identity["oacs"], "oacs", most=0xFFFF) & _SECURITY_COMMANDS),
        locking=_locking(answers),
    )


def _answer(output: Output, name: str, what: str) -> dict[str, Any]:
    if name not in output.items:
        raise UnreadableError(f"no answer of {what} for {name}")
    answer: dict[str, Any] = json.loads(completed_stdout(output.items[name], f"{what} {name}"))
    return answer


def _smart(log: dict[str, Any]) -> NvmeSmart:
    warning = log["critical_warning"]
    return NvmeSmart(
        # nvme-cli gives an object with the whole value and its bits when it is asked for more words.
        critical_warning=number(
            warning["value"] if isinstance(warning, dict) else warning, "critical_warning", most=255
        ),
        # Kelvin in the log; 0 °C are 273.15 K and nvme-cli itself takes 273.
        temperature_c=number(log["temperature"], "temperature", most=0xFFFF) - 273,
        spare_percent=number(log["avail_spare"], "avail_spare", most=100),
        spare_threshold_percent=number(log["spare_thresh"], "spare_thresh", most=100),
        used_percent=number(log["percent_used"], "percent_used", most=_MOST_USED),
        # 128-bit counters.
        media_errors=number(log["media_errors"], "media_errors", most=2**128 - 1),
        power_on_hours=number(log["power_on_hours"], "power_on_hours", most=2**128 - 1),
        unsafe_shutdowns=number(log["unsafe_shutdowns"], "unsafe_shutdowns", most=2**128 - 1),
    )


def _locking(answers: Sequence[Completed | None]) -> LockingState | None:
    """What `nvme sed discover` printed for the drive's namespaces. It ends with 1 for a drive that answered "no Opal"
    and for a kernel that could not ask, alike: that stays open."""
    states = {_locking_state(answer.stdout) for answer in answers if answer is not None and answer.exit_code == 0}
    if len(states) > 1:
        raise UnreadableError("the namespaces of one drive answer differently about locking")
    return states.pop() if states else None


def _locking_state(printed: str) -> LockingState:
    pairs = (line.split(":", 1) for line in printed.splitlines() if ":" in line)
    fields = {key.strip(): value.strip().lower() for key, value in pairs}
    return LockingState(
        supported=_ANSWERS[fields["Locking Supported"]],
        enabled=_ANSWERS[fields["Locking Feature Enabled"]],
        locked=_ANSWERS[fields["Locked"]],
        media_encryption=_ANSWERS[fields["Media Encryption"]],
    )


_CONTROLLERS = ("ls", "/sys/class/nvme/")
_NVME_DISKS = ("lsblk", "--nvme", "--nodeps", "--noheadings", "--output", "NAME")

NVME = Fact(
    "nvme",
    (
        command("ls", "/sys/class/"),
        command("nvme", "list", "-v", "-o", "json"),
        for_each(_CONTROLLERS, "nvme", "id-ctrl", "-o", "json", "/dev/{}"),
        for_each(_CONTROLLERS, "nvme", "smart-log", "-o", "json", "/dev/{}"),
        for_each(_NVME_DISKS, "nvme", "sed", "discover", "/dev/{}"),
    ),
    parse,
)
