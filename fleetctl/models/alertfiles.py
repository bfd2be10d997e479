"""Reads and writes the fleet's alert policy and its silences."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from fleetctl import atomic
from fleetctl.errors import ConfigError, RefusedError, UsageError
from fleetctl.models.alerts import DEFAULT_RULES, AlertPolicy, Silence
from fleetctl.models.base import NAME_PATTERN
from fleetctl.models.load import load, parse
from fleetctl.nearest import nearest

POLICY = "policies/alerts.yaml"
SILENCES = "policies/silences"


def read_policy(fleet: Path) -> AlertPolicy:
    """The policy of the fleet directory, or the default one. Raises `ConfigError`."""
    path = fleet / POLICY
    return load(path, AlertPolicy) if path.exists() else parse(DEFAULT_RULES, AlertPolicy, "the default policy")


def read_silences(fleet: Path) -> list[Silence]:
    """All silences, also those that have ended. Raises `ConfigError`: a silence that cannot be read is no silence."""
    found = []
    for path in sorted((fleet / SILENCES).glob("*.yaml")):
        silence = load(path, Silence)
        if silence.name != path.stem:
            raise ConfigError(
                f"{path}: metadata.name is {silence.name}, the file says {path.stem}",
                hint="name the file as the silence",
            )
        found.append(silence)
    return found


def write_silence(fleet: Path, silence: Silence) -> Path:
    """Write a new silence. Raises `RefusedError` if there is one of that name."""
    path = _path(fleet, silence.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    document = silence.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"apiVersion": "fleetctl/v1"}
    try:
        atomic.write_text(path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True), replace=False)
    except FileExistsError:
        raise RefusedError(
            f"there is a silence {silence.name}: {path}", hint=f"fleetctl alerts unsilence {silence.name}"
        ) from None
    return path


def remove_silence(fleet: Path, name: str) -> Path:
    """Remove a silence. Raises `UsageError` if there is none."""
    path = _path(fleet, name)
    try:
        path.unlink()
    except FileNotFoundError:
        known = sorted(each.stem for each in path.parent.glob("*.yaml"))
        raise UsageError(f"there is no silence {name}", hint=nearest(name, known, "fleetctl alerts list")) from None
    return path


def _path(fleet: Path, name: str) -> Path:
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"{name!r} is no name", hint="a-z, 0-9 and -, at most 63 characters")
    return fleet / SILENCES / f"{name}.yaml"
