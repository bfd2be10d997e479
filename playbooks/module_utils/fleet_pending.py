"""What a service still has to be told: a marker from before its files change until it has taken them up.

Without it a run that is cut off between writing and reloading would leave the next one nothing to see. It lies in /run:
after a restart of the machine every service has read its files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ansible.module_utils.fleet_box import Box


def marker_path(name: str) -> str:
    """Where the marker lies."""
    return f"/run/fleetctl-{name}.pending"


def is_pending(box: Box, name: str) -> bool:
    """Whether an earlier run changed files and did not get as far as telling the service."""
    return box.read(marker_path(name)) is not None


@contextmanager
def pending(box: Box, name: str) -> Iterator[None]:
    """Change the files and tell the service inside; the marker stays when that fails."""
    box.write(marker_path(name), b"")
    yield
    box.remove(marker_path(name))
