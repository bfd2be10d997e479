"""Every check: ok on the sealed site, its fault found, and unknown when a fact that it needs cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from appliance.contract.health import Verdict
from fleetctl.checks import array, boot, encryption, hardware, network, runtime
from fleetctl.checks.context import CheckContext, Wanted
from fleetctl.checks.lists import PREFLIGHT_CHECKS, VERIFY_CHECKS
from fleetctl.checks.result import CheckResult, exit_code
from fleetctl.facts.base import Unreadable
from fleetctl.facts.clock import ClockFacts
from fleetctl.facts.disks import DiskFacts
from fleetctl.facts.identity import IdentityFacts
from fleetctl.facts.interfaces import Interface, InterfaceFacts
from fleetctl.facts.listeners import Listener, ListenerFacts
from fleetctl.facts.luks import LuksFacts, TpmBinding
from fleetctl.facts.memory import MemoryFacts
from fleetctl.facts.processor import ProcessorFacts
from fleetctl.facts.raid import RaidFacts
from fleetctl.facts.ruleset import BaseChain, RulesetFacts
from fleetctl.facts.seal import SealFacts
from fleetctl.facts.secure_boot import SecureBootFacts
from fleetctl.facts.services import Service, ServiceFacts
from fleetctl.facts.storage import StorageFacts
from fleetctl.facts.tpm import TpmFacts
from fleetctl.facts.verity import VerityDevice, VerityFacts
from tests.fakes import site as fake
from tests.fakes.site import MODEL, RULES, SITE, USR, context, device, sealed_facts, snapshot

Check = Callable[[CheckContext], CheckResult]
SEALED = sealed_facts()


def _volume(**changed: Any) -> LuksFacts:
    """The root volume as it is, the state volume changed."""
    root, state = SEALED.luks.volumes
    return LuksFacts((root, replace(state, **changed)))


def _unsigned(volume: int) -> tuple[TpmBinding, ...]:
    return tuple(replace(binding, signed_pcrs=()) for binding in SEALED.luks.volumes[volume].tpm)


def _journal(**changed: str) -> StorageFacts:
    """The root volume's record as it is, the state volume's changed."""
    state, root = SEALED.storage.volumes
    return StorageFacts(SEALED.storage.array_uuid, (replace(state, **changed), root))


def _sealed(**changed: Any) -> SealFacts:
    return SealFacts(SEALED.seal.seal.model_copy(update=changed))


def _process(**changed: Any) -> ServiceFacts:
    first, *rest = SEALED.services.services
    return ServiceFacts((replace(first, process=replace(first.process, **changed)), *rest), 100)


def _array(**changed: Any) -> RaidFacts:
    return RaidFacts((replace(SEALED.raid.arrays[0], **changed),))


def _data(**changed: Any) -> DiskFacts:
    """The bare machine's disks, the first data disk changed."""
    system, first, second = fake.bare_facts().disks.devices
    return DiskFacts((system, replace(first, **changed), second))


def _listening(*listeners: Listener) -> ListenerFacts:
    return ListenerFacts((*SEALED.listeners.listeners, *listeners))


def _chains(*policies: tuple[str, str, str]) -> RulesetFacts:
    return RulesetFacts(
        RULES, tuple(BaseChain(family, "t", hook, hook, policy) for family, hook, policy in policies), {}
    )


PLAIN_STATE = device("vdb", "disk", signature="ext4", mountpoints=("/var/lib/appliance",), serial="LAB-1-DATA0")
VERITY_BELOW_ROOT = device(
    "vda", "disk", device("root", "crypt", signature="ext4", mountpoints=("/",)), signature="DM_verity_hash"
)

