"""Parts of the sealed site, each with the one thing changed that a test is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fleetctl.checks.context import CheckContext
from fleetctl.checks.result import CheckResult
from fleetctl.facts.disks import DiskFacts
from fleetctl.facts.listeners import Listener, ListenerFacts
from fleetctl.facts.luks import LuksFacts, TpmBinding
from fleetctl.facts.raid import RaidFacts
from fleetctl.facts.ruleset import BaseChain, RulesetFacts
from fleetctl.facts.seal import SealFacts
from fleetctl.facts.services import ServiceFacts
from fleetctl.facts.storage import StorageFacts
from tests.fakes import site as fake
from tests.fakes.site import RULES, sealed_facts

Check = Callable[[CheckContext], CheckResult]
SEALED = sealed_facts()


def state_volume(**changed: Any) -> LuksFacts:
    """The root volume as it is, the state volume changed."""
    root, state = SEALED.luks.volumes
    return LuksFacts((root, replace(state, **changed)))


def unsigned(volume: int) -> tuple[TpmBinding, ...]:
    return tuple(replace(binding, signed_pcrs=()) for binding in SEALED.luks.volumes[volume].tpm)


def journal(**changed: str) -> StorageFacts:
    """The root volume's record as it is, the state volume's changed."""
    state, root = SEALED.storage.volumes
    return StorageFacts(SEALED.storage.array_uuid, (replace(state, **changed), root))


def sealed(**changed: Any) -> SealFacts:
    return SealFacts(SEALED.seal.seal.model_copy(update=changed))


def process(**changed: Any) -> ServiceFacts:
    first, *rest = SEALED.services.services
    return ServiceFacts((replace(first, process=replace(first.process, **changed)), *rest), 100)


def raid_array(**changed: Any) -> RaidFacts:
    return RaidFacts((replace(SEALED.raid.arrays[0], **changed),))


def data_disks(**changed: Any) -> DiskFacts:
    """The bare machine's disks, the first data disk changed."""
    system, first, second = fake.bare_facts().disks.devices
    return DiskFacts((system, replace(first, **changed), second))


def listening(*listeners: Listener) -> ListenerFacts:
    return ListenerFacts((*SEALED.listeners.listeners, *listeners))


def chains(*policies: tuple[str, str, str]) -> RulesetFacts:
    return RulesetFacts(
        RULES, tuple(BaseChain(family, "t", hook, hook, policy) for family, hook, policy in policies), {}
    )
