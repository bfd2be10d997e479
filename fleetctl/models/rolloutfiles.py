"""Reads rollout policies, and reads and writes holds and pins: small files of the fleet directory, for git."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import yaml

from fleetctl import atomic
from fleetctl.errors import ConfigError, RefusedError, UsageError
from fleetctl.models.base import NAME_PATTERN, Resource
from fleetctl.models.holds import SiteHold, SitePin
from fleetctl.models.load import load
from fleetctl.models.rollout import RolloutPolicy
from fleetctl.nearest import nearest, nearest_or_all

POLICIES = "policies/rollouts"
HOLDS = "policies/holds"
PINS = "policies/pins"

R = TypeVar("R", bound=Resource)


def policy_path(fleet: Path, name: str) -> Path:
    """Where the policy lies, or would. Raises `UsageError` for what is no name."""
    return _path(fleet, POLICIES, name)


def read_policy(fleet: Path, name: str) -> RolloutPolicy:
    """The policy of that name. Raises `UsageError` if there is none, `ConfigError` with file and line."""
    path = policy_path(fleet, name)
    if not path.is_file():
        known = sorted(each.stem for each in (fleet / POLICIES).glob("*.yaml"))
        hint = nearest(name, known, f"write {path}: docs/operate/rollouts.md has an example")
        raise UsageError(f"there is no rollout policy {name} in {fleet / POLICIES}", hint=hint)
    return _named(path, RolloutPolicy)


def read_holds(fleet: Path) -> dict[str, SiteHold]:
    """Site → its hold, also those that have ended. Raises `ConfigError`: what cannot be read may hold a site."""
    return {path.stem: _named(path, SiteHold) for path in sorted((fleet / HOLDS).glob("*.yaml"))}


def held(fleet: Path, now: datetime) -> dict[str, str]:
    """Sites that are held now, and by whom and why. Raises as `read_holds` does."""
    return {site: hold.spec.words() for site, hold in read_holds(fleet).items() if hold.spec.is_active(now)}


def read_pins(fleet: Path) -> dict[str, SitePin]:
    """Site → its pin. Raises `ConfigError`: what cannot be read may pin a site."""
    return {path.stem: _named(path, SitePin) for path in sorted((fleet / PINS).glob("*.yaml"))}


def write_hold(fleet: Path, hold: SiteHold, *, replace: bool) -> Path:
    """Write a hold. Without `replace`, `RefusedError` if the site has one."""
    return _write(fleet, HOLDS, hold, f"fleetctl site unhold {hold.name}", replace=replace)


def write_pin(fleet: Path, pin: SitePin) -> Path:
    """Write a pin. Raises `RefusedError` if the site has one: a pin is changed by removing it first."""
    return _write(fleet, PINS, pin, f"fleetctl site unpin {pin.name}", replace=False)


def remove_hold(fleet: Path, site: str) -> Path:
    """Remove the site's hold. Raises `UsageError` if there is none."""
    return _remove(fleet, HOLDS, site, "hold")


def remove_pin(fleet: Path, site: str) -> Path:
    """Remove the site's pin. Raises `UsageError` if there is none."""
    return _remove(fleet, PINS, site, "pin")


def _named(path: Path, kind: type[R]) -> R:
    found = load(path, kind)
    if found.name != path.stem:
        raise ConfigError(
            f"{path}: metadata.name is {found.name}, the file says {path.stem}", hint=f"rename one of them: {path}"
        )
    return found


def _write(fleet: Path, folder: str, resource: Resource, undo: str, *, replace: bool) -> Path:
    path = _path(fleet, folder, resource.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    document = resource.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    try:
        atomic.write_text(path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True), replace=replace)
    except FileExistsError:
        raise RefusedError(f"there is one already: {path}", hint=undo) from None
    return path


def _remove(fleet: Path, folder: str, site: str, what: str) -> Path:
    path = _path(fleet, folder, site)
    try:
        path.unlink()
    except FileNotFoundError:
        having = sorted(each.stem for each in (fleet / folder).glob("*.yaml"))
        raise UsageError(
            f"site {site} has no {what}", hint=nearest_or_all(site, having, f"sites with a {what}")
        ) from None
    atomic.sync_directory(path.parent)
    return path


def _path(fleet: Path, folder: str, name: str) -> Path:
    # A name becomes a path here, so it is checked before anything else sees it.
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"{name!r} is no name", hint="a-z, 0-9 and -, at most 63 characters")
    return fleet / folder / f"{name}.yaml"
