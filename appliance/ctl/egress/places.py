"""Runs a probe in a place: on the host as a child process, in a service's sandbox as a transient unit."""

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.contract.egress import Attempt, ProbeSpec, Variant
from appliance.ctl.egress import clone, probe
from appliance.facts.reading import UnreadableError, run
from appliance.facts.services import Unit

UNIT_DIRECTORY = Path("/run/systemd/system")
WORK_DIRECTORY = Path("/run")
_PREFIX = "appliance-egress-probe-"
# A process starts in some seconds under emulation; this is far more.
_START_ALLOWANCE_S = 60.0


@dataclass(frozen=True)
class Tried:
    """What came back from one place: the attempts, and the namespace in which they were made (None: unknown)."""

    attempts: tuple[Attempt, ...]
    network_namespace: str | None
    problem: str = ""


def task(spec: ProbeSpec, variant: Variant, *, with_controls: bool) -> dict[str, Any]:
    """Return what a probe process reads."""
    asked = [("target", target) for target in spec.targets]
    asked += [("control", target) for target in spec.controls] if with_controls else []
    return {
        "variant": variant.value,
        "timeout_s": spec.timeout_s,
        "targets": [{"role": role, **target.model_dump(mode="json")} for role, target in asked],
    }


def understand(text: str, origin: str, variant: Variant, asked: dict[str, Any]) -> Tried:
    """Turn a probe's answer into attempts. Whatever was asked and not answered becomes an error."""
    problem, answer = "", {}
    try:
        answer = json.loads(text)
        found = {entry["target_id"]: Attempt(origin=origin, variant=variant, **entry) for entry in answer["attempts"]}
    except (ValueError, KeyError, TypeError):
        found, answer, problem = {}, {}, f"{origin} ({variant}): the probe gave no result"
    attempts = tuple(
        found.get(target["id"])
        or Attempt(
            origin=origin, variant=variant, target_id=target["id"], role=target["role"], outcome="error", layer="probe",
            detail="the probe gave no result", seconds=0.0,
        )
        for target in asked["targets"]
    )  # fmt: skip
    return Tried(attempts, answer.get("network_namespace"), problem)


def from_host(spec: ProbeSpec) -> Tried:
    """Try everything from the host's own namespaces."""
    asked = task(spec, Variant.HOST, with_controls=True)
    try:
        done = subprocess.run(
            [sys.executable, "-I", probe.__file__],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            timeout=spec.timeout_s * 2 + _START_ALLOWANCE_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return understand("", "host", Variant.HOST, asked)
    return understand(done.stdout, "host", Variant.HOST, asked)


def remove_leftovers() -> None:
    """Remove what an interrupted run left: unit files and work folders of probes."""
    for path in UNIT_DIRECTORY.glob(f"{_PREFIX}*.service"):
        path.unlink(missing_ok=True)
    for path in WORK_DIRECTORY.glob(f"{_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _prepared(units: Sequence[tuple[Unit, Variant]], spec: ProbeSpec) -> Iterator[list[tuple[str, clone.Files]]]:
    """Write the transient units, tell systemd, and take everything away again."""
    remove_leftovers()
    folder = WORK_DIRECTORY / f"{_PREFIX}{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    timeout_s = spec.timeout_s * 2 + _START_ALLOWANCE_S
    command = [sys.executable, "-I", str(Path(probe.__file__).resolve())]
    names = []
    try:
        UNIT_DIRECTORY.mkdir(parents=True, exist_ok=True)
        for number, (unit, variant) in enumerate(units):
            files = clone.Files(folder / f"{number}.task", folder / f"{number}.result", folder / f"{number}.errors")
            Path(files.task).write_text(json.dumps(task(spec, variant, with_controls=False)))
            text = (
                clone.in_sandbox(unit.unit, run(["systemctl", "cat", unit.unit]), command, files, timeout_s)
                if variant is Variant.SERVICE
                else clone.in_namespace(unit.unit, command, files, timeout_s)
            )
            name = f"{folder.name}-{number}.service"
            (UNIT_DIRECTORY / name).write_text(text)
            names.append((name, files))
        run(["systemctl", "daemon-reload"], timeout_s=120)
        yield names
    finally:
        remove_leftovers()
        subprocess.run(["systemctl", "daemon-reload"], check=False, capture_output=True, timeout=120)


def from_services(units: Sequence[tuple[Unit, Variant]], spec: ProbeSpec) -> dict[tuple[str, Variant], Tried]:
    """Try everything from the sandboxes and namespaces of services, all at once."""
    results: dict[tuple[str, Variant], Tried] = {}
    try:
        with _prepared(units, spec) as names:
            # Failing starts are seen by their missing results; the exit code adds nothing.
            subprocess.run(
                ["systemctl", "start", *(name for name, _ in names)], check=False, capture_output=True,
                timeout=spec.timeout_s * 2 + 2 * _START_ALLOWANCE_S,
            )  # fmt: skip
            for (unit, variant), (_, files) in zip(units, names, strict=True):
                text, errors = _read(Path(files.result)), _read(Path(files.errors))
                tried = understand(text, unit.unit, variant, task(spec, variant, with_controls=False))
                if tried.problem and errors:
                    tried = Tried(tried.attempts, None, f"{tried.problem}: {errors.splitlines()[-1]}"[:300])
                results[(unit.unit, variant)] = tried
    except (UnreadableError, OSError, subprocess.TimeoutExpired) as error:
        problem = f"the probes could not be started in the services' sandboxes: {error}"[:300]
        for unit, variant in units:
            if (unit.unit, variant) not in results:
                nothing = understand("", unit.unit, variant, task(spec, variant, with_controls=False))
                results[(unit.unit, variant)] = Tried(nothing.attempts, None, problem)
    return results


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
