"""The CUDA version of a set of pins, and the oldest NVIDIA driver that runs it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from fleetctl.errors import ConfigError
from fleetctl.image.lockfile import Pin

# NVIDIA, CUDA Compatibility, minor version compatibility: the oldest driver on Linux for any CUDA of a major version.
# That holds for machine code; PTX needs the driver of its own version. The engine's trial looks for machine code.
OLDEST_DRIVER = {12: "525.60.13", 13: "580.65.06"}
_RUNTIME = re.compile(r"^nvidia-cuda-runtime(-cu\d+)?$")


def runtime_version(pins: Iterable[Pin]) -> str:
    """Major and minor version of the one CUDA runtime among the pins. Raises `ConfigError` without exactly one."""
    found = {".".join(pin.version.split(".")[:2]) for pin in pins if _RUNTIME.match(pin.name)}
    if len(found) != 1:
        raise ConfigError(
            f"the engine's lock pins {len(found)} CUDA runtimes; wanted is one",
            hint="make lock; see requirements/vllm.in",
        )
    return found.pop()


def oldest_driver(cuda: str) -> str:
    """The oldest driver for a CUDA version. Raises `ConfigError` for a major version that nobody looked up yet."""
    oldest = OLDEST_DRIVER.get(int(cuda.split(".")[0]))
    if oldest is None:
        raise ConfigError(
            f"no driver is known for CUDA {cuda}",
            hint="look it up in NVIDIA's CUDA Compatibility, add it to OLDEST_DRIVER",
        )
    return oldest


def too_old(driver: str | None, oldest: str) -> str:
    """Why the driver cannot run it, in words; empty when it can."""
    if driver is None:
        return f"it has no NVIDIA driver; {oldest} or newer is wanted"
    try:
        enough = Version(driver) >= Version(oldest)
    except InvalidVersion:
        return f"its driver's version {driver!r} is not understood"
    return "" if enough else f"its NVIDIA driver is {driver}, the engine's CUDA needs {oldest} or newer"


def driver_of(packages: Iterable[tuple[str, str]]) -> str | None:
    """The driver's version out of Debian package names and versions; None without a driver."""
    for name, version in packages:
        if name == "libcuda1":
            return version.rpartition(":")[2].split("-")[0]
    return None
