"""Which store belongs to a fleet: FLEETCTL_STORE, else fleet.yaml, else SQLite in the fleet's state directory."""

from __future__ import annotations

import os

from fleetctl.models.fleetdir import FleetDir
from fleetctl.store.records import Retention
from fleetctl.store.store import Store

ENVIRONMENT = "FLEETCTL_STORE"


def open_store(fleetdir: FleetDir) -> Store:
    """The fleet's store. Nothing is opened before its first use. Raises `ConfigError` for a URL that is none."""
    spec = fleetdir.fleet.spec.store
    url = os.environ.get(ENVIRONMENT) or spec.url or f"sqlite:///{fleetdir.state_dir / 'store' / 'observations.db'}"
    return Store(url, Retention(spec.raw_days, spec.hourly_days, spec.daily_days, spec.snapshot_minutes))
