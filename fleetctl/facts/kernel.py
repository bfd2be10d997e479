"""KernelFacts: the running kernel, its lockdown, and the NVIDIA driver that it has loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fleetctl.facts.base import Fact, Output, UnreadableError, command, stdout_of
from fleetctl.facts.bounds import number, text

# Parameters of the command line that a check may ask about. The rest stays on the box.
PARAMETERS = ("lockdown", "mem_encrypt", "module.sig_enforce", "iommu", "intel_iommu", "amd_iommu")
_LOCKDOWN = re.compile(r"\[(none|integrity|confidentiality)\]")
_NVIDIA_VERSION = re.compile(r"^\d{1,4}(\.\d{1,4}){1,3}$")


@dataclass(frozen=True)
class NvidiaDriver:
    """`version` like 550.163.01. `open_module`: NVIDIA's open kernel module, by its own word."""

    version: str
    open_module: bool


@dataclass(frozen=True)
class KernelFacts:
    """`lockdown` is none, integrity or confidentiality as the kernel enforces it; None when it has no lockdown at all.

    `tainted` is the kernel's bit field (Documentation/admin-guide/tainted-kernels.rst), 0 for none. `parameters` holds
    those of `PARAMETERS` that stand on the command line; what it asks for need not hold. `nvidia` is None when no
    NVIDIA module is loaded.
    """

    release: str
    lockdown: str | None
    tainted: int
    parameters: dict[str, str]
    nvidia: NvidiaDriver | None


def parse(outputs: Sequence[Output]) -> KernelFacts:
    release, security, lockdown, tainted, command_line, modules, version, banner = outputs
    loaded = "nvidia" in stdout_of(modules, "ls /sys/module").split()
    return KernelFacts(
        release=text(stdout_of(release, "osrelease"), "osrelease"),
        lockdown=_lockdown(security, lockdown),
        tainted=number(stdout_of(tainted, "tainted"), "tainted"),
        parameters=_parameters(stdout_of(command_line, "cat /proc/cmdline")),
        nvidia=_nvidia(version, banner) if loaded else None,
    )


def _lockdown(security: Output, lockdown: Output) -> str | None:
    names = stdout_of(security, "ls /sys/kernel/security").split()
    # An empty folder is a securityfs that nobody mounted; the kernel's own always lists `lsm`.
    if "lsm" not in names:
        raise UnreadableError("securityfs is not mounted")
    if "lockdown" not in names:
        return None
    match = _LOCKDOWN.search(stdout_of(lockdown, "lockdown"))
    if match is None:
        raise UnreadableError("the kernel's lockdown file has another form than expected")
    return match[1]


def _parameters(command_line: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in command_line.split())
    return {name: text(value, name) for name, _, value in pairs if name in PARAMETERS}


def _nvidia(version: Output, banner: Output) -> NvidiaDriver:
    number_text = stdout_of(version, "/sys/module/nvidia/version").strip()
    if not _NVIDIA_VERSION.match(number_text):
        raise UnreadableError(f"the NVIDIA module has the version {number_text[:40]!r}")
    said = stdout_of(banner, "/proc/driver/nvidia/version")
    return NvidiaDriver(number_text, open_module="Open Kernel Module" in said)


KERNEL = Fact(
    "kernel",
    (
        command("cat", "/proc/sys/kernel/osrelease"),
        command("ls", "/sys/kernel/security/"),
        command("cat", "/sys/kernel/security/lockdown"),
        command("cat", "/proc/sys/kernel/tainted"),
        command("cat", "/proc/cmdline"),
        command("ls", "/sys/module/"),
        command("cat", "/sys/module/nvidia/version"),
        command("cat", "/proc/driver/nvidia/version"),
    ),
    parse,
)
