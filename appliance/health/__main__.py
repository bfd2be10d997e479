"""Runs the health agent."""

import os
import sys
import time

from appliance.health.agent import SOCKET, Agent
from appliance.health.snapshot import Sequence, take
from appliance.sdnotify import notify, watchdog_interval_s


def main() -> int:
    """Serve until systemd says stop."""
    os.umask(0o077)
    sequence = Sequence()
    agent = Agent(SOCKET, lambda: take(sequence))
    agent.timeout = watchdog_interval_s() or 60.0
    notify("READY=1")
    last = time.monotonic()
    while True:
        agent.handle_request()
        if time.monotonic() - last >= 1.0:
            notify("WATCHDOG=1")
            last = time.monotonic()


if __name__ == "__main__":
    sys.exit(main())
