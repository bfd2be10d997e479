"""Every concern, in every verdict that it can give."""

from collections.abc import Callable
from typing import Any

import pytest

from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.health import IsolationPart, Part, Verdict, worst
from appliance.contract.seal import ModelTask
from appliance.facts.reading import UnreadableError
from appliance.health.concerns import clock, disk, gateway, image, isolation, models, services, storage
from appliance.health.concerns.part import part
from appliance.health.concerns.services import RestartWatch
from appliance.health.engines import EngineAnswer

A, B, C = "a" * 64, "b" * 64, "c" * 64
UUID = "01234567-89ab-cdef-0123-456789abcdef"
SEAL: dict[str, Any] = {
    "site": "north", "usr_root_hash": A, "ruleset_digest": A,
    "models": [{"task": "transcription", "name": "m", "root_hash": A}],
    "state_volume": {"luks_uuid": UUID},
}  # fmt: skip

HEADER: dict[str, Any] = {
    "uuid": UUID, "slots": [{"number": 0, "kind": "recovery"}, {"number": 1, "kind": "tpm2"}],
    "tpm": [{"pcrs": [7, 15], "signed_pcrs": [11], "bank": "sha256"}],
}  # fmt: skip
DRIVES: list[dict[str, Any]] = [{"device": "vda", "kind": "virtual"}]


def room(mount: str, free: int) -> dict[str, Any]:
    return {"mount": mount, "size_mib": 100, "free_mib": free}


def device(root_hash: str = A, *, corrupted: bool = False) -> dict[str, Any]:
    return {"name": "x", "root_hash": root_hash, "corrupted": corrupted, "signed": True}


@pytest.mark.parametrize(
    ("verity", "seal", "verdict"),
    [
        ({"usr": device()}, SEAL, "ok"),
        ({"usr": device(B)}, SEAL, "critical"),
        ({"usr": device(corrupted=True)}, SEAL, "critical"),
        ({}, SEAL, "critical"),
        ({"usr": device()}, None, "degraded"),
    ],
)
def test_image(verity: dict[str, Any], seal: dict[str, Any] | None, verdict: str) -> None:
    assert image.judge(verity, seal, "1").verdict == verdict


def unit(**changes: Any) -> dict[str, Any]:
    return {
        "unit": "a.service", "active": "active", "sub": "running", "result": "success", "restarts": 0, "kind": "notify",
        "active_since_s": 4000.0, "sandbox_differs": [], **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("units", "verdict"),
    [
        ([unit()], "ok"),
        ([unit(), unit(active="inactive", sub="dead", kind="oneshot")], "ok"),
        ([unit(), unit(active="failed", result="exit-code", kind="oneshot")], "critical"),
        ([unit(active="failed", result="exit-code")], "critical"),
        ([unit(active="inactive")], "critical"),
        ([unit(active="activating")], "degraded"),
        ([unit(active="activating"), unit(unit="b.service", active="failed")], "critical"),
        ([unit(active="activating", sub="auto-restart")], "critical"),
        ([unit(restarts=1)], "degraded"),
        ([unit(restarts=3)], "critical"),
        ([unit(restarts=9, active_since_s=100.0)], "ok"),  # active for longer than an hour
        ([unit(sandbox_differs=["PrivateNetwork: wanted yes, runs with no"])], "critical"),
        ([unit(sandbox_differs=None)], "unknown"),
        ([], "unknown"),
    ],
)
def test_services(units: list[dict[str, Any]], verdict: str) -> None:
    assert services.judge(units, SEAL, RestartWatch(), 5000.0).verdict == verdict


def answer(root_hash: str | None) -> Callable[[ModelTask], EngineAnswer]:
    return lambda task: EngineAnswer("m", root_hash, "s")


@pytest.mark.parametrize(
    ("root_hash", "verity", "seal", "verdict"),
    [
        (A, {"w": device()}, SEAL, "ok"),
        (None, {"w": device()}, SEAL, "critical"),
        (A, {"w": device(B)}, SEAL, "critical"),  # no device of the kernel has what the service claims
        (A, {"w": device(corrupted=True)}, SEAL, "critical"),
        (B, {"w": device(B)}, SEAL, "critical"),
        (A, {"w": device()}, None, "degraded"),
    ],
)
def test_model(root_hash: str | None, verity: dict[str, Any], seal: dict[str, Any] | None, verdict: str) -> None:
    assert models.judge(answer(root_hash), verity, seal).verdict == verdict


DRAFTING_SEAL = SEAL | {"models": [*SEAL["models"], {"task": "drafting", "name": "d", "root_hash": B}]}


