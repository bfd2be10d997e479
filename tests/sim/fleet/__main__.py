"""Runs a simulated fleet by hand: python -m tests.sim.fleet --sites 20 [--scenario FILE]."""

from __future__ import annotations

import argparse
import shlex
import signal
import tempfile
import threading
from pathlib import Path

from tests.sim.fleet.running import running
from tests.sim.fleet.scenario import Scenario


def main() -> None:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=20)
    parser.add_argument("--scenario", type=Path)
    options = parser.parse_args()
    scenario = Scenario.read(options.scenario) if options.scenario else Scenario()
    with tempfile.TemporaryDirectory(prefix="sf-") as folder, running(Path(folder), options.sites, scenario) as found:
        for name, value in found.fleet.environment().items():
            print(f"export {name}={shlex.quote(value)}")
        print(f"export FLEETCTL_FLEET={found.fleet.path}", flush=True)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        stop.wait()


if __name__ == "__main__":
    main()
