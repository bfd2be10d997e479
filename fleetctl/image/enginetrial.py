"""Judges an engine tree before it is signed: the trial of images/engine, run by the tree's own Python at its place."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetctl.errors import VerificationError
from fleetctl.image.archive import unpack
from fleetctl.image.cuda import driver_of, too_old
from fleetctl.image.enginetree import PLACE
from fleetctl.image.mirrors import Mirrors
from fleetctl.image.mkosi import COMPONENTS
from fleetctl.image.tools import ToolsTree

_DRIVER = "usr/lib/x86_64-linux-gnu/nvidia/current"
# Half a minute with the files in memory; minutes from a slow disk.
_TIMEOUT_S = 1200


@dataclass(frozen=True)
class Trial:
    """What the trial takes: the tree, the archive's driver library beside it, and drafting settings of sites."""

    root: Path
    driver: Path
    recipe: Path
    package: Path
    sites: Sequence[dict[str, Any]]


def fetch_driver(
    work: Path, mirrors: Mirrors, oldest: str, *, log_path: Path, on_line: Callable[[str], None]
) -> tuple[Path, str]:
    """The folder with the driver library that a GPU image of today gets, and its version.

    Raises `VerificationError` when it is older than the engine's CUDA wants.
    """
    target = work / "driver"
    packages = unpack(("libcuda1",), target, mirrors, COMPONENTS["gpu"], log_path=log_path, on_line=on_line)
    driver = driver_of(packages)
    if why := too_old(driver, oldest):
        raise VerificationError(
            f"the engine would not run on a GPU image of today: {why}",
            hint="requirements/vllm.in: a vLLM for an older CUDA; or build from an archive with a newer driver",
        )
    return target / _DRIVER, driver or ""


def try_tree(trial: Trial, work: Path, tools: ToolsTree, log_path: Path) -> dict[str, Any]:
    """Run the trial and return what it found. Raises `VerificationError` with its last words when it fails."""
    wanted = work / "wanted.json"
    wanted.write_text(json.dumps({"sites": list(trial.sites)}))
    binds = {trial.root: PLACE, trial.driver: "/run/driver", trial.recipe / "trial.py": "/run/trial.py"}
    binds |= {trial.package: "/run/own/appliance", wanted: "/run/wanted.json"}
    command = ["env", "LD_LIBRARY_PATH=/run/driver", f"{PLACE}/bin/python3", "-I", "/run/trial.py", "/run/wanted.json"]
    argv = tools.run_argv(command, binds={}, ro_binds=binds)
    hint = f"the whole output: {log_path}"
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise VerificationError(f"the engine's trial did not end within {_TIMEOUT_S} s", hint=hint) from None
    with log_path.open("a", encoding="utf-8") as log:
        log.write(f"# trying the engine\n{done.stderr}\n{done.stdout}\n")
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        words = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise VerificationError(f"the engine's trial failed (exit {done.returncode}): {words[:300]}", hint=hint)
    try:
        found: dict[str, Any] = json.loads(lines[-1])
    except ValueError:
        raise VerificationError("the engine's trial did not end with what it found", hint=hint) from None
    return found


def judge(
    found: dict[str, Any], sites: Sequence[dict[str, Any]], capabilities: Sequence[str], cuda: str, vllm: str
) -> None:
    """Raise `VerificationError` when the tree is not what the lock says or does not fit the sites' cards."""
    versions = found["versions"]
    problems = []
    if versions["vllm"] != vllm:
        problems.append(f"vLLM is {versions['vllm']}, the lock pins {vllm}")
    if versions["cuda"] != cuda:
        problems.append(f"torch was built with CUDA {versions['cuda']}, the lock's runtime is {cuda}")
    if found["compiled"] != 42:
        problems.append("what Triton compiled does not answer")
    cards = [arguments[1] for arguments in found["parsed"]]
    if cards != [site["cards"] for site in sites]:
        problems.append(f"vLLM's parser understood {cards} cards")
    for library, has in found["machine_code"].items():
        without = [capability for capability in capabilities if not runs_on(has, capability)]
        problems += [f"{library} has no machine code for compute capability {each} (it has {has})" for each in without]
    if problems:
        raise VerificationError(
            "; ".join(problems), hint="choose other versions in requirements/vllm.in, then make lock"
        )


def runs_on(architectures: Sequence[str], capability: str) -> bool:
    """Whether code for one of the architectures runs on a card.

    CUDA C++ Programming Guide, binary compatibility: on the same major version and the same or a higher minor one; code
    for sm_90a and the like on that one only.
    """
    major, minor = (int(part) for part in capability.split("."))
    for name in architectures:
        found = re.fullmatch(r"sm_(\d+)(\d)([a-z]?)", name)
        if found is None:
            continue
        code = (int(found[1]), int(found[2]))
        if code == (major, minor) or (code[0] == major and code[1] < minor and not found[3]):
            return True
    return False
