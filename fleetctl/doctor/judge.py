"""Judges the operator's machine: what it has, what it lacks for which work, and how to get it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel

from fleetctl.doctor.machine import OperatorMachine

# 7.2 (Debian 12's own) crashes guests with double faults under software emulation.
QEMU_MIN = (8, 2)
# An image build holds a tools tree, a package cache and two images; each virtual site adds up to 4 GiB.
CACHE_MIN_GIB = 10.0
# A virtual site has 2 GiB, its firmware and emulator some more, and fleetctl runs beside it.
LAB_MIN_MEMORY_MIB = 3500

# Program → Debian package, by the work that needs it.
OPERATE = {
    "ssh": "openssh-client",
    "ssh-agent": "openssh-client",
    "ssh-add": "openssh-client",
    "openssl": "openssl",
    "rsync": "rsync",
}
LAB = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "swtpm": "swtpm"}
IMAGE = {
    "mmdebstrap": "mmdebstrap",
    "bwrap": "bubblewrap",
    "newuidmap": "uidmap",
    "mkfs.erofs": "erofs-utils",
    "veritysetup": "cryptsetup-bin",
    "zstd": "zstd",
}

PROGRAMS = (*OPERATE, *LAB, *IMAGE)


class Level(StrEnum):
    """`degraded`: some work is not possible here; `critical`: none is."""

    ok = "ok"
    degraded = "degraded"
    critical = "critical"


class Finding(BaseModel):
    """One thing that was looked at."""

    work: str
    what: str
    verdict: Level
    seen: str
    next_action: str = ""


def judge(machine: OperatorMachine) -> list[Finding]:
    """All findings, in the order in which a person would put things right."""
    return [
        _python(machine),
        *_programs("operate", OPERATE, Level.critical, machine),
        _memory_file_system(machine),
        *_programs("lab", LAB, Level.degraded, machine),
        _qemu(machine),
        _firmware(machine),
        _acceleration(machine),
        _lab_memory(machine),
        *_programs("image", IMAGE, Level.degraded, machine),
        _space(machine),
    ]


def worst(findings: Iterable[Finding]) -> Level:
    """The worst verdict."""
    order = list(Level)
    return max((finding.verdict for finding in findings), key=order.index, default=Level.ok)


def _python(machine: OperatorMachine) -> Finding:
    fits = (3, 11) <= machine.python[:2] < (3, 14)
    return Finding(
        work="operate",
        what="Python",
        verdict=Level.ok if fits else Level.critical,
        seen=".".join(map(str, machine.python)),
        next_action="" if fits else "use Python 3.11, 3.12 or 3.13",
    )


def _programs(work: str, packages: dict[str, str], lacking: Level, machine: OperatorMachine) -> list[Finding]:
    missing = [name for name in packages if not machine.programs.get(name)]
    if not missing:
        return [Finding(work=work, what="programs", verdict=Level.ok, seen=", ".join(packages))]
    wanted = " ".join(dict.fromkeys(packages[name] for name in missing))
    # On Debian 12 its own QEMU is too old; naming the newest suite that has it does no harm elsewhere.
    note = " (Debian 12: from its backports)" if "qemu" in wanted else ""
    return [
        Finding(work=work, what=name, verdict=lacking, seen="not found", next_action=f"apt install {wanted}{note}")
        for name in missing
    ]


def _memory_file_system(machine: OperatorMachine) -> Finding:
    found = machine.memory_mount is not None
    return Finding(
        work="operate",
        what="file system in memory for opened keys",
        verdict=Level.ok if found else Level.critical,
        seen=machine.memory_mount or "none",
        next_action="" if found else "mount -t tmpfs tmpfs /dev/shm",
    )


def _qemu(machine: OperatorMachine) -> Finding:
    version = machine.qemu_version
    fits = version is not None and version >= QEMU_MIN
    wanted = ".".join(map(str, QEMU_MIN))
    return Finding(
        work="lab",
        what=f"QEMU {wanted} or later",
        verdict=Level.ok if fits else Level.degraded,
        seen=".".join(map(str, version)) if version else "version not readable",
        next_action="" if fits else f"install QEMU {wanted} or later (Debian 12: from its backports)",
    )


def _firmware(machine: OperatorMachine) -> Finding:
    return Finding(
        work="lab",
        what="UEFI firmware with Secure Boot",
        verdict=Level.ok if machine.firmware else Level.degraded,
        seen=machine.firmware or "not found",
        next_action="" if machine.firmware else "apt install ovmf",
    )


def _acceleration(machine: OperatorMachine) -> Finding:
    # Not a fault: emulation works, only slower. The lab itself tries the device before it relies on it.
    if machine.kvm_usable and machine.virtualization_flag:
        seen = f"hardware ({machine.virtualization_flag}, /dev/kvm)"
    elif machine.virtualization_flag:
        seen = "software emulation (no access to /dev/kvm): a boot takes minutes"
    else:
        seen = "software emulation (neither vmx nor svm among the CPU flags): a boot takes minutes"
    return Finding(work="lab", what="virtualization", verdict=Level.ok, seen=seen)


def _lab_memory(machine: OperatorMachine) -> Finding:
    fits = machine.memory_mib >= LAB_MIN_MEMORY_MIB
    return Finding(
        work="lab",
        what=f"memory of {LAB_MIN_MEMORY_MIB} MiB",
        verdict=Level.ok if fits else Level.degraded,
        seen=f"{machine.memory_mib} MiB",
        next_action="" if fits else "give this machine more memory, or run the lab elsewhere",
    )


def _space(machine: OperatorMachine) -> Finding:
    fits = machine.cache_free_gib >= CACHE_MIN_GIB
    return Finding(
        work="image",
        what=f"{CACHE_MIN_GIB:.0f} GiB free in {machine.cache_directory}",
        verdict=Level.ok if fits else Level.degraded,
        seen=f"{machine.cache_free_gib:.1f} GiB",
        next_action="" if fits else "free space there, or set FLEETCTL_CACHE_DIR to a larger disk",
    )
