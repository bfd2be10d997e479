"""Reads a hash-pinned lock and keeps what one target machine needs.

pip evaluates environment markers for the interpreter that it runs on, even when it installs for another one. The box
has Python 3.13 and the build machine any version, so the markers are evaluated here, for the box.
"""

from __future__ import annotations

from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from fleetctl.errors import ConfigError

# Debian 13 on x86-64.
BOX_PYTHON = "3.13"
BOX_ENVIRONMENT = {
    "implementation_name": "cpython",
    "implementation_version": "3.13.5",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.5",
    "python_version": BOX_PYTHON,
    "sys_platform": "linux",
    "extra": "",
}
# glibc 2.41 of Debian 13 runs wheels made for any of these; pip does not derive the older ones from the newest.
BOX_PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(41, 16, -1)),
    "manylinux2014_x86_64",
    "manylinux2010_x86_64",
    "manylinux1_x86_64",
)


@dataclass(frozen=True)
class Pin:
    """One package at one version, with the SHA-256 digests of the files that may be installed for it."""

    name: str
    version: str
    hashes: tuple[str, ...]

    def line(self) -> str:
        return " ".join((f"{self.name}=={self.version}", *(f"--hash=sha256:{value}" for value in self.hashes)))


def parse_lock(text: str, *, origin: str, environment: dict[str, str] | None = None) -> list[Pin]:
    """The pins of a lock that apply in `environment` (default: the box).

    Raises `ConfigError` for an entry without exact version or without hash: nothing unpinned gets into an image.
    """
    pins = []
    for entry in _entries(text):
        words = entry.split(" --hash=")
        hashes = tuple(word.strip().removeprefix("sha256:") for word in words[1:])
        try:
            requirement = Requirement(words[0].strip())
        except InvalidRequirement as error:
            raise ConfigError(f"{origin}: {words[0].strip()}: {error}", hint="make lock writes this file") from None
        specifiers = list(requirement.specifier)
        if len(specifiers) != 1 or specifiers[0].operator != "==" or not hashes:
            raise ConfigError(f"{origin}: {requirement.name} is not pinned with a hash", hint="make lock")
        if requirement.marker is None or requirement.marker.evaluate(environment or BOX_ENVIRONMENT):
            pins.append(Pin(requirement.name, specifiers[0].version, hashes))
    return pins


def _entries(text: str) -> list[str]:
    joined = text.replace("\\\n", " ")
    lines = (line.split(" #")[0].strip() for line in joined.splitlines())
    return [" ".join(line.split()) for line in lines if line and not line.startswith(("#", "-"))]
