"""A simulated fleet that runs: agents, listener, and whatever a scenario breaks. The scenario may change meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.health.answers import FRESH_S
from tests.sim.fleet import gpus
from tests.sim.fleet.agents import Agents
from tests.sim.fleet.directory import SimFleet, make_fleet
from tests.sim.fleet.front import Front
from tests.sim.fleet.hostile import ANSWERS, Hostile, Offline
from tests.sim.fleet.scenario import Scenario


class Running:
    """The parts, and the scenario that is played now."""

    def __init__(self, fleet: SimFleet, *, fresh_s: float = FRESH_S) -> None:
        self.fleet, self.agents, self.front = fleet, Agents(fleet, fresh_s=fresh_s), Front(fleet)
        self._offline: dict[str, Offline] = {}
        self._certified: set[str] = set()
        self._hostile = Hostile(fleet.folder / "s")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self, scenario: Scenario) -> None:
        """Begin with this scenario."""
        (self.fleet.path / "health_keys").write_text(self.agents.pins())
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._hostile.start(), self._loop).result(60)
        self.agents.start()
        self._apply(scenario)
        self.front.start()
        self._hold_offline(scenario)

    def play(self, scenario: Scenario) -> None:
        """Go over to another scenario; connections that are open go on as they are."""
        for held in self._offline.values():
            held.close()
        self._offline.clear()
        self._apply(scenario)
        self.front.configure()
        self._hold_offline(scenario)

    def _apply(self, scenario: Scenario) -> None:
        closed, upstreams, certified = set(), {}, set()
        for site in self.fleet.sites:
            self._machine(site.name, scenario)
            wire = scenario.wire(site.name)
            if wire in ("offline", "refused"):
                closed.add(site.name)
            elif wire in ANSWERS:
                upstreams[site.name] = self._hostile.socket_of(wire)
            elif wire is not None:
                certified.add(site.name)
                if wire == "wrong-certificate":
                    self.fleet.certify(site, name="elsewhere")
                elif wire == "expired-certificate":
                    self.fleet.certify(site, days=-1)
                else:
                    self.fleet.certify(site, stranger=True)
        for site in self.fleet.sites:
            if site.name in self._certified - certified:
                self.fleet.certify(site)
        self._certified = certified
        self.front.closed, self.front.upstreams = closed, upstreams

    def _machine(self, name: str, scenario: Scenario) -> None:
        agent = self.agents.of[name]
        agent.machine.faults = scenario.faults(name)
        found = scenario.gpus(name)
        if found is None:
            agent.machine.has_gpus(None, [])
        else:
            gpus.document(*found)  # made now, so that no agent's answer waits for it
            agent.watch = lambda: gpus.document(*found)
            agent.machine.has_gpus(gpus.wanted(), gpus.CARDS)

    def _hold_offline(self, scenario: Scenario) -> None:
        for site in self.fleet.sites:
            if scenario.wire(site.name) == "offline":
                self._offline[site.name] = Offline(site)

    def stop(self) -> None:
        """End everything that was started."""
        self.front.stop()
        self.agents.stop()
        for held in self._offline.values():
            held.close()
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._hostile.stop(), self._loop).result(60)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
        self._loop.close()


@contextmanager
def running(
    folder: Path, count: int, scenario: Scenario | None = None, *, fresh_s: float = FRESH_S
) -> Iterator[Running]:
    """Make and run a fleet of `count` sites under `folder`, which is empty; end it at the end."""
    found = Running(make_fleet(folder, count), fresh_s=fresh_s)
    try:
        found.start(scenario or Scenario())
        yield found
    finally:
        found.stop()
