"""One fake host with all that provisioning it needs, and a script by which every phase succeeds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fleetctl.actions.provision import PROVISION
from fleetctl.facts.base import Completed
from fleetctl.phases.base import Event, HostRun
from fleetctl.phases.pin_key import PinAuditKey, PinHealthKey
from fleetctl.phases.runner import HostReport, Interruption, run_phases
from tests.fakes import site as fake
from tests.fakes.host import FakeHost, FakeOperator, FakePlaybooks, host_run, ok

CIPHERTEXT = fake.CIPHERTEXT
WAITING = [{"volume": "state", "luks_uuid": fake.STATE_UUID, "ciphertext": CIPHERTEXT}]
TAGS = ("lock", "storage", "isolation", "stack", "models", "seal", "unlock")


def script(**different: Any) -> dict[str, Any]:
    isolation = [ok("isolation", isolation={"ruleset_digest": fake.RULES})]
    return {**{tag: [ok(tag)] for tag in TAGS}, "isolation": isolation, **different}


class Setting:
    """One fake host with everything around it."""

    def __init__(self, prepared: dict[str, Any] | None = None, **host: Any) -> None:
        self.events: list[Event] = []
        answers = {
            PinAuditKey().command: Completed(0, fake.AUDIT_KEY + "\n"),
            PinHealthKey().command: Completed(0, fake.HEALTH_KEY_TEXT + "\n"),
        }
        self.host = FakeHost(**{"readings": [fake.bare_facts(), fake.sealed_facts()], "answers": answers, **host})
        self.playbooks = FakePlaybooks(prepared if prepared is not None else script())
        self.operator = FakeOperator(already=frozenset({fake.ROOT_UUID, fake.STATE_UUID}))
        self.interruption = Interruption()

    def provision(self, phases: tuple[Any, ...] = PROVISION) -> HostReport:
        run = host_run(self.host, self.playbooks, self.operator, self.events)
        return run_phases(phases, run, self.interruption)


@contextmanager
def opened(setting: Setting) -> Iterator[HostRun]:
    yield host_run(setting.host, setting.playbooks, setting.operator, setting.events)
