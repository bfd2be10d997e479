"""Logging in to a virtual site with the system's ssh, the fleet's key, and no host key but the recorded one."""

from __future__ import annotations

from pathlib import Path

from fleetctl.errors import UnreachableError
from fleetctl.lab.record import HOST_LOOPBACK, LabRecord
from fleetctl.remote.ssh_options import NO_CONFIGURATION, option_words, pinned_options


def ssh_argv(record: LabRecord, known_hosts: Path, command: list[str]) -> list[str]:
    """ssh's command line. No file of the person's own configuration takes part."""
    options = pinned_options(record.name, known_hosts) | {
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "ServerAliveInterval": "15",
        "LogLevel": "ERROR",
    }
    argv = ["ssh", *NO_CONFIGURATION, "-p", str(record.ports.ssh), *option_words(options)]
    return [*argv, f"root@{HOST_LOOPBACK}", *(["--", *command] if command else [])]


def write_known_hosts(record: LabRecord, folder: Path) -> Path:
    """A known_hosts file with this site's key alone. Raises UnreachableError before the first contact."""
    if record.host_public_key is None:
        raise UnreachableError(
            f"{record.name} has not been reached yet, so its host key is not known",
            hint=f"fleetctl lab up {record.name}",
            host=record.name,
        )
    path = folder / "known_hosts"
    path.write_text(f"{record.name} {record.host_public_key}\n", encoding="ascii")
    return path
