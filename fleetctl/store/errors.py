"""The store's own error, without SQLAlchemy, so that it can be caught without an import that takes its time."""

from __future__ import annotations

from fleetctl.errors import FleetctlError


class StoreError(FleetctlError):
    """The store cannot be read or written. It never hides what was seen of the sites."""