def test_the_worst_model_decides_and_each_is_named() -> None:
    verity = {"w": device(), "d": device(B)}
    hashes = {"transcription": A, "drafting": B}
    good = models.judge(lambda task: EngineAnswer(task, hashes[task], "s"), verity, DRAFTING_SEAL)
    assert (good.verdict, [each.task for each in good.loaded]) == ("ok", ["transcription", "drafting"])
    bad = models.judge(lambda task: EngineAnswer(task, A, "s"), verity, DRAFTING_SEAL)
    assert bad.verdict == "critical"
    assert bad.reason.startswith("drafting: ")


@pytest.mark.parametrize(
    ("reported", "sealed", "corrupted", "verdict"),
    [
        (C, C, False, "ok"),
        (None, None, False, "ok"),  # the engine is a part of /usr
        (None, C, False, "critical"),
        (C, None, False, "critical"),
        (C, B, False, "critical"),
        (C, C, True, "critical"),
        ("d" * 64, "d" * 64, False, "critical"),  # no device of the kernel has what the service claims
    ],
)
def test_the_image_that_the_engine_runs_from(
    reported: str | None, sealed: str | None, corrupted: bool, verdict: str
) -> None:
    hashes = {"transcription": A, "drafting": B}
    seal = DRAFTING_SEAL | ({"engine": {"name": "vllm-1", "root_hash": sealed}} if sealed else {})
    verity = {"w": device(), "d": device(B), "e": device(C, corrupted=corrupted)}
    part = models.judge(lambda task: EngineAnswer(task, hashes[task], "s", reported, "s"), verity, seal)
    assert part.verdict == verdict
    assert part.loaded[1].engine_root_hash == reported


def test_a_sealed_engine_that_does_not_answer_is_unknown() -> None:
    def ask(task: ModelTask) -> EngineAnswer:
        if task == "drafting":
            raise UnreadableError("no such file")
        return EngineAnswer("m", A, "s")

    part = models.judge(ask, {"w": device()}, DRAFTING_SEAL)
    assert (part.verdict, [each.task for each in part.loaded]) == ("unknown", ["transcription"])


@pytest.mark.parametrize(
    ("seal", "active", "verdict"),
    [(SEAL, "inactive", "ok"), (SEAL, "failed", "critical"), (DRAFTING_SEAL, "inactive", "critical"),
     (DRAFTING_SEAL, "active", "ok"), (None, "inactive", "critical")],
)  # fmt: skip
def test_drafting_rests_only_where_none_is_sealed(seal: dict[str, Any] | None, active: str, verdict: str) -> None:
    units = [unit(), unit(unit="appliance-drafting.service", active=active, sub="dead")]
    assert services.judge(units, seal, RestartWatch(), 5000.0).verdict == verdict


def gateway_health(**changes: Any) -> GatewayHealth:
    """A gateway at a site without drafting; `changes` are merged into its parts."""
    document: dict[str, Any] = {
        "status": "ok", "audit": {"size": 5, "root_hash": A, "checkpoint_age_s": 1.0, "writable": True},
        "database": {"ok": True}, "engines": {"transcription": True, "drafting": None}, "open_transcripts": 1,
        "failed_transcripts": 0,
    }  # fmt: skip
    for name, change in changes.items():
        document[name] = document[name] | change if isinstance(change, dict) else change
    return GatewayHealth.model_validate(document)


@pytest.mark.parametrize(
    ("changes", "seal", "verdict"),
    [
        ({}, SEAL, "ok"),
        ({}, None, "ok"),
        ({"failed_transcripts": 3}, SEAL, "ok"),
        ({"audit": {"writable": False}}, SEAL, "critical"),
        ({"database": {"ok": False}}, SEAL, "critical"),
        ({"engines": {"transcription": False}}, SEAL, "degraded"),
        ({"engines": {"drafting": False}}, DRAFTING_SEAL, "degraded"),
        ({"engines": {"drafting": True}}, DRAFTING_SEAL, "ok"),
        # Seal and settings of the gateway do not belong together.
        ({"engines": {"drafting": True}}, SEAL, "degraded"),
        ({}, DRAFTING_SEAL, "degraded"),
        ({"status": "degraded"}, SEAL, "degraded"),
    ],
)
def test_gateway(changes: dict[str, Any], seal: dict[str, Any] | None, verdict: str) -> None:
    part = gateway.judge(gateway_health(**changes), seal)
    assert (part.verdict, part.audit_size) == (verdict, 5)
    assert bool(part.next_action) is (verdict != "ok")


