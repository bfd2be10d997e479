"""What the machine is made of against a hospital's profile: every verdict of every check, and the differences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.contract.health import Verdict
from fleetctl.checks import drives, hardware, machine, ports
from fleetctl.checks.lists import PREFLIGHT_CHECKS
from fleetctl.facts.disks import DiskFacts
from fleetctl.facts.dmi import DmiFacts
from fleetctl.facts.hsm import HsmFacts
from fleetctl.facts.links import LinkFacts
from fleetctl.facts.memory_encryption import MemoryEncryptionFacts
from fleetctl.facts.memory_modules import MemoryModuleFacts
from tests.fakes import hardware as server
from tests.fakes import site as fake
from tests.fakes.parts import Check

OF_THE_MACHINE = (
    machine.chassis_named,
    hardware.cpu_sufficient,
    hardware.memory_sufficient,
    machine.memory_modules_right,
    machine.memory_encrypted,
    machine.hsm_ready,
    drives.drives_suitable,
    drives.drives_healthy,
    ports.ports_sufficient,
)
NEW = (*OF_THE_MACHINE[:1], *OF_THE_MACHINE[3:])


@pytest.mark.parametrize("check", OF_THE_MACHINE, ids=lambda check: check.__name__)
def test_the_reference_machine_is_ok_without_a_difference(check: Check) -> None:
    result = check(server.server_context())
    assert result.verdict is Verdict.OK, result
    assert result.difference == ""
    assert check in PREFLIGHT_CHECKS


FACT_OF = {
    machine.chassis_named: "dmi",
    machine.memory_modules_right: "memory_modules",
    machine.memory_encrypted: "memory_encryption",
    machine.hsm_ready: "hsm",
    drives.drives_suitable: "nvme",
    drives.drives_healthy: "nvme",
    ports.ports_sufficient: "links",
}


@pytest.mark.parametrize("check", NEW, ids=lambda check: check.__name__)
def test_what_was_not_read_or_could_not_be_is_unknown(check: Check) -> None:
    fact = FACT_OF[check]
    unread = check(server.server_context(**{fact: None}))
    assert unread.verdict is Verdict.UNKNOWN
    assert "was not read" in unread.reason
    failed = check(server.server_context(**{fact: fake.unreadable(fact)}))
    assert failed.verdict is Verdict.UNKNOWN
    assert f"could not read {fact}" in failed.reason


@pytest.mark.parametrize("check", NEW[:-2], ids=lambda check: check.__name__)
def test_what_a_profile_does_not_require_is_not_asked_of_a_machine(check: Check) -> None:
    result = check(fake.context(fake.bare_facts()))
    assert (result.verdict, result.wanted) == (Verdict.OK, "not required by the profile")


def module(**changed: Any) -> MemoryModuleFacts:
    return server.modules(**changed)


PLAIN_DRIVE = replace(server.drive(0).locking, media_encryption=False)  # type: ignore[type-var]


def _sata() -> DiskFacts:
    disks = server.server_facts().disks
    assert isinstance(disks, DiskFacts)
    return DiskFacts(tuple(replace(disk, name=disk.name.replace("nvme", "sd")) for disk in disks.devices))


BAD: list[tuple[Check, dict[str, Any], str, str]] = [
    (machine.memory_modules_right, {"memory_modules": module(size_mib=16384)}, "critical", "496 GiB are less than 512"),
    (machine.memory_modules_right, {"memory_modules": module(kind="DDR4")}, "critical", "DDR4 is not DDR5"),
    (machine.memory_modules_right, {"memory_modules": module(ecc="None")}, "critical", "no error correction in A1"),
    (machine.memory_modules_right, {"memory_modules": module(ecc="Unknown")}, "unknown", "does not say whether"),
    (
        machine.memory_encrypted,
        {"memory_encryption": MemoryEncryptionFacts("TME", False, "", "bit 1 is 0")},
        "critical",
        "bit 1 is 0",
    ),
    (machine.hsm_ready, {"hsm": HsmFacts((), ())}, "critical", "no module shows an initialised token"),
    (drives.drives_suitable, {"nvme": server.drives(serial="OTHER")}, "critical", f"{server.SERIALS[0]} is no NVMe"),
    (drives.drives_suitable, {"nvme": server.drives(locking=PLAIN_DRIVE)}, "critical", "does not encrypt itself"),
    (drives.drives_suitable, {"nvme": server.drives(locking=None)}, "unknown", "was not asked what it does"),
    (
        drives.drives_suitable,
        {"nvme": server.drives(locking=None, security_commands=False)},
        "critical",
        "does not encrypt itself",
    ),
    (
        drives.drives_healthy,
        {"nvme": server.drives(smart=replace(server.SMART, critical_warning=4))},
        "critical",
        "warns (critical_warning 0x04)",
    ),
    (
        drives.drives_healthy,
        {"nvme": server.drives(smart=replace(server.SMART, spare_percent=9))},
        "critical",
        "9 % of its spare blocks",
    ),
    (
        drives.drives_healthy,
        {"nvme": server.drives(smart=replace(server.SMART, used_percent=80))},
        "degraded",
        "80 % of its endurance",
    ),
    (
        drives.drives_healthy,
        {"nvme": server.drives(smart=replace(server.SMART, media_errors=3))},
        "degraded",
        "3 media errors",
    ),
    (drives.drives_healthy, {"nvme": server.drives(serial="OTHER")}, "unknown", "did not answer with its health log"),
    (drives.drives_healthy, {"disks": fake.bare_facts().disks}, "unknown", f"{server.SERIALS[0]}, "),
    (drives.drives_healthy, {"disks": _sata()}, "unknown", "is not read: no NVMe drive"),
    (ports.ports_sufficient, {"links": LinkFacts(server.ports().links[:1])}, "critical", "1 ports are fewer than 2"),
    (ports.ports_sufficient, {"links": server.ports(speed_mbps=100)}, "critical", "eno2 (clinical) runs at 100 Mbit/s"),
    (ports.ports_sufficient, {"links": server.ports(speed_mbps=None)}, "unknown", "eno2 (clinical) names no speed"),
    (
        ports.ports_sufficient,
        {"links": server.ports(permanent_mac="52:54:00:00:00:99")},
        "critical",
        "(clinical) is no physical port",
    ),
    (
        hardware.tpm_present,
        {"tpm": replace(fake.sealed_facts().tpm, banks=("sha1",))},  # type: ignore[type-var]
        "critical",
        "which the TPM does not keep",
    ),
]


@pytest.mark.parametrize(("check", "facts", "verdict", "reason"), BAD)
def test_what_is_wrong_is_said(check: Check, facts: dict[str, Any], verdict: str, reason: str) -> None:
    result = check(server.server_context(**facts))
    assert result.verdict.value == verdict
    assert reason in result.reason
    assert result.next_action


def test_keys_in_files_are_no_security_module() -> None:
    (module,) = server.server_facts().hsm.modules  # type: ignore[union-attr]
    soft = replace(module, tokens=(replace(server.TOKEN, model="SoftHSM v2"),))
    result = machine.hsm_ready(server.server_context(hsm=HsmFacts((soft,), ())))
    assert result.verdict is Verdict.CRITICAL
    assert "keeps its keys in files" in result.reason


@pytest.mark.parametrize("model", ["NSS 3", "Kryoptic", "SoftHSM v3"])
def test_a_token_that_nobody_vouches_for_is_unknown(model: str) -> None:
    (module,) = server.server_facts().hsm.modules  # type: ignore[union-attr]
    other = replace(module, tokens=(replace(server.TOKEN, model=model),))
    result = machine.hsm_ready(server.server_context(hsm=HsmFacts((other,), ())))
    assert result.verdict is Verdict.UNKNOWN
    assert f"nobody vouches that '{model}' is hardware" in result.reason


def test_networks_that_share_addresses_are_no_segments_of_their_own() -> None:
    context = server.server_context()
    networks = context.site.spec.networks
    wide = networks.management.model_copy(update={"sources": ["10.0.0.0/8"]})
    spec = context.site.spec.model_copy(update={"networks": networks.model_copy(update={"management": wide})})
    result = ports.ports_sufficient(replace(context, site=context.site.model_copy(update={"spec": spec})))
    assert result.verdict is Verdict.CRITICAL
    assert "10.0.0.0/8 (management) and 10.0.3.0/24 (clinical) overlap" in result.reason


def test_another_part_that_meets_the_requirement_is_a_difference() -> None:
    facts = server.server_facts()
    assert isinstance(facts.dmi, DmiFacts)
    other = replace(facts.dmi, vendor="HPE", product="ProLiant DL380 Gen11")
    result = machine.chassis_named(server.server_context(dmi=other))
    assert result.verdict is Verdict.OK
    assert "HPE ProLiant DL380 Gen11" in result.difference
    processor = replace(facts.processor, model="AMD EPYC 9554 64-Core Processor")  # type: ignore[type-var]
    result = hardware.cpu_sufficient(server.server_context(processor=processor))
    assert result.verdict is Verdict.OK
    assert result.difference == "AMD EPYC 9554 64-Core Processor in place of Xeon(R) Gold 6448Y"


def test_modules_that_run_slower_than_they_could_are_shown() -> None:
    slow = module(configured_mts=4400)
    result = machine.memory_modules_right(server.server_context(memory_modules=slow))
    assert result.verdict is Verdict.OK
    assert "running at 4400 of 4800 MT/s" in result.seen


def test_a_virtual_disk_has_no_health() -> None:
    result = drives.drives_healthy(fake.context(fake.bare_facts()))
    assert result.verdict is Verdict.OK
    assert result.seen == "virtual disks"


def test_every_check_that_can_fail_has_a_fault_here() -> None:
    """But the chassis, which is a difference at most."""
    modules = {module.__name__ for module in (drives, machine, ports)}
    of_the_machine = {check for check in PREFLIGHT_CHECKS if check.__module__ in modules}
    assert of_the_machine == {row[0] for row in BAD} - {hardware.tpm_present} | {machine.chassis_named}
