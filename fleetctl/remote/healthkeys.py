"""What the poller trusts: the pinned health keys of all sites, read at once."""

from __future__ import annotations

from pathlib import Path

from appliance.contract.envelope import public_key_of
from fleetctl.remote.keypins import HEALTH, read_keys
from fleetctl.remote.poll_answer import Trust


def read_trust(path: Path) -> Trust:
    """Every site's key. Raises `ConfigError` where the file is not whole: then nothing is trusted."""
    return Trust({site: public_key_of(key) for site, key in read_keys(HEALTH, path).items()})
