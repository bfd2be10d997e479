"""Rounds of the watching commands over a fleet, connections kept: prints the seconds of each as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from fleetctl.actions.watching import watching
from fleetctl.models.fleetdir import FleetDir
from fleetctl.remote.poll_limits import Limits
from fleetctl.trust.passphrase import Passphrase


def main() -> None:
    """Ask, judge and keep so many times, a second apart, as `status --watch 1` does."""
    fleetdir = FleetDir.find(None)
    sites = fleetdir.sites()
    took: list[float] = []

    async def rounds() -> None:
        for _ in range(int(sys.argv[1]) + 1):
            started = time.perf_counter()
            healths = await fleet.round(sites, everyone=False)
            bad = [health.observation.detail for health in healths if not health.observation.answered]
            assert not bad, f"{len(bad)} sites did not answer: {bad[0]}"
            took.append(time.perf_counter() - started)
            await asyncio.to_thread(fleet.memory.keep, healths)
            await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - started)))

    async def until_done() -> None:
        try:
            await rounds()
        finally:
            fleet.poller.close()

    with watching(fleetdir, Passphrase.from_options(), Limits(), keep=True) as fleet:
        asyncio.run(until_done())
    print(json.dumps(took))


if __name__ == "__main__":
    main()
