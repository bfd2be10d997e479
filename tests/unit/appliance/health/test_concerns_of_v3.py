"""The concerns of health/v3, in every verdict that each can give."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.contract.audit_check import AuditCheck
from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.gpu_watch import GpuWatch
from appliance.contract.health import AuditPart, BootPart, CertificatesPart, GpusPart, Latency
from appliance.facts.reading import UnreadableError
from appliance.health.concerns import audit, boot, certificates, engines, gpus, isolation, storage
from appliance.health.concerns.part import part
from appliance.health.concerns.services import HOUR_S, RestartWatch
from appliance.health.engines import EngineAnswer
from tests.fakes.certificate import certificate

A, B = "a" * 64, "b" * 64
UUID = "01234567-89ab-cdef-0123-456789abcdef"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SEAL: dict[str, Any] = {
    "ruleset_digest": A, "models": [{"task": "transcription", "name": "m", "root_hash": A}],
    "state_volume": {"luks_uuid": UUID},
}  # fmt: skip
GONE = UnreadableError("http.sock: Connection refused")
BOOT = {
    "slot": "edge_1.0", "uefi": True, "secure_boot": True, "setup_mode": False, "lockdown": "integrity",
    "reboot_required": False, "waiting": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "ok"),
        ({"lockdown": "confidentiality", "slot": None}, "ok"),
        ({"uefi": False, "secure_boot": None, "setup_mode": None}, "critical"),
        ({"secure_boot": False}, "critical"),
        ({"setup_mode": True}, "critical"),
        ({"lockdown": None}, "unknown"),
        ({"lockdown": "none"}, "degraded"),
        ({"waiting": "1.1"}, "degraded"),
        ({"reboot_required": True}, "degraded"),
    ],
)
def test_boot(changes: dict[str, Any], verdict: str) -> None:
    found = boot.judge(BOOT | changes, "1.0")
    assert found.verdict == verdict
    assert (found.next_action == "") is (verdict == "ok")
    assert found.pending_reboot is bool(changes.get("waiting") or changes.get("reboot_required"))


def test_boot_that_cannot_be_read_is_unknown() -> None:
    assert part(BootPart, lambda: boot.judge({}, "1.0")).verdict == "unknown"


@pytest.mark.parametrize(
    ("days", "verdict"), [(365, "ok"), (29, "degraded"), (6, "critical"), (-1, "critical")]
)  # fmt: skip
def test_certificates(days: float, verdict: str) -> None:
    found = certificates.judge({"ca.crt": certificate(3650), "box.crt": certificate(days)})
    assert (found.verdict, len(found.certificates)) == (verdict, 2)
    assert found.certificates[0].subject == "CN=lab-1"
    assert ("expired" in found.reason) is (days < 0)


def test_a_box_without_its_certificate_is_critical_and_one_that_is_none_unknown() -> None:
    assert certificates.judge({"ca.crt": certificate(3650)}).verdict == "critical"
    for pem in ("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        found = part(CertificatesPart, lambda pem=pem: certificates.judge({"box.crt": pem}))  # type: ignore[misc]
        assert found.verdict == "unknown"


def gateway(*, writable: bool = True, size: int = 10) -> GatewayHealth:
    return GatewayHealth.model_validate(
        {
            "status": "ok", "audit": {"size": size, "root_hash": A, "checkpoint_age_s": 1.0, "writable": writable},
            "database": {"ok": True}, "engines": {"transcription": True, "drafting": None}, "open_transcripts": 0,
            "failed_transcripts": 0,
        }
    )  # fmt: skip


def checked(verified: bool | None = True, hours: float = 1, size: int | None = 10) -> AuditCheck:
    return AuditCheck(at=NOW - timedelta(hours=hours), verified=verified, size=size, reason="" if verified else "why")


@pytest.mark.parametrize(
    ("answer", "check", "verdict"),
    [
        (gateway(), checked(), "ok"),
        (gateway(), None, "ok"),
        (gateway(), checked(hours=70), "degraded"),
        (gateway(), checked(False, size=None), "critical"),
        (GONE, checked(False, size=None), "critical"),
        (gateway(writable=False), checked(), "critical"),
        (gateway(size=9), checked(), "critical"),
        (GONE, checked(), "unknown"),
        (gateway(), checked(None, size=None), "unknown"),
        (gateway(), UnreadableError("x"), "unknown"),
    ],
)
def test_audit(answer: Any, check: Any, verdict: str) -> None:
    found: AuditPart = audit.judge(answer, check, NOW)
    assert found.verdict == verdict
    assert (found.next_action == "") is (verdict == "ok")


def answer(**changes: Any) -> EngineAnswer:
    return EngineAnswer(
        "m", **{"root_hash": A, "root_hash_source": "s", "queue_length": 0, "queue_limit": 4, **changes}
    )


def starting(**changes: Any) -> dict[str, Any]:
    return {"unit": "appliance-transcription.service", "active": "activating", "sub": "start", **changes}


@pytest.mark.parametrize(
    ("said", "units", "verdict"),
    [
        (answer(), [], "ok"),
        (answer(latency=Latency(window_s=600, count=20, failed=2)), [], "ok"),
        (answer(latency=Latency(window_s=600, count=20, failed=3)), [], "degraded"),
        (answer(queue_length=4), [], "degraded"),
        (answer(root_hash=B), [], "critical"),
        (GONE, [], "critical"),
        (GONE, [starting()], "degraded"),
        (GONE, [starting(sub="auto-restart")], "critical"),
    ],
)
def test_engines(said: Any, units: list[dict[str, Any]], verdict: str) -> None:
    found = engines.judge({"transcription": said}, units, SEAL)
    assert found.verdict == verdict
    assert (found.next_action == "") is (verdict == "ok")
    assert found.engines[0].sealed_root_hash == A
    assert found.engines[0].answers is (said is not GONE)


def test_no_engine_at_all_is_unknown() -> None:
    assert engines.judge({}, [], None).verdict == "unknown"


def proof(verdict: str, digest: str = A) -> dict[str, Any]:
    return {"finished_at": "2026-11-26T12:00:00Z", "verdict": verdict, "ruleset_digest": digest, "attempts": 8,
            "reached": 1 if verdict == "reached" else 0}  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "verdict", "words"),
    [
        (None, "ok", "nobody has tried"),
        (proof("nothing_reached"), "ok", "none arrived"),
        (proof("incomplete"), "degraded", "not complete"),
        (proof("reached"), "critical", "1 of 8"),
        (proof("reached", B), "ok", "with other rules"),
    ],
)
def test_the_last_try_to_get_out(kept: dict[str, Any] | None, verdict: str, words: str) -> None:
    found = isolation.judge({"digest": A, "counters": {}}, SEAL, kept)
    assert found.verdict == verdict
    assert words in found.reason


def test_a_kept_proof_that_is_not_understood_is_an_error() -> None:
    with pytest.raises(UnreadableError):
        isolation.judge({"digest": A, "counters": {}}, SEAL, {"verdict": "fine"})


HEADER: dict[str, Any] = {
    "uuid": UUID, "slots": [{"number": 0, "kind": "recovery"}, {"number": 1, "kind": "tpm2"}],
    "tpm": [{"pcrs": [7, 15], "signed_pcrs": [11], "bank": "sha256"}],
}  # fmt: skip
NVME = {
    "device": "nvme0n1", "kind": "nvme", "used_percent": 3, "spare_percent": 100, "spare_threshold_percent": 10,
    "critical_warning": 0, "media_errors": 0,
}  # fmt: skip


def member(**changes: Any) -> dict[str, Any]:
    return {"device": "vdb", "state": "in_sync", "errors": 0, **changes}


def slots(*kinds: str) -> list[dict[str, Any]]:
    return [{"number": number, "kind": kind} for number, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("header", "drives", "members", "verdict", "words"),
    [
        (HEADER, [NVME], [member()], "ok", "bound to the TPM"),
        (HEADER, [{"device": "vda", "kind": "virtual"}], [], "ok", "1 virtual"),
        (HEADER | {"slots": slots("recovery", "tpm2", "passphrase")}, [NVME], [], "critical", "passphrase"),
        (HEADER | {"slots": slots("tpm2")}, [NVME], [], "degraded", "no recovery key"),
        (HEADER | {"slots": slots("recovery"), "tpm": []}, [NVME], [], "degraded", "not bound to the TPM"),
        (HEADER | {"tpm": [{"pcrs": [7], "signed_pcrs": [], "bank": "sha256"}]}, [NVME], [], "critical", "PCR"),
        (HEADER | {"uuid": UUID.replace("0", "f")}, [NVME], [], "unknown", "was not read"),
        (HEADER, [NVME | {"critical_warning": 4}], [], "critical", "0x04"),
        (HEADER, [NVME | {"spare_percent": 9}], [], "critical", "spare"),
        (HEADER, [NVME | {"used_percent": 80}], [], "degraded", "endurance"),
        (HEADER, [NVME | {"media_errors": 1}], [], "degraded", "media errors"),
        (HEADER, [{"device": "sda", "kind": "unread", "reason": "no reader"}], [], "unknown", "no reader"),
        (HEADER, [NVME | {"used_percent": None}], [], "unknown", "does not tell"),
        (HEADER, [NVME], [member(errors=2)], "degraded", "2 corrected errors"),
        (HEADER, [NVME], [member(state="faulty")], "degraded", "faulty"),
    ],
)
def test_keys_drives_and_members(
    header: dict[str, Any], drives: list[Any], members: list[Any], verdict: str, words: str
) -> None:
    volume = {
        "mounted": True, "mount": "/var/lib/appliance", "encrypted": True, "luks_uuid": UUID, "read_only": False,
        "array_level": "raid1", "members_wanted": 2, "members_active": 2, "members": members,
    }  # fmt: skip
    found = storage.judge(volume, [], SEAL, {"state": header}, drives)
    assert found.verdict == verdict
    assert words in found.reason
    assert (found.next_action == "") is (verdict == "ok")


def unit(restarts: int, **changes: Any) -> dict[str, Any]:
    return {"unit": "a.service", "active": "active", "restarts": restarts, "active_since_s": None, **changes}


def test_restarts_are_counted_over_an_hour_and_never_too_few() -> None:
    watch = RestartWatch()
    # Nothing is known of the time before: what the counter says may have been a moment ago.
    assert watch.last_hour(unit(2), 10_000) == 2
    assert watch.last_hour(unit(2, active_since_s=100.0), 10_000) == 0
    # From then on, the counter's growth.
    assert watch.last_hour(unit(2), 10_000 + HOUR_S) == 0
    assert watch.last_hour(unit(3), 10_060 + HOUR_S) == 1
    assert watch.last_hour(unit(5), 10_120 + HOUR_S) == 3
    assert watch.last_hour(unit(5), 10_121 + 2 * HOUR_S) == 0
    # Started anew by hand: its counter begins at nothing.
    assert watch.last_hour(unit(1), 10_200 + 2 * HOUR_S) == 1


GPU_WANTED = json.dumps(
    {"gpus": [{"reference": "L40S", "count": 1, "min_memory_mib": 1, "ecc": "on", "min_pcie_width": 16}]}
)
READING = {
    "call_limit_s": 10, "reading_limit_s": 40, "count": {"state": "value", "value": 0},
    "library": {
        "state": "ready", "driver_version": {"state": "not_supported"}, "nvml_version": {"state": "not_supported"},
    },
    "bus": {"state": "value", "value": []},
}  # fmt: skip
FAULT = {
    "id": "xid79-3b1c9a", "check": "gpu_xid", "code": 79, "subject": "0000:17:00.0",
    "first_seen": "2026-11-22T12:00:00Z", "last_seen": "2026-11-22T12:00:00Z", "first_boot_id": "ab",
    "last_boot_id": "ab", "count": 1, "count_24h": 1, "state": "open", "verdict": "critical", "reason": "Xid 79",
    "next_action": "reboot",
}  # fmt: skip


def watched(*verdicts: str, faults: tuple[dict[str, Any], ...] = (), boottime_s: float = 990.0) -> GpuWatch:
    checks = [
        {"check": "gpu_ecc", "verdict": verdict, "seen": "s", "wanted": "w", "reason": "r", "next_action": "a"}
        for verdict in verdicts
    ]
    return GpuWatch.model_validate(
        {
            "taken_at": "2026-11-26T12:00:00Z", "boottime_s": boottime_s, "boot_id": "ab", "report": READING,
            "checks": checks, "faults": faults,
            "sources": {"nvml_events": {"state": "listening"}, "kernel_log": {"state": "reading"}},
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        (watched("ok"), "ok"),
        (watched("ok", "degraded"), "degraded"),
        (watched("ok", "unknown"), "unknown"),
        (watched("ok", faults=(FAULT,)), "critical"),
        (watched("ok", faults=(FAULT | {"state": "acknowledged"},)), "ok"),
        (watched("ok", faults=(FAULT | {"verdict": "ok"},)), "ok"),
        (watched("ok", boottime_s=0.0), "unknown"),
        (watched(), "unknown"),
    ],
)
def test_gpus(document: GpuWatch, verdict: str) -> None:
    found = gpus.judge({"wanted": GPU_WANTED, "cards": ["0000:17:00.0"]}, lambda: document, 1000.0)
    assert (found.verdict, found.wanted) == (verdict, 1)
    assert found.report == document.report


def no_watch() -> GpuWatch:
    raise UnreadableError("watch.json: No such file or directory")


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ({"wanted": None, "cards": []}, "ok"),
        ({"wanted": None, "cards": ["0000:17:00.0"]}, "unknown"),  # provisioned by an older fleetctl
        ({"wanted": GPU_WANTED, "cards": []}, "unknown"),
        ({"wanted": "{}", "cards": []}, "unknown"),
    ],
)
def test_without_a_watch_only_a_box_without_gpus_is_ok(found: dict[str, Any], verdict: str) -> None:
    judged = part(GpusPart, lambda: gpus.judge(found, no_watch, 1000.0))
    assert judged.verdict == verdict
    assert ("wants no GPU" in judged.reason) is (verdict == "ok")


def test_faults_that_wait_come_first_and_what_is_left_out_is_counted() -> None:
    many = watched(
        "ok",
        faults=(
            *(FAULT | {"id": f"xid79-{number:06d}", "state": "acknowledged"} for number in range(70)),
            FAULT,
            FAULT | {"id": "cleared-1", "state": "cleared"},
        ),
    ).faults
    shown, left_out = gpus.shown_faults(many)
    assert (shown[0].id, len(shown), left_out) == ("xid79-3b1c9a", 64, 7)
