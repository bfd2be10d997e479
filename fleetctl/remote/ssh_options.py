"""The options that every ssh of ours runs with: one pinned host key, and nothing of the person's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fleetctl.models.via import Via
from fleetctl.remote.pins import KEY_TYPE
from fleetctl.remote.sshoption import path_value

# The person's and the machine's ssh_config stay out of it.
NO_CONFIGURATION = ("-F", "none")


def pinned_options(known_as: str, known_hosts: Path, agent: Path | None = None) -> dict[str, str]:
    """Trust the key that `known_hosts` has under `known_as`, no other, and learn none.

    With `agent`, only a key of the agent at that socket is offered; without, whatever the caller's environment has.
    """
    options = {
        "HostKeyAlias": known_as,
        "UserKnownHostsFile": path_value(known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "HostKeyAlgorithms": KEY_TYPE,
        "UpdateHostKeys": "no",
    }
    if agent is not None:
        options |= {"PreferredAuthentications": "publickey", "IdentityAgent": path_value(agent)}
    return options


def bastion_options(via: Via, known_hosts: Path, agent: Path, *, login_s: float) -> dict[str, str]:
    """The same for the bastion before a site. It never gets the agent."""
    return pinned_options(via.known_as, known_hosts, agent) | {
        "BatchMode": "yes",
        "CheckHostIP": "no",
        "IdentityFile": "none",
        "ForwardAgent": "no",
        "ConnectTimeout": f"{login_s:.0f}",
        "ServerAliveInterval": "15",
    }


def option_words(options: Mapping[str, str]) -> list[str]:
    """As words of ssh's command line."""
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
