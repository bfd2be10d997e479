"""The gateway's way into the audit log: an act becomes an entry, and nothing goes on before it is durable."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from appliance.audit import AuditUnavailableError, Receipt
from appliance.contract.audit import Actor, AuditEntry, Digest, Tool
from appliance.gateway.auth.principal import Principal, Role
from appliance.problems import ProblemError


class Log(Protocol):
    """What the gateway needs of the audit log."""

    def append(self, entry: AuditEntry) -> Receipt:
        """Return when the entry is durable."""
        ...


@dataclass(frozen=True)
class Act:
    """What happened, in the words of the log. Content appears as commitments only."""

    event: str
    encounter: str | None = None
    subject: str | None = None
    inputs: tuple[Digest, ...] = ()
    tools: tuple[Tool, ...] = ()
    considered: tuple[Digest, ...] = ()
    produced: tuple[Digest, ...] = ()
    outcome: str = "done"
    reason: str | None = None
    action: str | None = None
    confidence: float | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199}")


def actor_of(principal: Principal, *, break_glass: bool = False) -> Actor:
    """Return who acts, as the log names them. A subject outside of the log's alphabet appears as its SHA-256."""
    role = next((role.value for role in Role if role in principal.roles), "none")
    subject = principal.subject
    if not _SUBJECT.fullmatch(subject):
        subject = "sha256:" + hashlib.sha256(subject.encode()).hexdigest()
    return Actor(subject=subject, role=role, issuer=principal.issuer[:200], break_glass=break_glass)


APPLIANCE = Actor(subject="appliance", role="appliance")


class Trail:
    """Appends; turns a log that cannot be written into a refusal."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def append(self, actor: Actor, act: Act) -> int:
        """Return the index of the durable entry. Raises ProblemError 503: then nothing may be released."""
        entry = AuditEntry(
            at=datetime.now(UTC), event=act.event, actor=actor, encounter=act.encounter, subject=act.subject,
            inputs=act.inputs, tools=act.tools, considered=act.considered, produced=act.produced, outcome=act.outcome,
            reason=act.reason, action=act.action, confidence=act.confidence, numbers=dict(act.numbers),
        )  # fmt: skip
        try:
            return self._log.append(entry).index
        except AuditUnavailableError:
            raise ProblemError(
                503, "audit-unavailable", "The audit log cannot be written",
                "nothing is released while decisions cannot be recorded; tell the on-call engineer",
            ) from None  # fmt: skip


def commitment(name: str, value: str) -> Digest:
    """Return a keyed digest."""
    return Digest(name=name, algorithm="commitment", value=value)
