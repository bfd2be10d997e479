"""Gates: what a site must pass, as plug-ins with one interface. A gate that cannot run has failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from appliance.contract.health import HealthSnapshot
from appliance.contract.release import ReleaseManifest
from fleetctl.errors import FleetctlError, UnreachableError
from fleetctl.models.rollout import GateName
from fleetctl.models.site import Site

When = Literal["before", "after"]


class GateVerdict(StrEnum):
    """could_not_run: nothing is known. It never counts as a pass."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could_not_run"


@dataclass(frozen=True)
class Asked:
    """What a gate is asked about: a site right before its switch or after it, and what was kept of before."""

    site: Site
    release: ReleaseManifest
    when: When
    baseline: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GateResult:
    """A gate's word with the figures that it compared. `may_come`: what was missing may be there later, so it is
    asked again until the site's time is up. `keep`: is kept for the same gate after the switch."""

    gate: GateName
    verdict: GateVerdict
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    may_come: bool = False
    keep: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.verdict is GateVerdict.PASSED

    @property
    def shown(self) -> dict[str, Any]:
        """As it stands in the journal."""
        return {"gate": self.gate, "verdict": self.verdict.value, "reason": self.reason, **self.facts}


class Gate(Protocol):
    """One gate. `UnreachableError` says that the site is away, which is no verdict on the release."""

    @property
    def name(self) -> GateName: ...

    def ask(self, asked: Asked) -> GateResult: ...


class HealthSource(Protocol):
    """Where a site's snapshot comes from; `fleetctl.remote.health_client.HealthClient` is one."""

    def read(self, site: Site) -> HealthSnapshot: ...


def ask_all(gates: Iterable[Gate], asked: Asked) -> list[GateResult]:
    """Ask each gate. What goes wrong in one is that gate's failure; only an absent site is raised."""
    results = []
    for gate in gates:
        try:
            results.append(gate.ask(asked))
        except UnreachableError:
            raise
        except FleetctlError as problem:
            results.append(GateResult(gate.name, GateVerdict.COULD_NOT_RUN, problem.message[:300]))
    return results


def not_passed(results: Sequence[GateResult]) -> str:
    """Every gate that did not pass, in words; empty: all passed, and there was one."""
    if not results:
        return "no gate was asked"
    return "; ".join(
        f"{result.gate} {result.verdict.value.replace('_', ' ')}: {result.reason}"
        for result in results
        if not result.passed
    )
