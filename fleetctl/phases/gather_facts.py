"""GatherFacts: read everything of the host in one command."""

from __future__ import annotations

from dataclasses import fields

from fleetctl.facts.base import Unreadable
from fleetctl.facts.host import gather_host_facts
from fleetctl.phases.base import HostRun, PhaseResult


class GatherFacts:
    """Reads the host. A fact that cannot be read stays as `Unreadable`; the checks that need it then say unknown."""

    title = "GatherFacts"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        run.facts = gather_host_facts(run.host, gpus=bool(run.profile.spec.gpus), hardware=True)
        asked = [getattr(run.facts, field.name) for field in fields(run.facts)]
        values = [value for value in asked if value is not None]
        unreadable = [value.fact for value in values if isinstance(value, Unreadable)]
        # The time of the reading is a field too, and not a fact.
        detail = f"{len(values) - 1 - len(unreadable)} facts"
        return PhaseResult(detail=detail + (f", unreadable: {', '.join(unreadable)}" if unreadable else ""))
