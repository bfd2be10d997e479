"""The machine below a simulated site's health agent: what it says of models and seal is what the site's folder and its
simulated engines are at that moment. The rest is `tests.sim.fleet.machine`."""

from __future__ import annotations

import json
import time
from typing import Any

from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.health import Latency
from appliance.contract.seal import ModelTask
from appliance.facts.reading import UnreadableError
from appliance.health.engines import EngineAnswer
from appliance.health.inputs import Facts, parse_facts
from tests.sim.fleet.machine import Machine, values
from tests.sim.sites.answers import SOURCE, gateway_health
from tests.sim.sites.faults import read_faults
from tests.sim.sites.site import SimulatedSite

_MAPPING = {"transcription": "model", "drafting": "drafting"}


class SiteMachine(Machine):
    """Follows one simulated site."""

    def __init__(self, site: SimulatedSite) -> None:
        super().__init__(site.number)
        self._site = site

    def facts(self) -> Facts:
        """As the agent reads them now."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        found = values(self._site.number)
        loaded = self._site.loaded()
        found["verity"] = {
            name: {"name": name, "root_hash": root_hash, "corrupted": False, "signed": True}
            for name, root_hash in (
                ("usr", self._site.system), *((_MAPPING[task], root_hash) for task, root_hash in loaded.items())
            )
        }  # fmt: skip
        found["seal"] = json.loads(self._site.places.seal.read_bytes())
        for unit in found["units"]:
            state = self._site.systemd.state.get(unit["unit"].removesuffix(".service"), "active")
            unit.update(active=state, sub="running" if state == "active" else "dead")
        facts: dict[str, Any] = {
            name: {"at_s": now - 1, "good_for_s": 150.0, "value": value} for name, value in found.items()
        }
        return parse_facts({"schema": "facts/v2", "boottime_s": now - 1, "facts": facts}, now)

    def engine(self, task: ModelTask) -> EngineAnswer:
        """What a task's engine says of itself."""
        engine = self._site.systemd.engines.get(task)
        if engine is None:
            raise UnreadableError("http.sock: Connection refused")
        said = engine.answer("GET", "/health", b"")[1]
        return EngineAnswer(
            engine.loaded.name, said["root_hash"], SOURCE, program="simulated", version="1",
            queue_length=0, queue_limit=8, running=1, running_limit=4, requests_done=engine.done, requests_refused=0,
            requests_failed=0, latency=Latency(window_s=600, count=20, failed=0, p50_ms=900, p95_ms=1500, p99_ms=1900),
            tokens_per_s=40.0 if task == "drafting" else None,
        )  # fmt: skip

    def gateway(self) -> GatewayHealth:
        """What the gateway says of itself."""
        if self._site.systemd.state["appliance-gateway"] != "active":
            raise UnreadableError("http.sock: No such file or directory")
        engines = {task: task in self._site.systemd.engines for task in ("transcription", "drafting")}
        return GatewayHealth.model_validate(
            gateway_health(self._site.places, read_faults(self._site.places.faults), engines)[1]
        )
