"""HostFacts: everything that fleetctl reads of a host in one go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fleetctl.facts.base import Fact, Unreadable
from fleetctl.facts.clock import CLOCK, ClockFacts
from fleetctl.facts.disks import DISKS, DiskFacts
from fleetctl.facts.dmi import DMI, DmiFacts
from fleetctl.facts.endorsement import ENDORSEMENT, EndorsementFacts
from fleetctl.facts.gpus import GPUS, GpuFacts
from fleetctl.facts.hsm import HSM, HsmFacts
from fleetctl.facts.identity import IDENTITY, IdentityFacts
from fleetctl.facts.interfaces import INTERFACES, InterfaceFacts
from fleetctl.facts.kernel import KERNEL, KernelFacts
from fleetctl.facts.links import LINKS, LinkFacts
from fleetctl.facts.listeners import LISTENERS, ListenerFacts
from fleetctl.facts.lock import LOCK, LockFacts
from fleetctl.facts.luks import LUKS, LuksFacts
from fleetctl.facts.memory import MEMORY, MemoryFacts
from fleetctl.facts.memory_encryption import MEMORY_ENCRYPTION, MemoryEncryptionFacts
from fleetctl.facts.memory_modules import MEMORY_MODULES, MemoryModuleFacts
from fleetctl.facts.nvme import NVME, NvmeFacts
from fleetctl.facts.processor import PROCESSOR, ProcessorFacts
from fleetctl.facts.raid import RAID, RaidFacts
from fleetctl.facts.ruleset import RULESET, RulesetFacts
from fleetctl.facts.seal import SEAL, SealFacts
from fleetctl.facts.secure_boot import SECURE_BOOT, SecureBootFacts
from fleetctl.facts.services import SERVICES, ServiceFacts
from fleetctl.facts.storage import STORAGE, StorageFacts
from fleetctl.facts.system import SYSTEM, SystemFacts
from fleetctl.facts.time_sync import TIME_SYNC, TimeSyncFacts
from fleetctl.facts.tpm import TPM, TpmFacts
from fleetctl.facts.verity import VERITY, VerityFacts

# What `site verify` judges: read every time.
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

# What the machine is made of: read before it is provisioned, and compared with its profile. It does not change while a
# site runs, and each command costs time on an emulated box.
HARDWARE_FACTS: tuple[Fact[Any], ...] = (
    DMI,
    MEMORY_ENCRYPTION,
    MEMORY_MODULES,
    NVME,
    ENDORSEMENT,
    HSM,
    LINKS,
    KERNEL,
    TIME_SYNC,
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
    # Asked for only where the profile wants GPUs: starting a program on the box costs seconds. None: not asked.
    gpus: GpuFacts | Unreadable | None = None
    # HARDWARE_FACTS. None: not asked.
    dmi: DmiFacts | Unreadable | None = None
    memory_encryption: MemoryEncryptionFacts | Unreadable | None = None
    memory_modules: MemoryModuleFacts | Unreadable | None = None
    nvme: NvmeFacts | Unreadable | None = None
    endorsement: EndorsementFacts | Unreadable | None = None
    hsm: HsmFacts | Unreadable | None = None
    links: LinkFacts | Unreadable | None = None
    kernel: KernelFacts | Unreadable | None = None
    time_sync: TimeSyncFacts | Unreadable | None = None


class Gatherer(Protocol):
    """A host that answers facts."""

    def gather(self, facts: Sequence[Fact[Any]]) -> dict[str, Any]: ...


def gather_host_facts(
    host: Gatherer, *, gpus: bool, hardware: bool, clock: Callable[[], float] = time.time
) -> HostFacts:
    """Read the facts of `host` in one command; `HARDWARE_FACTS` only if `hardware`, its GPUs only if `gpus`."""
    wanted = [*ALL_FACTS, *(HARDWARE_FACTS if hardware else ()), *((GPUS,) if gpus else ())]
    started_s = clock()
    answers = host.gather(wanted)
    return HostFacts(**answers, read=ReadingTime(started_s, clock()))
