"""Runs a simulated fleet by hand: python -m tests.sim.fleet --sites 20 [--scenario FILE]."""

from __future__ import annotations

import argparse
import shlex
import signal
import tempfile
import threading
from pathlib import Path

from appliance.health.answers import FRESH_S
from tests.sim.fleet.running import running
from tests.sim.fleet.scenario import Scenario


def main() -> None:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=20)
    parser.add_argument("--scenario", type=Path)
    parser.add_argument("--fresh-s", type=float, default=FRESH_S, help="how long an agent keeps a snapshot")
    parser.add_argument("--folder", type=Path, help="an empty folder; default: a temporary one")
    options = parser.parse_args()
    scenario = Scenario.read(options.scenario) if options.scenario else Scenario()
    with (
        tempfile.TemporaryDirectory(prefix="sf-") as folder,
        running(options.folder or Path(folder), options.sites, scenario, fresh_s=options.fresh_s) as found,
    ):
        found.agents.warm()
        for name, value in found.fleet.environment().items():
            print(f"export {name}={shlex.quote(value)}")
        print(f"export FLEETCTL_FLEET={found.fleet.path}", flush=True)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        stop.wait()


if __name__ == "__main__":
    main()
