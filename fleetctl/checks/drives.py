"""Checks of the data disks themselves: drives_suitable (interface, self-encryption), drives_healthy (SMART)."""

from __future__ import annotations

from fleetctl.checks.context import CheckContext
from fleetctl.checks.machine import NOT_READ, OTHER_MACHINE, not_required
from fleetctl.checks.result import CheckResult, critical, degraded, ok, unknown
from fleetctl.facts.base import Unreadable
from fleetctl.facts.nvme import NvmeDrive, NvmeFacts

# Ours: a drive that has used four fifths of its endurance is replaced while there is time to order one.
WORN_PERCENT = 80
# virtio: the disk of a virtual machine.
_VIRTUAL = "vd"


def drives_suitable(context: CheckContext) -> CheckResult:
    """The data disks are attached as the profile wants, and encrypt themselves where it wants that."""
    name, requirement = "drives_suitable", context.profile.spec.storage
    hardware = requirement.encryption == "hardware"
    if requirement.interface == "any" and not hardware:
        return not_required(name)
    wanted = "NVMe data disks" + (" that encrypt themselves (TCG)" if hardware else "")
    facts = context.facts.nvme
    if facts is None or isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts or NOT_READ)
    problems, open_questions, seen = [], [], []
    for serial in context.site.spec.storage.data_disks:
        drive = facts.with_serial(serial)
        if drive is None:
            problems.append(f"{serial} is no NVMe drive")
            continue
        seen.append(f"{serial} {drive.model}, {_locking(drive)}")
        if hardware and drive.self_encrypting is False:
            problems.append(f"{serial} does not encrypt itself")
        elif hardware and drive.self_encrypting is None:
            open_questions.append(f"{serial} knows the security commands, and was not asked what it does with them")
    listed = "; ".join(seen) or "none of them"
    if problems:
        return critical(
            name,
            seen=listed,
            wanted=wanted,
            reason="; ".join(problems),
            next_action="fit the drives that the profile requires, or " + OTHER_MACHINE,
        )
    if open_questions:
        return unknown(name, wanted=wanted, because="; ".join(open_questions))
    return ok(name, seen=listed, wanted=wanted, reason="compared what the drives answered (NVMe, TCG discovery)")


def _locking(drive: NvmeDrive) -> str:
    return {True: "self-encrypting", False: "not self-encrypting", None: "self-encryption not known"}[
        drive.self_encrypting
    ]


def drives_healthy(context: CheckContext) -> CheckResult:
    """No NVMe data disk warns of anything, lacks spare blocks, is worn out or has lost data."""
    name, wanted = (
        "drives_healthy",
        f"no warning, spare blocks, under {WORN_PERCENT} % of endurance used, no media error",
    )
    disks, facts = context.facts.disks, context.facts.nvme
    if isinstance(disks, Unreadable):
        return unknown(name, wanted=wanted, because=disks)
    found = {serial: disks.disk(serial) for serial in context.site.spec.storage.data_disks}
    absent = [serial for serial, disk in found.items() if disk is None]
    if absent:
        return unknown(name, wanted=wanted, because=f"{', '.join(absent)} is not there")
    names = {serial: disk.name for serial, disk in found.items() if disk is not None}
    if all(device.startswith(_VIRTUAL) for device in names.values()):
        return ok(name, seen="virtual disks", wanted=wanted, reason="a virtual disk has no health of its own")
    others = sorted(serial for serial, device in names.items() if not device.startswith("nvme"))
    if others:
        return unknown(name, wanted=wanted, because=f"the health of {', '.join(others)} is not read: no NVMe drive")
    nvme = sorted(names)
    if facts is None or isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts or NOT_READ)
    return _judge(name, wanted, nvme, facts)


def _judge(name: str, wanted: str, serials: list[str], facts: NvmeFacts) -> CheckResult:
    seen, worn, broken = [], [], []
    for serial in serials:
        drive = facts.with_serial(serial)
        if drive is None:
            return unknown(name, wanted=wanted, because=f"{serial} did not answer with its health log")
        smart = drive.smart
        seen.append(
            f"{serial}: {smart.used_percent} % used, spare {smart.spare_percent} %, {smart.power_on_hours} h on"
        )
        if smart.critical_warning:
            broken.append(f"{serial} warns (critical_warning {smart.critical_warning:#04x})")
        if smart.spare_percent < smart.spare_threshold_percent:
            broken.append(f"{serial} has {smart.spare_percent} % of its spare blocks left")
        if smart.used_percent >= WORN_PERCENT:
            worn.append(f"{serial} has used {smart.used_percent} % of its endurance")
        if smart.media_errors:
            worn.append(f"{serial} counts {smart.media_errors} media errors")
    listed = "; ".join(seen)
    if broken:
        return critical(
            name, seen=listed, wanted=wanted, reason="; ".join(broken + worn), next_action="replace the drive"
        )
    if worn:
        return degraded(
            name, seen=listed, wanted=wanted, reason="; ".join(worn), next_action="plan the drive's replacement"
        )
    return ok(name, seen=listed, wanted=wanted, reason="compared the drives' health logs (NVMe SMART)")
