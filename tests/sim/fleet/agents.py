"""The agents of many sites in one process: the product's own snapshot, signature, metrics and HTTP side for each."""

from __future__ import annotations

import selectors
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import public_key_text
from appliance.contract.gpu_watch import GpuWatch
from appliance.facts.reading import UnreadableError
from appliance.health.agent import Agent
from appliance.health.answers import FRESH_S, Answers
from appliance.health.asking import Asker
from appliance.health.snapshot import Sources, take
from tests.sim.fleet.directory import SimFleet, SimSite
from tests.sim.fleet.machine import Machine


class _AtOnce(Asker):
    """The simulated services answer at once, so a thousand sites need no three thousand threads."""

    def all(self, questions: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        answers: dict[str, Any] = {}
        for name, question in questions.items():
            try:
                answers[name] = question()
            except UnreadableError as error:
                answers[name] = error
        return answers


def _no_watch() -> GpuWatch:
    raise UnreadableError("watch.json: No such file or directory")


class SimAgent:
    """One site's agent over its machine."""

    def __init__(self, site: SimSite, fresh_s: float, machine: Machine) -> None:
        self.site, self.machine = site, machine
        self.key = Ed25519PrivateKey.generate()
        self.watch: Callable[[], GpuWatch] = _no_watch
        self._sources = Sources(
            engine=self.machine.engine, gateway=self.machine.gateway, watch=lambda: self.watch(),
            audit_check=lambda: None, asker=_AtOnce(),
        )  # fmt: skip
        # A slower clock keeps a snapshot for longer than the product does.
        pace = FRESH_S / fresh_s
        self.answers = Answers(
            lambda: take(self._sources, self.machine.facts()), lambda: self.key, lambda: time.monotonic() * pace
        )


class Agents:
    """Serves all sites' sockets from one thread that listens; each request has a thread, as in the product.

    `machine` makes the machine below a site's agent.
    """

    def __init__(
        self, fleet: SimFleet, *, fresh_s: float = FRESH_S, machine: Callable[[SimSite], Machine] = Machine
    ) -> None:
        self._fleet = fleet
        self.of: dict[str, SimAgent] = {site.name: SimAgent(site, fresh_s, machine(site)) for site in fleet.sites}
        self._servers: list[Agent] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def pins(self) -> str:
        """The file with the public keys, as the operator has it."""
        return "".join(f"{name} {public_key_text(agent.key.public_key())}\n" for name, agent in self.of.items())

    def start(self) -> None:
        """Listen."""
        self._servers = [Agent(Path(agent.site.socket), agent.answers) for agent in self.of.values()]
        self._thread.start()

    def warm(self) -> None:
        """Make every snapshot and its signature once."""
        for agent in self.of.values():
            agent.answers.signed()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for server in self._servers:
                server.timeout = 0
                selector.register(server, selectors.EVENT_READ, server)
            while not self._stop.is_set():
                for key, _ in selector.select(0.2):
                    key.data.handle_request()

    def stop(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._thread.join(10)
        for server in self._servers:
            server.server_close()
