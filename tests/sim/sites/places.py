"""Where everything of the simulation lies at one site; what a machine has itself is in `appliance.release.places`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.release.places import Places as BoxPlaces


@dataclass(frozen=True)
class Places(BoxPlaces):
    """`root` stands for the root directory of the site's machine. It is short: a unix socket's path has 107 bytes."""

    @property
    def simulated(self) -> Path:
        """What no machine has: the simulation's own programs, sockets, faults and events."""
        return self.root / "sim"

    @property
    def programs(self) -> Path:
        """First on the site's PATH."""
        return self.simulated / "bin"

    @property
    def systemd_socket(self) -> Path:
        """Where SimulatedSystemd is asked."""
        return self.simulated / "systemd.sock"

    @property
    def faults(self) -> Path:
        """What is wrong with the site now."""
        return self.simulated / "faults.json"

    @property
    def events(self) -> Path:
        """What happened there."""
        return self.simulated / "events"

    @property
    def run(self) -> Path:
        """Memory: empty after a power cut."""
        return self.root / "run"
