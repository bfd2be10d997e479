"""Debian mirrors for the image, taken from the build machine's own apt configuration.

No mirror's name stands in this project: a hospital builds from the mirror that it trusts. A machine that is not
Debian has none to offer; there FLEETCTL_DEBIAN_MIRROR and FLEETCTL_DEBIAN_SECURITY_MIRROR name them.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetctl.errors import ConfigError
from fleetctl.image.command import missing_tool

SUITE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# Settings of the build machine's apt that decide whether a mirror can be reached at all. Nothing that weakens
# signatures is taken over; the dates are, because mirrors of a frozen state are past their Valid-Until.
_OPTIONS = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date")


@dataclass(frozen=True)
class Mirrors:
    """Base addresses of the archive and of its security archive, and apt options to reach them."""

    archive: str
    security: str
    options: tuple[tuple[str, str], ...] = ()

    def sources(self, components: Iterable[str] = ("main",)) -> str:
        """An apt sources file in deb822 style. mkosi's own would add the debug archive, which mirrors often lack."""
        names = " ".join(components)
        stanzas = (
            (self.archive, f"{SUITE} {SUITE}-updates"),
            # Without it the kernel headers of a driver build do not match the kernel.
            (self.security, f"{SUITE}-security"),
        )
        return "\n".join(
            f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: {names}\nSigned-By: {KEYRING}\n"
            for uri, suites in stanzas
        )

    def apt_conf(self) -> str:
        """The options as a file for apt.conf.d."""
        return "".join(f'{name} "{value}";\n' for name, value in self.options)


def parse_targets(text: str, codename: str) -> tuple[str | None, str | None]:
    """Addresses of the archive and the security archive out of lines `URI|RELEASE` for the machine's own release."""
    archive = security = None
    for line in text.splitlines():
        uri, _, release = line.strip().partition("|")
        if release == codename:
            archive = archive or uri
        elif release == f"{codename}-security":
            security = security or uri
    return archive, security


def parse_options(dump: str) -> tuple[tuple[str, str], ...]:
    """The settings worth taking over, out of `apt-config dump`."""
    found = dict(re.findall(r'^([\w:-]+) "([^"\n]*)";$', dump, re.MULTILINE))
    return tuple((name, found[name]) for name in _OPTIONS if found.get(name))


def read_mirrors(environment: Mapping[str, str] = os.environ) -> Mirrors:
    """Ask this machine's apt. Raises `ConfigError` when it knows no Debian archive."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    archive = security = None
    options: tuple[tuple[str, str], ...] = ()
    if release.get("ID") == "debian":
        archive, security = parse_targets(
            _ask("apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)", "Created-By: Packages"),
            release.get("VERSION_CODENAME", ""),
        )
    if Path("/usr/bin/apt-config").exists():
        options = parse_options(_ask("apt-config", "dump"))
    archive = environment.get("FLEETCTL_DEBIAN_MIRROR") or archive
    security = environment.get("FLEETCTL_DEBIAN_SECURITY_MIRROR") or security
    if not archive or not security:
        raise ConfigError(
            "this machine's apt sources name no Debian archive with its security archive",
            hint="apt-get update; or set FLEETCTL_DEBIAN_MIRROR and FLEETCTL_DEBIAN_SECURITY_MIRROR to their addresses",
        )
    return Mirrors(archive.rstrip("/"), security.rstrip("/"), options)


def _ask(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    except FileNotFoundError:
        raise missing_tool(argv[0]) from None
    except subprocess.CalledProcessError as error:
        raise ConfigError(
            f"{argv[0]} could not be asked: {error.stderr.strip()[-300:]}", hint="apt-get update"
        ) from None
