"""`fleetctl` as a person starts it, on a simulated fleet."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.sim.fleet.directory import SimFleet


def fleetctl(fleet: SimFleet, *arguments: str, timeout_s: float = 180) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "fleetctl", *arguments],
        env={**os.environ, **fleet.environment(), "FLEETCTL_FLEET": str(fleet.path)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
