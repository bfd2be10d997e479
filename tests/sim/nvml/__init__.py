"""Simulated NVML: a small libnvidia-ml.so.1 that answers from a scenario file, and a PCI bus in sysfs' form beside it.

Nothing here drives or needs a GPU. The real nvidia-ml-py loads the library, in a child process, through the dynamic
loader's own search path.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCENARIOS = HERE / "scenarios"
NAMES = sorted(path.stem for path in SCENARIOS.glob("*.conf"))

# Runs `appliancectl` with its PCI bus in another folder: argv is FOLDER, then appliancectl's arguments.
_APPLIANCECTL = """
import pathlib, sys
from appliance.gpu import bus
bus.DEVICES = pathlib.Path(sys.argv.pop(1))
from appliance.ctl.__main__ import main
main()
"""


@functools.cache
def library() -> Path:
    """The folder that holds the simulated library, built once per test run."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError("no C compiler for the simulated NVML; hint: setup/host.sh test")
    folder = Path(tempfile.mkdtemp(prefix="simulated-nvml-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-Wall", "-Wextra", "-Werror",
         "-Wl,-soname,libnvidia-ml.so.1", "-o", folder / "libnvidia-ml.so.1", *sorted(HERE.glob("*.c"))],
        check=True,
    )  # fmt: skip
    return folder


def environment(scenario: str | Path) -> dict[str, str]:
    """What a child process needs in its environment to load the simulated library. A scenario's name, or a file."""
    path = SCENARIOS / f"{scenario}.conf" if isinstance(scenario, str) else scenario
    return {"LD_LIBRARY_PATH": str(library()), "FLEETCTL_SIMULATED_NVML": str(path)}


def use(monkeypatch: pytest.MonkeyPatch, scenario: str | Path) -> None:
    """Let every child process that a test starts load the simulated library."""
    for name, value in environment(scenario).items():
        monkeypatch.setenv(name, value)


def sections(scenario: str) -> dict[str, dict[str, str]]:
    """What a scenario says: section → key → value, its base's lines included."""
    found: dict[str, dict[str, str]] = {}
    section = ""
    path = SCENARIOS / f"{scenario}.conf"
    for raw in path.read_text().splitlines():
        line = raw.strip()
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = (part.strip() for part in line.partition("="))
            if key == "base":
                found = sections(str((path.parent / value).resolve().relative_to(SCENARIOS.resolve())))
            else:
                found.setdefault(section, {})[key] = value
    return found


def pci_bus(folder: Path, scenario: str) -> Path:
    """Make a folder like /sys/bus/pci/devices that shows the scenario's GPUs, a sound function of one and a bridge."""
    said = sections(scenario)
    gpus = [said.get(f"gpu {index}", {}) for index in range(int(said[""]["gpus"]))]
    ids = [gpu["pci_id"] for gpu in gpus if gpu.get("on_bus") != "0"] + said[""].get("bus_only", "").split()
    devices = folder / "devices"
    for number, pci_id in enumerate(ids):
        # Cards without an own display are 3D controllers; the others VGA-compatible ones.
        pci_device(devices, pci_id, "0x10de", "0x030200" if number % 2 else "0x030000")
    pci_device(devices, "0000:17:00.1", "0x10de", "0x040300")
    pci_device(devices, "0000:00:1f.0", "0x8086", "0x060100")
    return devices


def pci_device(devices: Path, pci_id: str, vendor: str, kind: str) -> None:
    """Add a device as sysfs shows it."""
    (devices / pci_id).mkdir(parents=True)
    (devices / pci_id / "vendor").write_text(f"{vendor}\n")
    (devices / pci_id / "class").write_text(f"{kind}\n")


def appliancectl(folder: Path, scenario: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `appliancectl` over the simulated library and bus of a scenario; `folder` is an empty one."""
    return run(
        [sys.executable, "-c", _APPLIANCECTL, str(pci_bus(folder, scenario)), *arguments], env=environment(scenario)
    )


def run(argv: list[str], *, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a child process with `env` added."""
    return subprocess.run(
        argv,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def in_child(code: str, scenario: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a few lines of Python that import pynvml, in a child."""
    return run([sys.executable, "-c", code], env=environment(scenario))
