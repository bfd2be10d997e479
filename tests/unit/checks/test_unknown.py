"""Every check is unknown, never ok, when a fact that it needs cannot be read."""

from __future__ import annotations

from dataclasses import fields

import pytest

from appliance.contract.health import Verdict
from fleetctl.checks import array, boot, encryption, hardware, network, runtime
from tests.fakes import site as fake
from tests.fakes.parts import SEALED, Check
from tests.fakes.site import context, sealed_facts

# Which facts each check needs. Whatever is listed makes the check unknown when it cannot be read.
NEEDS: dict[Check, tuple[str, ...]] = {
    encryption.volumes_encrypted: ("disks", "luks"),
    encryption.root_encrypted: ("disks", "luks", "seal"),
    encryption.tpm_bound: ("disks", "luks"),
    encryption.no_plain_swap: ("memory",),
    encryption.recovery_key_tested: ("disks", "luks", "storage"),
    array.raid_healthy: ("disks", "raid"),
    array.data_disks_usable: ("disks", "storage"),
    boot.secure_boot_on: ("secure_boot",),
    boot.usr_verified: ("system", "verity", "disks"),
    network.ruleset_sealed: ("ruleset", "seal"),
    network.listeners_expected: ("listeners",),
    runtime.services_running: ("services",),
    runtime.services_sandboxed: ("services",),
    runtime.model_loaded: ("verity",),
    runtime.clock_right: ("clock",),
    hardware.cpu_sufficient: ("processor",),
    hardware.memory_sufficient: ("memory",),
    hardware.tpm_present: ("tpm",),
    hardware.interfaces_present: ("interfaces",),
    hardware.identity_ready: ("identity",),
}


@pytest.mark.parametrize(
    ("check", "fact"), [(check, fact) for check, facts in NEEDS.items() for fact in facts], ids=lambda each: each if isinstance(each, str) else each.__name__
)
def test_what_cannot_be_read_is_unknown(check: Check, fact: str) -> None:
    result = check(context(sealed_facts(**{fact: fake.unreadable(fact)})))
    assert result.verdict is Verdict.UNKNOWN
    assert f"could not read {fact}: the command ended with 1" in result.reason


@pytest.mark.parametrize("check", list(NEEDS), ids=lambda check: check.__name__)
def test_no_check_stays_ok_when_nothing_can_be_read(check: Check) -> None:
    names = [each.name for each in fields(SEALED) if each.name != "read"]
    result = check(context(sealed_facts(**{name: fake.unreadable(name) for name in names})))
    assert result.verdict is Verdict.UNKNOWN