# (check, what differs from the sealed site, verdict, a word of the reason)
FAULTS: list[tuple[Check, dict[str, Any], str, str]] = [
    (encryption.volumes_encrypted, {"disks": DiskFacts((fake.system_disk(), PLAIN_STATE))}, "critical", "/var/lib/app"),
    (encryption.volumes_encrypted, {"disks": DiskFacts((fake.system_disk(),))}, "critical", "/var/lib/appliance"),
    (encryption.volumes_encrypted, {"luks": _volume(cipher="cipher_null-ecb")}, "critical", "/var/lib/appliance"),
    (encryption.volumes_encrypted, {"luks": _volume(key_bits=0)}, "critical", "/var/lib/appliance"),
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
    (encryption.root_encrypted, {"seal": _sealed(root_luks_uuid=fake.STATE_UUID)}, "critical", "sealed is 22222222"),
    (encryption.tpm_bound, {"luks": _volume(tpm=())}, "critical", "/var/lib/appliance has no TPM2 slot"),
    (
        encryption.tpm_bound,
        {"luks": LuksFacts((fake.volume("/dev/vda8", fake.ROOT_UUID, (7,)),))},
        "critical",
        "no LUKS",
    ),
    (
        encryption.tpm_bound,
        {"luks": _volume(tpm=(*SEALED.luks.volumes[1].tpm, *SEALED.luks.volumes[0].tpm))},
        "critical",
        "not bound to PCRs 7+15",
    ),
    (encryption.tpm_bound, {"luks": _volume(tpm=_unsigned(1))}, "critical", "appliance has a TPM2 slot without"),
    (
        encryption.tpm_bound,
        {"luks": LuksFacts((replace(SEALED.luks.volumes[0], tpm=_unsigned(0)), SEALED.luks.volumes[1]))},
        "critical",
        "/ has a TPM2 slot without a signed policy for PCR 11",
    ),
    (encryption.no_plain_swap, {"memory": MemoryFacts(1900, ("/dev/zram0", "/dev/vda9"))}, "critical", "/dev/vda9"),
    (encryption.recovery_key_tested, {"storage": StorageFacts("", ())}, "critical", "no record"),
    (
        encryption.recovery_key_tested,
        {"luks": _volume(slots=SEALED.luks.volumes[1].slots[1:])},
        "critical",
        "no recovery slot in 22222222",
    ),
    (encryption.recovery_key_tested, {"storage": _journal(tested_at="")}, "critical", "no record that a recovery key"),
    (encryption.recovery_key_tested, {"storage": _journal(confirmed_at="")}, "critical", "was never confirmed"),
    (
        encryption.recovery_key_tested,
        {"storage": _journal(ciphertext_sha256="0" * 64)},
        "critical",
        "another recovery key than the one that the box made",
    ),
    (array.raid_healthy, {"disks": DiskFacts((fake.system_disk(),))}, "critical", "no layer below"),
    (array.raid_healthy, {"raid": _array(working_members=1, failed=("vdc",))}, "degraded", "1 of 2 members work"),
    (array.raid_healthy, {"raid": _array(work="resync PENDING")}, "degraded", "resync PENDING"),
    (array.raid_healthy, {"raid": _array(level="raid0")}, "critical", "differs"),
    (array.raid_healthy, {"raid": _array(active=False)}, "critical", "differs"),
    (array.data_disks_usable, {"disks": _data(serial="OTHER")}, "critical", "LAB-1-DATA0 is not there"),
    (array.data_disks_usable, {"disks": _data(size_bytes=fake.GIB // 2)}, "critical", "0.5 GiB"),
    (array.data_disks_usable, {"disks": _data(signature="ntfs")}, "critical", "holds ntfs, which is not ours"),
    (
        array.data_disks_usable,
        {"disks": _data(children=(device("vdb1", "part"),))},
        "critical",
        "holds 1 partitions, which is not ours",
    ),
    (
        array.data_disks_usable,
        {"disks": _data(signature="linux_raid_member", uuid="99999999-4444-4444-5555-555566666666")},
        "critical",
        "not ours to erase",
    ),
    (
        array.data_disks_usable,
        {"disks": _data(children=(device("x", "crypt", mountpoints=("/",)),))},
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
        {"ruleset": _chains(("ip", "input", "drop"), ("inet", "output", "drop"))},
        "critical",
        "no input chain with policy drop for IPv6",
    ),
    (
        network.ruleset_sealed,
        {"ruleset": _chains(("inet", "input", "drop"), ("inet", "output", "accept"))},
        "critical",
        "no output chain with policy drop for IPv4",
    ),
    (
        network.listeners_expected,
        {"listeners": _listening(Listener("tcp", "127.0.0.1", 631, "cupsd"))},
        "critical",
        "631",
    ),
    (network.listeners_expected, {"listeners": _listening(Listener("udp", "*", 68, "nc"))}, "critical", "unexpected"),
    (
        network.listeners_expected,
        {"listeners": _listening(Listener("udp", "*", 5353, "systemd-network"))},
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
        {"services": _process(network_namespace=100)},
        "critical",
        "shares the host's network",
    ),
    (runtime.services_sandboxed, {"services": _process(uid=0)}, "critical", "runs as root"),
    (runtime.services_sandboxed, {"services": _process(capabilities=1)}, "critical", "capabilities 0x1"),
    (runtime.services_sandboxed, {"services": _process(no_new_privileges=False)}, "critical", "may gain privileges"),
    (runtime.services_sandboxed, {"services": _process(seccomp=0)}, "critical", "no system-call filter"),
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
        {"processor": ProcessorFacts("x", 1, frozenset({"avx2"}))},
        "critical",
        "1 cores are fewer",
    ),
    (hardware.cpu_sufficient, {"processor": ProcessorFacts("x", 4, frozenset())}, "critical", "no avx2"),
    (hardware.memory_sufficient, {"memory": MemoryFacts(1799, ())}, "critical", "1799 MiB is less than 1800"),
    (hardware.tpm_present, {"tpm": TpmFacts(0, {})}, "critical", "reports no TPM"),
    (hardware.tpm_present, {"tpm": TpmFacts(1, {})}, "critical", "reports TPM version 1"),
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


@pytest.mark.parametrize("check", dict.fromkeys(PREFLIGHT_CHECKS + VERIFY_CHECKS), ids=lambda check: check.__name__)
def test_the_sealed_site_is_ok_and_the_result_bears_the_checks_name(check: Check) -> None:
    result = check(context())
    assert (result.check, result.verdict, result.next_action) == (check.__name__, Verdict.OK, "")


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
    elsewhere = {runtime.health_answers, hardware.gpus_present}
    assert set(PREFLIGHT_CHECKS + VERIFY_CHECKS) <= shown | elsewhere


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
    ("check", "fact"), [(check, fact) for check, facts in NEEDS.items() for fact in facts], ids=lambda each: str(each)
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


def test_a_disk_with_content_may_be_used_when_named_or_ours() -> None:
    storage = SITE.spec.storage.model_copy(update={"erase_disks": ["LAB-1-DATA0"]})
    named = SITE.model_copy(update={"spec": SITE.spec.model_copy(update={"storage": storage})})
    facts = fake.bare_facts(disks=_data(signature="ntfs"))
    assert array.data_disks_usable(context(facts, site=named)).verdict is Verdict.OK
    ours = array.data_disks_usable(context(sealed_facts()))
    assert ours.verdict is Verdict.OK
    assert "linux_raid_member" in ours.seen


def test_without_a_build_nothing_is_called_verified() -> None:
    missing = Unreadable("image", "no image was built")
    assert boot.usr_verified(context(wanted=Wanted(missing, MODEL))).verdict is Verdict.UNKNOWN
    assert runtime.model_loaded(context(wanted=Wanted(USR, missing))).verdict is Verdict.UNKNOWN


def test_a_recovery_key_without_escrow_file_does_not_count() -> None:
    result = encryption.recovery_key_tested(context(escrowed={fake.ROOT_UUID: fake.CIPHERTEXT_SHA256}))
    assert result.verdict is Verdict.CRITICAL
    assert f"no escrow file for {fake.STATE_UUID}" in result.reason
    assert result.seen == "1 of 2 volumes in escrow"


@pytest.mark.parametrize("mount", [fake.ROOT_UUID, fake.STATE_UUID])
def test_a_damaged_escrow_file_does_not_count(mount: str) -> None:
    result = encryption.recovery_key_tested(context(escrowed=context().escrowed | {mount: ""}))
    assert result.verdict is Verdict.CRITICAL
    assert f"the escrow file of {mount}" in result.reason
    assert "is damaged" in result.reason
    assert result.seen == "1 of 2 volumes in escrow"


def test_escrow_files_of_earlier_volumes_are_not_counted() -> None:
    earlier = {f"{number}" * 8 + "-1111-4111-8111-111111111111" for number in (7, 8)}
    everything = (fake.ROOT_UUID, fake.STATE_UUID, *earlier)
    result = encryption.recovery_key_tested(context(escrowed=dict.fromkeys(everything, fake.CIPHERTEXT_SHA256)))
    assert (result.verdict, result.seen) == (Verdict.OK, "2 of 2 volumes in escrow")


def test_health_is_judged_by_its_own_verdict_and_reasons() -> None:
    bad = {"verdict": "critical", "reason": "ruleset differs", "next_action": "provision"}
    result = runtime.health_answers(context(health=snapshot("critical", isolation=bad)))
    assert (result.verdict, result.reason, result.next_action) == (
        "critical",
        "isolation: ruleset differs",
        "provision",
    )
    silent = runtime.health_answers(context(health=Unreadable("health", "no answer")))
    assert silent.verdict is Verdict.UNKNOWN


def test_a_box_that_calls_itself_ok_beside_a_critical_part_is_critical() -> None:
    bad = {"verdict": "critical", "reason": "ruleset differs", "next_action": "provision"}
    result = runtime.health_answers(context(health=snapshot("ok", isolation=bad)))
    assert (result.verdict, result.next_action) == (Verdict.CRITICAL, "provision")
    assert result.reason == "isolation: ruleset differs; the box calls itself ok"


def test_the_services_word_about_its_model_is_compared() -> None:
    other = {"verdict": "ok", "reason": "", "name": "whisper-tiny.en", "root_hash": USR}
    result = runtime.model_loaded(context(health=snapshot(model=other)))
    assert result.verdict is Verdict.CRITICAL
    assert "health reports" in result.reason
    none = runtime.model_loaded(context(health=Unreadable("health", "no answer")))
    assert none.verdict is Verdict.UNKNOWN


def test_a_profile_with_gpus_cannot_pass_unseen() -> None:
    gpu = {"model": "NVIDIA L40S", "count": 4, "min_memory_mib": 46000}
    spec = fake.PROFILE.spec.model_dump() | {"gpus": [gpu]}
    profile = fake.PROFILE.model_copy(update={"spec": type(fake.PROFILE.spec).model_validate(spec)})
    assert hardware.gpus_present(context(profile=profile)).verdict is Verdict.UNKNOWN


def test_exit_codes_follow_the_worst_verdict() -> None:
    ok = boot.secure_boot_on(context())
    unknown = boot.secure_boot_on(context(sealed_facts(secure_boot=fake.unreadable("secure_boot"))))
    degraded = array.raid_healthy(context(sealed_facts(raid=_array(work="resync PENDING"))))
    critical = hardware.tpm_present(context(sealed_facts(tpm=TpmFacts(0, {}))))
    assert [exit_code(each) for each in ([ok], [ok, degraded], [degraded, unknown], [unknown, critical])] == [
        0,
        3,
        5,
        4,
    ]
    assert exit_code([]) == 5
