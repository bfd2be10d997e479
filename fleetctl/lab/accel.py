"""Which accelerator a virtual site gets: KVM when it truly works, emulation (TCG) otherwise, and why."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from fleetctl.lab.hosttools import HostTools, require_reliable_emulation
from fleetctl.lab.trial import TrialResult, run_trial

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class AccelKind(StrEnum):
    """QEMU's own names."""

    KVM = "kvm"
    TCG = "tcg"


class Accel(BaseModel):
    """The decision and what it rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: AccelKind
    reason: str


class _CachedAccel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    boot_id: str
    qemu: str
    accel: Accel


def cpu_flags(cpuinfo: str) -> frozenset[str]:
    """The flags that /proc/cpuinfo names for the first processor; none on another architecture than x86."""
    for line in cpuinfo.splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()


def virtualization_flags(cpuinfo: str) -> frozenset[str]:
    """`vmx` or `svm` among the CPU flags of /proc/cpuinfo."""
    return cpu_flags(cpuinfo) & {"vmx", "svm"}


def decide(*, machine: str, cpuinfo: str, kvm_openable: bool, trial: Callable[[], TrialResult]) -> Accel:
    """The rule. Every condition is needed, and the cheap ones are asked first.

    The flags are required although the trial may pass without them: on a host whose /dev/kvm is a partial
    implementation, the 512-byte guest was seen to run (3.5 s) and a Linux guest to die with "emulation failure".
    """
    if machine != "x86_64":
        return Accel(kind=AccelKind.TCG, reason=f"this machine is {machine}, the image is x86_64")
    if not virtualization_flags(cpuinfo):
        return Accel(kind=AccelKind.TCG, reason="neither vmx nor svm is among the CPU flags")
    if not kvm_openable:
        return Accel(kind=AccelKind.TCG, reason="/dev/kvm is absent or this user may not open it")
    result = trial()
    return Accel(kind=AccelKind.KVM if result.passed else AccelKind.TCG, reason=result.reason)


def detect(tools: HostTools, cache_file: Path, wanted: str = "auto") -> Accel:
    """Decide for this machine, or take what was decided since it booted.

    `wanted` is auto, kvm or tcg; the last two skip the rule. Raises PreflightError when emulation is what remains
    and this QEMU is known to crash under it.
    """
    if wanted == "auto":
        accel = _read_cache(cache_file, tools) or _detect_and_cache(tools, cache_file)
    else:
        accel = Accel(kind=AccelKind(wanted), reason="asked for")
    if accel.kind is AccelKind.TCG:
        require_reliable_emulation(tools.qemu_version)
    return accel


def _detect_and_cache(tools: HostTools, cache_file: Path) -> Accel:
    accel = decide(
        machine=platform.machine(),
        cpuinfo=Path("/proc/cpuinfo").read_text(encoding="utf-8"),
        kvm_openable=_kvm_openable(),
        trial=lambda: run_trial(tools.qemu, "kvm"),
    )
    cached = _CachedAccel(boot_id=_boot_id(), qemu=_qemu_identity(tools), accel=accel)
    cache_file.parent.mkdir(parents=True, exist_ok=True)
    partial = cache_file.with_name(f".{cache_file.name}.{os.getpid()}")
    partial.write_text(cached.model_dump_json(), encoding="utf-8")
    partial.replace(cache_file)
    return accel


def _read_cache(cache_file: Path, tools: HostTools) -> Accel | None:
    """None when there is no cache or it is of another boot or another QEMU; a broken cache is simply redone."""
    try:
        cached = _CachedAccel.model_validate(json.loads(cache_file.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        return None
    return cached.accel if (cached.boot_id, cached.qemu) == (_boot_id(), _qemu_identity(tools)) else None


def _qemu_identity(tools: HostTools) -> str:
    return f"{tools.qemu} {tools.qemu_version}"


def _boot_id() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()


def _kvm_openable() -> bool:
    """Opening is the only honest question: a device node that exists can refuse this user or have no driver."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return True
