"""What a phase is, what it may use, and what it reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from appliance.contract.health import HealthSnapshot
from fleetctl.checks.context import CheckContext
from fleetctl.checks.lists import Check
from fleetctl.checks.result import CheckResult
from fleetctl.egress.isolation import IsolationRecord
from fleetctl.errors import ChangeError, LockHeldError
from fleetctl.facts.base import Unreadable
from fleetctl.facts.host import HostFacts
from fleetctl.models.profile import HardwareProfile
from fleetctl.models.site import Site
from fleetctl.phases.failure import error_of
from fleetctl.phases.release import BuiltRelease
from fleetctl.remote.connection import Host
from fleetctl.remote.keypins import KeyKind
from fleetctl.remote.playbook import Playbooks
from fleetctl.remote.tasks import PlayResult, TaskResult
from fleetctl.trust.escrow_index import VolumeName


def seconds_since_boot() -> float:
    """A clock that nobody sets and that goes on while the operator's laptop sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


EventStatus = Literal["started", "progress", "ok", "changed", "skipped", "failed", "unreachable", "finished"]


class Event(BaseModel):
    """One line of the event stream. `task` is empty for what concerns a whole phase, `phase` for a whole host."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: datetime
    host: str
    phase: str = ""
    task: str = ""
    status: EventStatus
    seconds: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class LockClaim:
    """Who wants to change a host, and why. Only this operator's machine knows `token`: with it the next run takes over
    what a killed run left. `force` releases a lock that somebody else holds: a person decided it."""

    token: str
    owner: str
    host: str
    reason: str
    expires_s: int
    force: bool = False


class OperatorSide(Protocol):
    """What a run needs of the operator's own files, keys and roads."""

    def server_certificate(self, facts: HostFacts) -> str:
        """PEM of the certificate that the box shall serve with; the present one as long as it is good."""
        ...

    def ca_certificate(self) -> str:
        """PEM of the fleet's CA."""
        ...

    def store_escrow(self, luks_uuid: str, ciphertext: str, volume: VolumeName) -> None:
        """Keep an encrypted recovery key; returns when it would survive a power cut."""
        ...

    def escrowed(self) -> Mapping[str, str]:
        """For each LUKS UUID in escrow the SHA-256 of its file; empty when that is damaged."""
        ...

    def measure_reach(self, host: Host) -> int | None:
        """Record what the box reaches before it is isolated; how many destinations, None without canaries."""
        ...

    def record_isolation(self, ruleset_digest: str) -> None:
        """Keep the digest of the rules that were just made of the site file."""
        ...

    def isolation(self) -> IsolationRecord | Unreadable | None:
        """What `record_isolation` kept; None when this machine never made the site's rules."""
        ...

    def identity_keys(self) -> Mapping[str, Any]:
        """Each issuer's public keys, by its name; `ConfigError` for a file that is wrong or holds a private key."""
        ...

    def consent_overrides(self) -> dict[str, Any] | None:
        """Counsel's decisions, None without a file; `ConfigError` for one that is wrong."""
        ...

    def deid_policy(self) -> dict[str, Any] | None:
        """Which text a model reads how, None without a file; `ConfigError` for one that is wrong."""
        ...

    def release_root(self) -> bytes | None:
        """The newest root metadata of the fleet's releases, None while it has none; `ConfigError` for a damaged one."""
        ...

    def pin_key(self, kind: KeyKind, key: str) -> bool:
        """Keep a public key of the site; False when it is kept already.

        Raises `VerificationError` when another one is kept: this is then another log, or another machine.
        """
        ...

    def health(self) -> HealthSnapshot | Unreadable:
        """The box's own snapshot; `Unreadable` without a good answer."""
        ...


@dataclass(frozen=True)
class PhaseResult:
    """What a phase did: how many tasks changed something, and a few words for the progress line."""

    changed: int = 0
    detail: str = ""
    skipped: bool = False