def state(**changes: Any) -> dict[str, Any]:
    return {
        "mounted": True, "mount": "/var/lib/appliance", "encrypted": True, "luks_uuid": UUID, "read_only": False,
        "array_level": "raid1", "members_wanted": 2, "members_active": 2, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("volume", "swaps", "seal", "verdict"),
    [
        (state(), [], SEAL, "ok"),
        ({"mounted": False}, [], SEAL, "critical"),
        (state(encrypted=False, luks_uuid=None), [], SEAL, "critical"),
        (state(), ["/swapfile"], SEAL, "critical"),
        (state(read_only=True), [], SEAL, "critical"),
        (state(luks_uuid="f" + UUID[1:]), [], SEAL, "critical"),
        (state(members_active=1), [], SEAL, "degraded"),
        (state(array_level=None, members_wanted=None, members_active=None), [], SEAL, "critical"),
        (state(), [], None, "degraded"),
    ],
)
def test_storage(volume: dict[str, Any], swaps: list[str], seal: dict[str, Any] | None, verdict: str) -> None:
    assert storage.judge(volume, swaps, seal, {"state": HEADER}, DRIVES).verdict == verdict


@pytest.mark.parametrize(("digest", "seal", "verdict"), [(A, SEAL, "ok"), (B, SEAL, "critical"), (A, None, "degraded")])
def test_isolation(digest: str, seal: dict[str, Any] | None, verdict: str) -> None:
    found = isolation.judge({"digest": digest, "counters": {"egress_denied": [7, 420]}}, seal, None)
    assert (found.verdict, found.egress_denied_packets, found.ingress_denied_packets) == (verdict, 7, None)


@pytest.mark.parametrize(
    ("free", "verdict"), [(50, "ok"), (10, "ok"), (9, "degraded"), (3, "degraded"), (2, "critical")]
)
def test_disk(free: int, verdict: str) -> None:
    assert disk.judge([room("/", 90), room("/var/lib/appliance", free)]).verdict == verdict


def test_disk_without_file_systems_is_unknown() -> None:
    assert disk.judge([]).verdict == "unknown"


@pytest.mark.parametrize(
    ("synchronized", "time_server", "uptime_s", "verdict"),
    [(True, True, 9e3, "ok"), (False, False, 9e3, "ok"), (False, True, 60, "ok"), (False, True, 9e3, "degraded")],
)
def test_clock(synchronized: bool, time_server: bool, uptime_s: float, verdict: str) -> None:
    found = {"synchronized": synchronized, "max_error_ms": 1.0, "time_server": time_server, "time_client": time_server}
    assert clock.judge(found, uptime_s).verdict == verdict


@pytest.mark.parametrize("synchronized", [True, False])
def test_a_time_server_that_nothing_asks_is_not_called_absent(synchronized: bool) -> None:
    found = {"synchronized": synchronized, "max_error_ms": 1.0, "time_server": True, "time_client": False}
    part = clock.judge(found, 60)
    assert (part.verdict, part.reason) == ("degraded", "a time server is configured, but the time client does not run")
    assert part.next_action


def test_every_fault_names_a_next_action() -> None:
    faults: list[Part] = [
        image.judge({}, SEAL, None), services.judge([unit(active="failed")], SEAL, RestartWatch(), 1.0),
        models.judge(answer(None), {}, SEAL), gateway.judge(gateway_health(audit={"writable": False}), SEAL),
        storage.judge({"mounted": False}, [], SEAL, {}, []), isolation.judge({"digest": B, "counters": {}}, SEAL, None),
        disk.judge([room("/", 1)]),
    ]  # fmt: skip
    assert all(fault.next_action for fault in faults)


def unreadable() -> IsolationPart:
    raise UnreadableError("nft is not installed")


def surprising() -> IsolationPart:
    return isolation.judge({"digest": A}, SEAL, None)  # no counters


@pytest.mark.parametrize("judge", [unreadable, surprising])
def test_what_cannot_be_judged_is_unknown(judge: Any) -> None:
    found = part(IsolationPart, judge)
    assert found.verdict is Verdict.UNKNOWN
    assert found.next_action


def test_worst_verdict() -> None:
    assert worst([Verdict.OK, Verdict.DEGRADED]) is Verdict.DEGRADED
    assert worst([Verdict.DEGRADED, Verdict.UNKNOWN]) is Verdict.UNKNOWN
    assert worst([Verdict.UNKNOWN, Verdict.CRITICAL]) is Verdict.CRITICAL
    assert worst([]) is Verdict.UNKNOWN
