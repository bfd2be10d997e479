"""Simulated CUDA driver: a small libcuda.so.1 that does our kernels on the host's memory, as a scenario file says.

Nothing here drives or needs a GPU, and no PTX is translated. The real ctypes binding loads it in a child process.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.sim import nvml

HERE = Path(__file__).parent
SCENARIOS = HERE / "scenarios"
NAMES = sorted(path.stem for path in SCENARIOS.glob("*.conf"))


@functools.cache
def library() -> Path:
    """The folder that holds the simulated library, built once per test run."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError("no C compiler for the simulated CUDA driver; hint: setup/host.sh test")
    folder = Path(tempfile.mkdtemp(prefix="simulated-cuda-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sources = [*sorted(HERE.glob("*.c")), nvml.HERE / "scenario.c"]
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-fvisibility=hidden", "-O2", "-Wall", "-Wextra", "-Werror",
         "-Wl,-soname,libcuda.so.1", "-o", folder / "libcuda.so.1", *sources],
        check=True,
    )  # fmt: skip
    return folder


def environment(scenario: str | Path, nvml_scenario: str | Path) -> dict[str, str]:
    """What a child process needs in its environment to load both simulated libraries."""
    path = SCENARIOS / f"{scenario}.conf" if isinstance(scenario, str) else scenario
    both = nvml.environment(nvml_scenario)
    folders = os.pathsep.join((str(library()), both["LD_LIBRARY_PATH"]))
    return {**both, "LD_LIBRARY_PATH": folders, "FLEETCTL_SIMULATED_CUDA": str(path)}


def use(monkeypatch: pytest.MonkeyPatch, scenario: str | Path, nvml_scenario: str | Path) -> None:
    """Let every child process that a test starts load both simulated libraries."""
    for name, value in environment(scenario, nvml_scenario).items():
        monkeypatch.setenv(name, value)
