"""What the machine is on which fleetctl itself runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fleetctl.errors import RefusedError
from fleetctl.trust.tmpfs import memory_mount

# Where Debian and Ubuntu put OVMF's 4 MiB build that has SMM and Secure Boot.
FIRMWARE = ("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",)

# Programs of root's are not on an ordinary user's PATH, but sudo finds them.
EXTRA_PATH = ("/usr/sbin", "/sbin")


@dataclass(frozen=True)
class OperatorMachine:
    """None stands for "not there"; what is there but could not be read is None in `qemu_version`."""

    python: tuple[int, int, int]
    programs: dict[str, str | None]
    qemu_version: tuple[int, int] | None
    firmware: str | None
    kvm_usable: bool
    virtualization_flag: str | None
    memory_mib: int
    memory_mount: str | None
    cache_directory: str
    cache_free_gib: float


def gather(names: Iterable[str]) -> OperatorMachine:
    """Look at this machine, for the programs `names` among others; changes nothing."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *EXTRA_PATH])
    programs = {name: shutil.which(name, path=path) for name in names}
    cache = cache_directory()
    existing = next(parent for parent in (cache, *cache.parents) if parent.exists())
    return OperatorMachine(
        python=sys.version_info[:3],
        programs=programs,
        qemu_version=_qemu_version(programs.get("qemu-system-x86_64")),
        firmware=next((name for name in FIRMWARE if Path(name).is_file()), None),
        kvm_usable=os.access("/dev/kvm", os.R_OK | os.W_OK),
        virtualization_flag=virtualization_flag(Path("/proc/cpuinfo").read_text()),
        memory_mib=memory_mib(Path("/proc/meminfo").read_text()),
        memory_mount=_memory_mount(),
        cache_directory=str(cache),
        cache_free_gib=shutil.disk_usage(existing).free / 2**30,
    )


def virtualization_flag(cpuinfo: str) -> str | None:
    """`vmx` or `svm` from the text of /proc/cpuinfo."""
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    return next((flag for flag in (flags[1].split() if flags else []) if flag in ("vmx", "svm")), None)


def memory_mib(meminfo: str) -> int:
    """MemTotal from the text of /proc/meminfo."""
    total = re.search(r"^MemTotal:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(total[1]) // 1024 if total else 0


def qemu_version(text: str) -> tuple[int, int] | None:
    """Major and minor number from `qemu-system-x86_64 --version`."""
    found = re.match(r"QEMU emulator version (\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def cache_directory() -> Path:
    """Where images and models are kept between builds: $FLEETCTL_CACHE_DIR, else the user's cache."""
    if own := os.environ.get("FLEETCTL_CACHE_DIR"):
        return Path(own).absolute()
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "fleetctl"


def _qemu_version(program: str | None) -> tuple[int, int] | None:
    if program is None:
        return None
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return qemu_version(done.stdout)


def _memory_mount() -> str | None:
    try:
        return str(memory_mount())
    except RefusedError:
        return None
