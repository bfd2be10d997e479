"""A host and a writer that do only what they were told of."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance.contract.health import HealthSnapshot
from fleetctl.egress.isolation import IsolationRecord
from fleetctl.errors import FleetctlError
from fleetctl.facts.base import Completed, Fact, Unreadable
from fleetctl.facts.clock import ClockFacts
from fleetctl.facts.host import HostFacts
from fleetctl.phases.base import Event, HostRun, LockClaim
from fleetctl.phases.release import BuiltRelease, ModelImage
from fleetctl.remote.connection import Host
from fleetctl.remote.conversation import OnLine
from fleetctl.remote.keypins import KeyKind
from fleetctl.remote.playbook import OnTask
from fleetctl.remote.tasks import PlayResult, TaskResult
from fleetctl.trust.escrow_index import VolumeName
from tests.fakes import site as fake


class UnscriptedError(AssertionError):
    """The code under test asked for something that the test did not prepare."""


@dataclass(frozen=True)
class Stream:
    """What a long command says: its lines (what is no text is called in between), then an error or its end."""

    lines: Sequence[str | Callable[[], None]]
    end: Completed = field(default_factory=lambda: Completed(0, ""))
    error: BaseException | None = None


@dataclass
class FakeHost:
    """Answers facts from `readings`, one after the other, commands from `answers`, long ones from `streams`; refuses
    everything else."""

    readings: list[HostFacts] = field(default_factory=list)
    answers: dict[tuple[str, ...], Completed] = field(default_factory=dict)
    open_error: FleetctlError | None = None
    ran: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)

    def open(self) -> None:
        if self.open_error:
            raise self.open_error

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: str = "") -> Completed:
        self.ran.append((tuple(argv), stdin))
        if tuple(argv) not in self.answers:
            raise UnscriptedError(f"unscripted command: {' '.join(argv)}")
        return self.answers[tuple(argv)]

    def stream(self, argv: Sequence[str], on_line: OnLine, *, timeout_s: float, silence_s: float) -> Completed:
        self.ran.append((tuple(argv), ""))
        if not self.streams:
            raise UnscriptedError(f"unscripted stream: {' '.join(argv)}")
        stream = self.streams.pop(0)
        for line in stream.lines:
            if callable(line):
                line()
            else:
                on_line(line)
        if stream.error is not None:
            raise stream.error
        return stream.end

    def gather(self, facts: Sequence[Fact[Any]]) -> dict[str, Any]:
        if not self.readings:
            raise UnscriptedError("an unscripted reading of facts")
        # The fake's clock is this machine's, which is what the facts are compared with.
        reading = replace(self.readings.pop(0), clock=ClockFacts(time.time()))
        return {fact.name: getattr(reading, fact.name) for fact in facts}


@dataclass
class FakePlaybooks:
    """Answers each tag as scripted: a list of task results, or an exception to raise."""

    script: dict[str, list[TaskResult] | BaseException | Callable[[Mapping[str, Any]], list[TaskResult]]]
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def apply(self, tags: Sequence[str], extra_vars: Mapping[str, Any], on_task: OnTask) -> PlayResult:
        (tag,) = tags
        self.calls.append((tag, extra_vars["fleet_site"]))
        if tag not in self.script:
            raise UnscriptedError(f"unscripted playbook tag: {tag}")
        answer = self.script[tag]
        if isinstance(answer, BaseException):
            raise answer
        tasks = answer(extra_vars["fleet_site"]) if callable(answer) else answer
        for task in tasks:
            on_task(task)
        return PlayResult(tuple(tasks))

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.calls]


@dataclass
class FakeOperator:
    """The operator's side in memory. `snapshots` are given one after the other, the last one for ever."""

    stored: dict[str, str] = field(default_factory=dict)
    already: frozenset[str] = frozenset()
    recorded: IsolationRecord | None = fake.ISOLATION
    keys: dict[str, str] = field(default_factory=dict)
    root: bytes | None = None
    snapshots: list[HealthSnapshot | Unreadable] = field(default_factory=lambda: [fake.snapshot()])

    def server_certificate(self, facts: HostFacts) -> str:
        return "CERTIFICATE"

    def ca_certificate(self) -> str:
        return "CA"

    def store_escrow(self, luks_uuid: str, ciphertext: str, volume: VolumeName) -> None:
        self.stored[luks_uuid] = ciphertext

    def escrowed(self) -> dict[str, str]:
        stored = {uuid: hashlib.sha256(ciphertext.encode()).hexdigest() for uuid, ciphertext in self.stored.items()}
        return dict.fromkeys(self.already, fake.CIPHERTEXT_SHA256) | stored

    def measure_reach(self, host: Host) -> int | None:
        return None

    def record_isolation(self, ruleset_digest: str) -> None:
        self.recorded = fake.ISOLATION.model_copy(update={"ruleset_digest": ruleset_digest})

    def isolation(self) -> IsolationRecord | None:
        return self.recorded

    def release_root(self) -> bytes | None:
        return self.root

    def consent_overrides(self) -> dict[str, Any] | None:
        return None

    def deid_policy(self) -> dict[str, Any] | None:
        return None

    def identity_keys(self) -> dict[str, Any]:
        return {issuer.issuer: {"keys": []} for issuer in fake.SITE.spec.identity.issuers}

    def pin_key(self, kind: KeyKind, key: str) -> bool:
        new = self.keys.get(kind.name) != key.strip()
        self.keys[kind.name] = key.strip()
        return new

    def health(self) -> HealthSnapshot | Unreadable:
        return self.snapshots.pop(0) if len(self.snapshots) > 1 else self.snapshots[0]


def ok(name: str = "a task", **fleet: Any) -> TaskResult:
    return TaskResult(name, "ok", 0.1, fleet=fleet)


def changed(name: str = "a change", **fleet: Any) -> TaskResult:
    return TaskResult(name, "changed", 0.1, fleet=fleet)


def failed(message: str = "it broke", **fleet: Any) -> TaskResult:
    return TaskResult("a task", "failed", 0.1, message=message, fleet=fleet)


def host_run(host: FakeHost, playbooks: FakePlaybooks, operator: FakeOperator, events: list[Event]) -> HostRun:
    """A run of the fake site."""
    return HostRun(
        site=fake.SITE,
        profile=fake.PROFILE,
        release=BuiltRelease(
            fake.USR,
            {
                "transcription": ModelImage(
                    "transcription", "whisper-tiny.en", Path("models/whisper-tiny.en.raw"), fake.MODEL, "d4" * 32
                ),
                "drafting": ModelImage(
                    "drafting", fake.DRAFTING, Path(f"models/{fake.DRAFTING}.raw"), fake.DRAFTER, "d5" * 32
                ),
            },
        ),
        recipients=("age1recipient",),
        host=host,
        playbooks=playbooks,
        operator=operator,
        claim=LockClaim("token", "ann", "ops-1", "provision", 3600),
        emit=events.append,
    )
