"""Checks of the disks under the state volume: raid_healthy, data_disks_usable."""

from __future__ import annotations

from fleetctl.checks.context import CheckContext
from fleetctl.checks.encryption import STATE_MOUNT
from fleetctl.checks.result import CheckResult, critical, degraded, first_unreadable, ok, unknown
from fleetctl.facts.base import Unreadable
from fleetctl.facts.disks import BlockDevice
from fleetctl.facts.raid import Array
from fleetctl.facts.storage import StorageFacts

GIB = 1024**3


def raid_healthy(context: CheckContext) -> CheckResult:
    """The state volume stands on an array of the profile's level with every member working."""
    name = "raid_healthy"
    level, members = context.profile.spec.storage.level, len(context.site.spec.storage.data_disks)
    wanted = f"{level}, {members} of {members} members working"
    disks, raid = context.facts.disks, context.facts.raid
    if isinstance(disks, Unreadable) or isinstance(raid, Unreadable):
        return unknown(name, wanted=wanted, because=first_unreadable(disks, raid) or "")
    layers = disks.layers_below(STATE_MOUNT) or ()
    arrays = [array for layer in layers if (array := raid.named(layer.name)) is not None]
    if not arrays:
        return critical(
            name,
            seen=f"{STATE_MOUNT} is not mounted from an array",
            wanted=wanted,
            reason="no layer below the mount is in /proc/mdstat",
            next_action=f"fleetctl site provision {context.site.name}",
        )
    array = arrays[0]
    seen = describe_array(array)
    if not array.active or array.level != level or array.wanted_members != members:
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason="the array's level, state or number of members differs from profile and site file",
            next_action=f"fleetctl disk status {context.site.name}; a person must decide about the array",
        )
    if array.working_members < members or array.failed:
        return degraded(
            name,
            seen=seen,
            wanted=wanted,
            reason=f"{array.working_members} of {members} members work: one more loss loses the volume",
            next_action="replace the failed disk, then mdadm --add it to the array",
        )
    if array.work.startswith(("recovery", "reshape", "resync")):
        return degraded(
            name,
            seen=seen,
            wanted=wanted,
            reason=f"the array is busy: {array.work}",
            next_action="wait until /proc/mdstat shows no more work",
        )
    return ok(name, seen=seen, wanted=wanted, reason="compared /proc/mdstat with the profile and the site file")


def describe_array(array: Array) -> str:
    state = "" if array.active else ", not active"
    failed = f", failed: {', '.join(array.failed)}" if array.failed else ""
    work = f", {array.work}" if array.work else ""
    return f"{array.name} {array.level}, {array.working_members} of {array.wanted_members} members{state}{failed}{work}"


def data_disks_usable(context: CheckContext) -> CheckResult:
    """Every data disk is there, large enough, and empty, or already ours, or named in erase_disks."""
    name = "data_disks_usable"
    storage, least = context.site.spec.storage, context.profile.spec.storage.min_disk_gib
    wanted = f"{', '.join(storage.data_disks)}: at least {least:g} GiB each; empty, already ours, or in erase_disks"
    disks, journal = context.facts.disks, context.facts.storage
    if isinstance(disks, Unreadable) or isinstance(journal, Unreadable):
        return unknown(name, wanted=wanted, because=first_unreadable(disks, journal) or "")
    problems, seen = [], []
    for serial in storage.data_disks:
        disk = disks.disk(serial)
        if disk is None:
            problems.append(f"{serial} is not there")
            continue
        content = _content(disk)
        seen.append(f"{serial} {disk.size_bytes / GIB:.1f} GiB {content}")
        if disk.size_bytes < least * GIB:
            problems.append(f"{serial} has {disk.size_bytes / GIB:.1f} GiB")
        if any(mount in ("/", "/usr", "/efi", "/boot") for device in disk.walk() for mount in device.mountpoints):
            problems.append(f"{serial} carries the running system")
        elif content != "empty" and not _is_ours(disk, journal) and serial not in storage.erase_disks:
            problems.append(f"{serial} holds {content}, which is not ours to erase")
    if problems:
        return critical(
            name,
            seen="; ".join(seen) or "none of them",
            wanted=wanted,
            reason="; ".join(problems),
            next_action="correct spec.storage in the site file; erase_disks names, by serial, what may be destroyed",
        )
    return ok(name, seen="; ".join(seen), wanted=wanted, reason="compared serials, sizes and signatures of the disks")


def _content(disk: BlockDevice) -> str:
    if disk.signature:
        return disk.signature
    return f"{len(disk.children)} partitions" if disk.children else "empty"


def _is_ours(disk: BlockDevice, journal: StorageFacts) -> bool:
    """A member of the array that the box's own journal names. lsblk and mdadm punctuate the UUID differently."""
    return (
        disk.signature == "linux_raid_member"
        and bool(journal.array_uuid)
        and (_digits(disk.uuid) == _digits(journal.array_uuid))
    )


def _digits(uuid: str) -> str:
    return uuid.replace("-", "").replace(":", "").lower()
