"""HostFacts: everything that fleetctl reads of a host in one go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fleetctl.facts.base import Fact, Unreadable
from fleetctl.facts.clock import CLOCK, ClockFacts
from fleetctl.facts.disks import DISKS, DiskFacts
from fleetctl.facts.identity import IDENTITY, IdentityFacts
from fleetctl.facts.interfaces import INTERFACES, InterfaceFacts
from fleetctl.facts.listeners import LISTENERS, ListenerFacts
from fleetctl.facts.lock import LOCK, LockFacts
from fleetctl.facts.luks import LUKS, LuksFacts
from fleetctl.facts.memory import MEMORY, MemoryFacts
from fleetctl.facts.processor import PROCESSOR, ProcessorFacts
from fleetctl.facts.raid import RAID, RaidFacts
from fleetctl.facts.ruleset import RULESET, RulesetFacts
from fleetctl.facts.seal import SEAL, SealFacts
from fleetctl.facts.secure_boot import SECURE_BOOT, SecureBootFacts
from fleetctl.facts.services import SERVICES, ServiceFacts
from fleetctl.facts.storage import STORAGE, StorageFacts
from fleetctl.facts.system import SYSTEM, SystemFacts
from fleetctl.facts.tpm import TPM, TpmFacts
from fleetctl.facts.verity import VERITY, VerityFacts

ALL_FACTS: tuple[Fact[Any], ...] = (
    SYSTEM,
    VERITY,
    PROCESSOR,
    MEMORY,
    DISKS,
    LUKS,
    RAID,
    TPM,
    SECURE_BOOT,
    RULESET,
    LISTENERS,
    SERVICES,
    INTERFACES,
    CLOCK,
    SEAL,
    STORAGE,
    LOCK,
    IDENTITY,
)


@dataclass(frozen=True)
class ReadingTime:
    """The operator's clock around the reading: the host answered somewhere between (seconds since 1970)."""

    started_s: float
    ended_s: float


@dataclass(frozen=True)
class HostFacts:
    """One reading of a host. Field names are the facts' names."""

    system: SystemFacts | Unreadable
    verity: VerityFacts | Unreadable
    processor: ProcessorFacts | Unreadable
    memory: MemoryFacts | Unreadable
    disks: DiskFacts | Unreadable
    luks: LuksFacts | Unreadable
    raid: RaidFacts | Unreadable
    tpm: TpmFacts | Unreadable
    secure_boot: SecureBootFacts | Unreadable
    ruleset: RulesetFacts | Unreadable
    listeners: ListenerFacts | Unreadable
    services: ServiceFacts | Unreadable
    interfaces: InterfaceFacts | Unreadable
    clock: ClockFacts | Unreadable
    seal: SealFacts | Unreadable
    storage: StorageFacts | Unreadable
    lock: LockFacts | Unreadable
    identity: IdentityFacts | Unreadable
    read: ReadingTime


class Gatherer(Protocol):
    """A host that answers facts."""

    def gather(self, facts: Sequence[Fact[Any]]) -> dict[str, Any]: ...


def gather_host_facts(host: Gatherer, clock: Callable[[], float] = time.time) -> HostFacts:
    """Read every fact of `host` in one command."""
    started_s = clock()
    answers = host.gather(ALL_FACTS)
    return HostFacts(**answers, read=ReadingTime(started_s, clock()))
