"""The pinned health keys of all sites: one line `<site> ed25519:…` a site, in the fleet directory, read at once."""

from __future__ import annotations

from pathlib import Path

from appliance.contract.signed import public_key_of
from fleetctl.errors import ConfigError
from fleetctl.remote.poll_answer import Trust


def read_trust(path: Path) -> Trust:
    """Every site's key. Raises `ConfigError` for a line that is none, or a site with two: then nothing is trusted."""
    keys = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{path}:{number}"
        if len(words) != 2:
            raise ConfigError(f"{where}: not a line with a site and its health key", hint="remove that line")
        site, text = words
        if site in keys:
            raise ConfigError(f"{where}: a second health key for {site}", hint="keep the one that the box shows")
        try:
            keys[site] = public_key_of(text)
        except ValueError as problem:
            raise ConfigError(f"{where}: {problem}", hint="appliancectl health key on the box shows it") from None
    return Trust(keys)
