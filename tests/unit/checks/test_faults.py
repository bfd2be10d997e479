"""Every check finds its fault and names it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleetctl.checks import array, boot, drives, encryption, gpus, hardware, machine, network, ports, runtime
from fleetctl.checks.lists import PREFLIGHT_CHECKS, VERIFY_CHECKS
from fleetctl.facts.clock import ClockFacts
from fleetctl.facts.disks import DiskFacts
from fleetctl.facts.identity import IdentityFacts
from fleetctl.facts.interfaces import Interface, InterfaceFacts
from fleetctl.facts.listeners import Listener, ListenerFacts
from fleetctl.facts.luks import LuksFacts
from fleetctl.facts.memory import MemoryFacts
from fleetctl.facts.processor import BY_TOPOLOGY, ProcessorFacts
from fleetctl.facts.seal import SealFacts
from fleetctl.facts.secure_boot import SecureBootFacts
from fleetctl.facts.services import Service, ServiceFacts
from fleetctl.facts.storage import StorageFacts
from fleetctl.facts.tpm import TpmFacts
from fleetctl.facts.verity import VerityDevice, VerityFacts
from tests.fakes import site as fake
from tests.fakes.parts import (
    SEALED,
    Check,
    chains,
    data_disks,
    journal,
    listening,
    process,
    raid_array,
    sealed,
    state_volume,
    unsigned,
)
from tests.fakes.site import MODEL, USR, context, device, sealed_facts

PLAIN_STATE = device("vdb", "disk", signature="ext4", mountpoints=("/var/lib/appliance",), serial="LAB-1-DATA0")
VERITY_BELOW_ROOT = device(
    "vda", "disk", device("root", "crypt", signature="ext4", mountpoints=("/",)), signature="DM_verity_hash"
)

# (check, what differs from the sealed site, verdict, a word of the reason)
FAULTS: list[tuple[Check, dict[str, Any], str, str]] = [
    (encryption.volumes_encrypted, {"disks": DiskFacts((fake.system_disk(), PLAIN_STATE))}, "critical", "/var/lib/app"),
    (encryption.volumes_encrypted, {"disks": DiskFacts((fake.system_disk(),))}, "critical", "/var/lib/appliance"),
    (encryption.volumes_encrypted, {"luks": state_volume(cipher="cipher_null-ecb")}, "critical", "/var/lib/appliance"),
    (encryption.volumes_encrypted, {"luks": state_volume(key_bits=0)}, "critical", "/var/lib/appliance"),
    (
        encryption.volumes_encrypted,
        {"disks": DiskFacts((*SEALED.disks.devices, device("sdz", "disk", signature="ext4", mountpoints=("/mnt",))))},
        "critical",
        "/mnt",
    ),
    (
        encryption.volumes_encrypted,
        {"disks": DiskFacts((*SEALED.disks.devices, device("sdz", "disk", signature="vfat", mountpoints=("/mnt",))))},
        "critical",
        "/mnt",
    ),
    (encryption.root_encrypted, {"disks": DiskFacts((VERITY_BELOW_ROOT,))}, "critical", "below /"),
    (encryption.root_encrypted, {"luks": LuksFacts(SEALED.luks.volumes[1:])}, "critical", "below /"),
    (encryption.root_encrypted, {"seal": sealed(root_luks_uuid=fake.STATE_UUID)}, "critical", "sealed is 22222222"),
    (encryption.tpm_bound, {"luks": state_volume(tpm=())}, "critical", "/var/lib/appliance has no TPM2 slot"),
    (
        encryption.tpm_bound,
        {"luks": LuksFacts((fake.volume("/dev/vda8", fake.ROOT_UUID, (7,)),))},
        "critical",
        "no LUKS",
    ),
    (
        encryption.tpm_bound,
        {"luks": state_volume(tpm=(*SEALED.luks.volumes[1].tpm, *SEALED.luks.volumes[0].tpm))},
        "critical",
        "not bound to PCRs 7+15",
    ),
    (encryption.tpm_bound, {"luks": state_volume(tpm=unsigned(1))}, "critical", "appliance has a TPM2 slot without"),
    (
        encryption.tpm_bound,
        {"luks": LuksFacts((replace(SEALED.luks.volumes[0], tpm=unsigned(0)), SEALED.luks.volumes[1]))},
        "critical",
        "/ has a TPM2 slot without a signed policy for PCR 11",
    ),
    (encryption.no_plain_swap, {"memory": MemoryFacts(1900, ("/dev/zram0", "/dev/vda9"))}, "critical", "/dev/vda9"),
    (encryption.recovery_key_tested, {"storage": StorageFacts("", ())}, "critical", "no record"),
    (
        encryption.recovery_key_tested,
        {"luks": state_volume(slots=SEALED.luks.volumes[1].slots[1:])},
        "critical",
        "no recovery slot in 22222222",
    ),
    (encryption.recovery_key_tested, {"storage": journal(tested_at="")}, "critical", "no record that a recovery key"),
    (encryption.recovery_key_tested, {"storage": journal(confirmed_at="")}, "critical", "was never confirmed"),
    (
        encryption.recovery_key_tested,
        {"storage": journal(ciphertext_sha256="0" * 64)},
        "critical",
        "another recovery key than the one that the box made",
    ),
    (array.raid_healthy, {"disks": DiskFacts((fake.system_disk(),))}, "critical", "no layer below"),
    (array.raid_healthy, {"raid": raid_array(working_members=1, failed=("vdc",))}, "degraded", "1 of 2 members work"),
    (array.raid_healthy, {"raid": raid_array(work="resync PENDING")}, "degraded", "resync PENDING"),
    (array.raid_healthy, {"raid": raid_array(level="raid0")}, "critical", "differs"),
    (array.raid_healthy, {"raid": raid_array(active=False)}, "critical", "differs"),
    (array.data_disks_usable, {"disks": data_disks(serial="OTHER")}, "critical", "LAB-1-DATA0 is not there"),
    (array.data_disks_usable, {"disks": data_disks(size_bytes=fake.GIB // 2)}, "critical", "0.5 GiB"),
    (array.data_disks_usable, {"disks": data_disks(signature="ntfs")}, "critical", "holds ntfs, which is not ours"),
    (
        array.data_disks_usable,
        {"disks": data_disks(children=(device("vdb1", "part"),))},
        "critical",
        "holds 1 partitions, which is not ours",
    ),
    (
        array.data_disks_usable,
        {"disks": data_disks(signature="linux_raid_member", uuid="99999999-4444-4444-5555-555566666666")},
        "critical",
        "not ours to erase",
    ),
    (
        array.data_disks_usable,
        {"disks": data_disks(children=(device("x", "crypt", mountpoints=("/",)),))},
        "critical",
        "carries the running system",
    ),
    (boot.secure_boot_on, {"secure_boot": SecureBootFacts(True, False, False)}, "critical", "Secure Boot off"),
    (boot.secure_boot_on, {"secure_boot": SecureBootFacts(True, True, True)}, "critical", "on, setup mode"),
    (boot.secure_boot_on, {"secure_boot": SecureBootFacts(False, False, False)}, "critical", "without UEFI"),
    (boot.usr_verified, {"system": replace(SEALED.system, usrhash="")}, "critical", "usrhash="),
    (
        boot.usr_verified,
        {"verity": VerityFacts((VerityDevice("usr", MODEL, False, False),))},
        "critical",
        "differs from the built image",
    ),
    (
        boot.usr_verified,
        {"verity": VerityFacts((VerityDevice("usr", USR, True, False),))},
        "critical",
        "a block of /usr",
    ),
    (boot.usr_verified, {"verity": VerityFacts(())}, "critical", "not mounted from the dm-verity device"),
    (network.ruleset_sealed, {"ruleset": replace(SEALED.ruleset, digest=USR)}, "critical", "differs from the seal's"),
    (network.ruleset_sealed, {"seal": SealFacts(None)}, "critical", "never sealed"),
    (
        network.ruleset_sealed,
        {"ruleset": chains(("ip", "input", "drop"), ("inet", "output", "drop"))},
        "critical",
        "no input chain with policy drop for IPv6",
    ),
    (
        network.ruleset_sealed,
        {"ruleset": chains(("inet", "input", "drop"), ("inet", "output", "accept"))},
        "critical",
        "no output chain with policy drop for IPv4",
    ),
    (
        network.listeners_expected,
        {"listeners": listening(Listener("tcp", "127.0.0.1", 631, "cupsd"))},
        "critical",
        "631",
    ),
    (network.listeners_expected, {"listeners": listening(Listener("udp", "*", 68, "nc"))}, "critical", "unexpected"),
    (
        network.listeners_expected,
        {"listeners": listening(Listener("udp", "*", 5353, "systemd-network"))},
        "critical",
        "5353",
    ),
    (network.listeners_expected, {"listeners": ListenerFacts(())}, "critical", "nothing listens on TCP 22, 443, 9443"),
    (
        runtime.services_running,
        {"services": ServiceFacts(SEALED.services.services[1:], 100)},
        "critical",
        "appliance-transcription.service",
    ),
    (
        runtime.services_sandboxed,
        {"services": process(network_namespace=100)},
        "critical",
        "shares the host's network",
    ),
    (runtime.services_sandboxed, {"services": process(uid=0)}, "critical", "runs as root"),
    (runtime.services_sandboxed, {"services": process(capabilities=1)}, "critical", "capabilities 0x1"),
    (runtime.services_sandboxed, {"services": process(no_new_privileges=False)}, "critical", "may gain privileges"),
    (runtime.services_sandboxed, {"services": process(seccomp=0)}, "critical", "no system-call filter"),
    (
        runtime.services_sandboxed,
        {"services": ServiceFacts((Service("nftables.service", "loaded", "active", "exited", "success", None),), 100)},
        "critical",
        "no process to look at",
    ),
    (runtime.model_loaded, {"verity": VerityFacts(())}, "critical", "the kernel runs no dm-verity device"),
    (
        runtime.model_loaded,
        {"verity": VerityFacts((VerityDevice("model", MODEL, False, False),))},
        "critical",
        "without a signature",
    ),
    (runtime.model_loaded, {"verity": VerityFacts((VerityDevice("m", MODEL, True, True),))}, "critical", "wrong block"),
    (runtime.clock_right, {"clock": ClockFacts(fake.READ_AT_S + 8.0)}, "degraded", "at least 7.0 s"),
    (runtime.clock_right, {"clock": ClockFacts(fake.READ_AT_S - 60.0)}, "degraded", "at least 60.0 s"),
    (
        hardware.cpu_sufficient,
        {"processor": ProcessorFacts("x", 1, 1, 2, BY_TOPOLOGY, (), frozenset({"avx2"}))},
        "critical",
        "1 cores are fewer",
    ),
    (
        hardware.cpu_sufficient,
        {"processor": ProcessorFacts("x", 1, 4, 4, BY_TOPOLOGY, (), frozenset())},
        "critical",
        "no avx2",
    ),
    (hardware.memory_sufficient, {"memory": MemoryFacts(1799, ())}, "critical", "1799 MiB is less than 1800"),
    (hardware.tpm_present, {"tpm": TpmFacts(0, {}, ())}, "critical", "reports no TPM"),
    (hardware.tpm_present, {"tpm": TpmFacts(1, {}, ())}, "critical", "reports TPM version 1"),
    (
        hardware.interfaces_present,
        {"interfaces": InterfaceFacts(SEALED.interfaces.interfaces[:1])},
        "critical",
        "00:00:02",
    ),
    (
        hardware.interfaces_present,
        {
            "interfaces": InterfaceFacts(
                (SEALED.interfaces.interfaces[0], Interface("e", "52:54:00:00:00:02", False, ()))
            )
        },
        "critical",
        "e (clinical) has no link",
    ),
    (hardware.identity_ready, {"identity": IdentityFacts("hello", "")}, "critical", "not a PEM"),
]

# Their faults are in test_machine.py, which counts them too.
OF_THE_MACHINE = {module.__name__ for module in (drives, machine, ports)}


@pytest.mark.parametrize(
    ("check", "changed", "verdict", "reason"), FAULTS, ids=[f"{row[0].__name__}-{row[3]}" for row in FAULTS]
)
def test_a_fault_is_found_and_named(check: Check, changed: dict[str, Any], verdict: str, reason: str) -> None:
    facts = fake.bare_facts(**changed) if check is array.data_disks_usable else sealed_facts(**changed)
    result = check(context(facts))
    assert result.verdict == verdict
    assert reason in result.reason
    assert result.next_action


def test_every_check_that_can_fail_has_a_fault_here() -> None:
    shown = {row[0] for row in FAULTS}
    in_test_machine = {check for check in PREFLIGHT_CHECKS if check.__module__ in OF_THE_MACHINE}
    elsewhere = {runtime.health_answers, gpus.gpu_count}
    assert set(PREFLIGHT_CHECKS + VERIFY_CHECKS) <= shown | elsewhere | in_test_machine
