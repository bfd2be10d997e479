"""Secrets of receivers: one line in a file of their owner, never in the fleet directory, in argv or in a message."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fleetctl.errors import ConfigError, RefusedError

MAX_BYTES = 4096


def read_secret(name: str) -> str:
    """The only line of the file. Raises `ConfigError`, or `RefusedError` when others can read it."""
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise RefusedError(f"{path} can be read by others", hint=f"chmod 600 {path}")
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint="see spec.receivers of policies/alerts.yaml") from None
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        lines = []
    if len(content) > MAX_BYTES or len(lines) != 1 or not lines[0].strip():
        raise ConfigError(f"{path}: wanted is one line of text", hint="write the secret alone into that file")
    return lines[0].strip()
