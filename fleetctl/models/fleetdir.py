"""The fleet directory: fleet.yaml, sites/, profiles/, known_hosts, escrow/; and the state outside it."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from fleetctl import atomic
from fleetctl.errors import ConfigError, RefusedError, UsageError
from fleetctl.models.base import NAME_PATTERN
from fleetctl.models.fleet import Fleet
from fleetctl.models.inherit import load_inherited
from fleetctl.models.load import load
from fleetctl.models.profile import NOT_INHERITED, HardwareProfile, builtin_profile_paths
from fleetctl.models.site import Site
from fleetctl.nearest import nearest, nearest_or_all

if TYPE_CHECKING:
    from fleetctl.trust.keystore import KeyStore

FLEET_FILE = "fleet.yaml"


class FleetDir:
    """Everything that is written down about a fleet. Reading never changes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._profiles: dict[str, HardwareProfile] = {}

    @classmethod
    def find(cls, path: Path | None = None) -> FleetDir:
        """`path` (option --fleet), else the current directory or the nearest above it with a fleet.yaml.

        Raises `UsageError` when there is none.
        """
        if path is not None:
            if not (path / FLEET_FILE).is_file():
                raise UsageError(f"{path} has no {FLEET_FILE}", hint=f"fleetctl init {path}")
            return cls(path.resolve())
        here = Path.cwd()
        for candidate in (here, *here.parents):
            if (candidate / FLEET_FILE).is_file():
                return cls(candidate)
        raise UsageError(
            f"no {FLEET_FILE} in {here} or above it",
            hint="cd to a fleet directory, name one with --fleet, or: fleetctl init",
        )

    @cached_property
    def fleet(self) -> Fleet:
        return load(self.path / FLEET_FILE, Fleet)

    @cached_property
    def keys(self) -> KeyStore:
        """The fleet's keys; opening one needs the passphrase."""
        from fleetctl.trust.keystore import KeyStore

        return KeyStore(self.fleet.keys_path)

    @property
    def known_hosts(self) -> Path:
        """Pinned SSH host keys, one line `<site> ssh-ed25519 <base64>` a site."""
        return self.path / "known_hosts"

    @property
    def audit_keys(self) -> Path:
        """Pinned verifier keys of the audit logs, one line `<site> <key>` a site. Public; belongs into git."""
        return self.path / "audit_keys"

    @property
    def health_keys(self) -> Path:
        """Pinned keys of the boxes' health signatures, one line `<site> <key>` a site. Public; belongs into git."""
        return self.path / "health_keys"

    @property
    def escrow_dir(self) -> Path:
        """Encrypted recovery keys, `<site>/<LUKS UUID>.age`. May stay in git: only the escrow identity opens them."""
        return self.path / "escrow"

    @property
    def state_dir(self) -> Path:
        """What tools remember on this machine, outside git, mode 0700; made when missing."""
        base = os.environ.get("FLEETCTL_STATE_DIR")
        home = Path(base) if base else _xdg("XDG_STATE_HOME", ".local/state") / "fleetctl"
        directory = home / self.fleet.name
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        directory.chmod(0o700)
        return directory.resolve()

    def site_path(self, name: str) -> Path:
        # A name becomes a path here, so it is checked before anything else sees it.
        if not re.fullmatch(NAME_PATTERN, name):
            raise UsageError(f"{name!r} is no site name", hint="a-z, 0-9 and -, at most 63 characters")
        return self.path / "sites" / f"{name}.yaml"

    def site_names(self) -> list[str]:
        return sorted(path.stem for path in (self.path / "sites").glob("*.yaml"))

    def site(self, name: str) -> Site:
        """One site, checked against its profile. Raises `UsageError` if there is none, `ConfigError` if it is wrong."""
        path = self.site_path(name)
        if not path.is_file():
            hint = nearest(name, self.site_names(), "fleetctl site list; fleetctl site add NAME")
            raise UsageError(f"there is no site {name} in {self.path}", hint=hint)
        site = load(path, Site)
        if site.name != name:
            raise ConfigError(
                f"{path}: metadata.name is {site.name}, the file says {name}", hint="name the file as the site"
            )
        self._check_disks(path, site)
        self._check_local_issuer(path, site)
        return site

    def sites(self, selectors: list[str] | None = None) -> list[Site]:
        """All sites by name; with `selectors` (`key=value`) those that carry every one of these labels."""
        wanted = labels_of(selectors or [])
        sites = [self.site(name) for name in self.site_names()]
        return [site for site in sites if wanted.items() <= site.metadata.labels.items()]

    def write_site(self, site: Site, *, replace: bool = False) -> Path:
        """Write the site's file. Raises `RefusedError` if it exists and `replace` is off."""
        path = self.site_path(site.name)
        path.parent.mkdir(exist_ok=True)
        text = yaml.safe_dump(
            site.model_dump(mode="json", by_alias=True), sort_keys=False, allow_unicode=True, width=120
        )
        try:
            atomic.write_text(path, text, replace=replace)
        except FileExistsError:
            raise RefusedError(
                f"site {site.name} exists: {path}", hint="edit that file, or choose another name"
            ) from None
        return path

    def profile_paths(self) -> dict[str, Path]:
        """Name → file: the built-in profiles, overridden by the fleet's own."""
        own = {path.stem: path for path in sorted((self.path / "profiles").glob("*.yaml"))}
        return builtin_profile_paths() | own

    def profile(self, name: str) -> HardwareProfile:
        """One profile. Raises `UsageError` if there is none."""
        if name not in self._profiles:
            self._profiles[name] = load_profile(name, self.profile_paths())
        return self._profiles[name]

    def _check_disks(self, path: Path, site: Site) -> None:
        least = self.profile(site.spec.profile).spec.storage.min_disks
        count = len(site.spec.storage.data_disks)
        if count < least:
            raise ConfigError(
                f"{path}: spec.storage.data_disks: names {count}, profile {site.spec.profile} wants {least}",
                hint="add the serials of the missing disks (lsblk -o NAME,SERIAL on the host)",
            )

    def _check_local_issuer(self, path: Path, site: Site) -> None:
        if not site.spec.identity.local_issuer:
            return
        if self.profile(site.spec.profile).metadata.labels.get("class") != "lab":
            raise ConfigError(
                f"{path}: spec.identity.local_issuer: profile {site.spec.profile} is not of the class lab",
                hint="a site with patients takes its identity provider's tokens only: spec.identity.issuers",
            )


def load_profile(name: str, paths: dict[str, Path]) -> HardwareProfile:
    """The profile `name` out of `paths`. Raises `UsageError` if there is none, `ConfigError` if it is wrong."""
    if name not in paths:
        raise UsageError(f"there is no hardware profile {name}", hint=nearest_or_all(name, paths, "profiles"))
    profile = load_inherited(paths[name], HardwareProfile, paths, NOT_INHERITED)
    if profile.name != name:
        raise ConfigError(
            f"{paths[name]}: metadata.name is {profile.name}, the file says {name}", hint="name the file as the profile"
        )
    return profile


def labels_of(texts: list[str]) -> dict[str, str]:
    """`key=value` texts as labels. Raises `UsageError`."""
    wanted = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise UsageError(f"selector {text!r} is not key=value", hint="for example: -l ring=pilot")
        wanted[key] = value
    return wanted


def _xdg(variable: str, default: str) -> Path:
    # The specification: a relative value is to be ignored.
    value = Path(os.environ.get(variable, ""))
    return value if value.is_absolute() else Path.home() / default