@dataclass
class HostRun:
    """One host on its way through the phases. `facts` are those of the last reading; a phase that waits asks
    `cancelled` whether to go on."""

    site: Site
    profile: HardwareProfile
    release: BuiltRelease
    recipients: tuple[str, ...]
    host: Host
    playbooks: Playbooks
    operator: OperatorSide
    claim: LockClaim
    emit: Callable[[Event], None]
    cancelled: Callable[[], bool] = lambda: False
    facts: HostFacts | None = None
    lock_taken: bool = False
    lock_claimed_at_s: float = 0.0
    clock: Callable[[], float] = seconds_since_boot
    checks: tuple[CheckResult, ...] = ()
    phase: str = ""

    def say(self, status: EventStatus, *, task: str = "", seconds: float | None = None, detail: str = "") -> None:
        """Emit an event of this host and the present phase."""
        self.emit(
            Event(
                time=datetime.now(UTC),
                host=self.site.name,
                phase=self.phase,
                task=task,
                status=status,
                seconds=seconds,
                detail=detail,
            )
        )

    def read_facts(self) -> HostFacts:
        """The facts that GatherFacts left; a phase that needs them comes after it."""
        if self.facts is None:
            raise ChangeError("no facts were gathered", hint="this is a defect of fleetctl", host=self.site.name)
        return self.facts

    def judge(self, checks: Sequence[Check], health: HealthSnapshot | Unreadable) -> tuple[CheckResult, ...]:
        """Judge the last reading and keep the answers."""
        context = CheckContext(
            self.site,
            self.profile,
            self.release.wanted,
            self.read_facts(),
            self.operator.escrowed(),
            health,
            self.operator.isolation(),
        )
        self.checks = tuple(check(context) for check in checks)
        return self.checks

    def claim_lock(self) -> None:
        """Take the site's lock, or take it anew from now on. Raises `LockHeldError` when it is somebody else's."""
        # Set before the attempt: a run that is cut off in the middle may hold the lock. Releasing what is not ours
        # does nothing, since the box compares the token.
        self.lock_taken = True
        claimed_at_s = self.clock()
        try:
            self.apply("lock", bookkeeping=True)
        except LockHeldError:
            self.lock_taken = False
            raise
        self.lock_claimed_at_s = claimed_at_s

    def keep_lock(self) -> None:
        """Take our lock anew when half of its time is over: a playbook run may take as long as the other half."""
        if self.lock_taken and self.clock() - self.lock_claimed_at_s > self.claim.expires_s / 2:
            self.claim_lock()

    def apply(self, tag: str, *, bookkeeping: bool = False, **variables: Any) -> PlayResult:
        """Run the playbook's tasks of one tag with `fleet_site`; a failed task becomes the error that it stands for.

        `bookkeeping`: what the tasks change is no part of the site (the lock), so that their events never say changed
        and a second run can truly say that it changed nothing.
        """
        fleet_site = {"name": self.site.name, "lock": asdict(self.claim), **variables}

        def on_task(task: TaskResult) -> None:
            status = "ok" if bookkeeping and task.status == "changed" else task.status
            self.say(status, task=task.name, seconds=round(task.seconds, 1), detail=task.diff or task.message)

        if not bookkeeping:
            self.keep_lock()
        result = self.playbooks.apply([tag], {"fleet_site": fleet_site}, on_task)
        if result.failure is not None:
            raise error_of(result.failure, self.site.name)
        return result


class Phase(Protocol):
    """One step. `title` is verb + noun. A phase with `after_failure` runs also when an earlier one failed."""

    @property
    def title(self) -> str: ...

    @property
    def after_failure(self) -> bool: ...

    def run(self, run: HostRun) -> PhaseResult: ...


def summary(result: PlayResult) -> PhaseResult:
    """What a playbook run did, in words."""
    return PhaseResult(changed=result.changed, detail=f"{result.ok} tasks, {result.changed} changed")
