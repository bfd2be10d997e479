"""The snapshot as a whole."""

from pathlib import Path
from typing import Any

import pytest

from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.gpu_watch import GpuWatch
from appliance.contract.health import HealthSnapshot, Verdict
from appliance.contract.health_reading import read_snapshot
from appliance.contract.seal import ModelTask
from appliance.facts.gather import SOURCES
from appliance.facts.reading import UnreadableError
from appliance.health.engines import EngineAnswer
from appliance.health.inputs import FACTS_STALE_S, Facts, parse_facts, read_facts
from appliance.health.snapshot import Sequence, Sources, take
from tests.fakes.certificate import certificate

A = "a" * 64
UUID = "01234567-89ab-cdef-0123-456789abcdef"


def good_facts() -> dict[str, Any]:
    values: dict[str, Any] = {
        "firewall": {"digest": A, "counters": {}},
        "verity": {"usr": {"name": "usr", "root_hash": A, "corrupted": False, "signed": True}},
        "state_volume": {
            "mounted": True, "mount": "/var/lib/appliance", "encrypted": True, "luks_uuid": UUID, "read_only": False,
            "array_level": "raid1", "members_wanted": 2, "members_active": 2,
        },
        "unencrypted_swaps": [],
        "units": [
            {
                "unit": "a.service", "active": "active", "sub": "running", "result": "success", "restarts": 0,
                "kind": "exec", "active_since_s": 50.0, "sandbox_differs": [],
            }
        ],
        "seal": {
            "site": "north", "usr_root_hash": A, "ruleset_digest": A,
            "models": [{"task": "transcription", "name": "m", "root_hash": A}],
            "state_volume": {"luks_uuid": UUID},
        },
        "clock": {"synchronized": True, "max_error_ms": 1.0, "time_server": True, "time_client": True},
        "room": [{"mount": "/", "size_mib": 100, "free_mib": 50}],
        "proof": None,
        "gpus": {"wanted": None, "cards": []},
        "certificates": {"box.crt": certificate(365), "ca.crt": certificate(3650)},
        "luks": {
            "state": {
                "uuid": UUID, "slots": [{"number": 0, "kind": "recovery"}, {"number": 1, "kind": "tpm2"}],
                "tpm": [{"pcrs": [7, 15], "signed_pcrs": [11], "bank": "sha256"}],
            }
        },
        "drives": [{"device": "vda", "kind": "virtual"}, {"device": "vdb", "kind": "virtual"}],
        "boot": {
            "slot": "edge_1.0", "uefi": True, "secure_boot": True, "setup_mode": False, "lockdown": "integrity",
            "reboot_required": False, "waiting": None,
        },
    }  # fmt: skip
    return {
        "schema": "facts/v2",
        "boottime_s": 100.0,
        "facts": {name: {"at_s": 100.0, "good_for_s": 150.0, "value": value} for name, value in values.items()},
    }


def engine(task: ModelTask) -> EngineAnswer:
    return EngineAnswer("m", A, "s")


def down(task: ModelTask) -> EngineAnswer:
    raise UnreadableError("http.sock: Connection refused")


def gateway() -> GatewayHealth:
    return GatewayHealth.model_validate(
        {
            "status": "ok", "audit": {"size": 5, "root_hash": A, "checkpoint_age_s": None, "writable": True},
            "database": {"ok": True}, "engines": {"transcription": True, "drafting": None}, "open_transcripts": 0,
            "failed_transcripts": 0,
        }
    )  # fmt: skip


def no_gateway() -> GatewayHealth:
    raise UnreadableError("http.sock: No such file or directory")


def no_watch() -> GpuWatch:
    raise UnreadableError("watch.json: No such file or directory")


def taken(facts: Facts, ask_engine: Any = engine, ask_gateway: Any = gateway, **sources: Any) -> HealthSnapshot:
    given = {"watch": no_watch, "audit_check": lambda: None, **sources}
    return take(Sources(engine=ask_engine, gateway=ask_gateway, **given), facts)


def test_a_good_box_is_ok() -> None:
    snapshot = taken(parse_facts(good_facts(), 110.0))
    assert {name: part.verdict.value for name, part in snapshot.parts().items()} == dict.fromkeys(
        snapshot.parts(), "ok"
    )
    assert (snapshot.verdict, snapshot.site, snapshot.facts_age_s) == (Verdict.OK, "north", 10.0)
    assert read_snapshot(snapshot.model_dump_json().encode()) == snapshot


@pytest.mark.parametrize("name", sorted(good_facts()["facts"]))
def test_a_fact_that_is_missing_or_old_makes_the_box_unknown(name: str) -> None:
    facts = good_facts()
    facts["facts"][name] = {"at_s": 100.0, "good_for_s": 150.0, "error": "cannot be read"}
    assert taken(parse_facts(facts, 110.0)).verdict is Verdict.UNKNOWN
    facts = good_facts()
    facts["facts"][name]["at_s"] = -100.0
    assert taken(parse_facts(facts, 110.0)).verdict is Verdict.UNKNOWN


def test_every_fact_that_is_gathered_is_judged() -> None:
    assert set(good_facts()["facts"]) | {"root_volume"} == set(SOURCES)


def test_a_service_that_does_not_answer_makes_the_model_unknown() -> None:
    snapshot = taken(parse_facts(good_facts(), 110.0), down)
    assert (snapshot.models.verdict, snapshot.models.loaded) == (Verdict.UNKNOWN, ())
    assert snapshot.engines is not None
    assert [(each.task, each.answers) for each in snapshot.engines.engines] == [("transcription", False)]
    assert snapshot.engines.verdict is Verdict.CRITICAL
    assert snapshot.isolation.verdict is Verdict.OK


def test_a_gateway_that_does_not_answer_is_unknown() -> None:
    snapshot = taken(parse_facts(good_facts(), 110.0), ask_gateway=no_gateway)
    assert (snapshot.gateway.verdict, snapshot.gateway.audit_size) == (Verdict.UNKNOWN, None)
    assert (snapshot.models.verdict, snapshot.verdict) == (Verdict.OK, Verdict.UNKNOWN)
    assert snapshot.audit is not None
    assert snapshot.audit.verdict is Verdict.UNKNOWN


def test_stale_facts_are_unknown_and_say_so() -> None:
    snapshot = taken(parse_facts(good_facts(), 100.0 + FACTS_STALE_S + 1))
    assert snapshot.isolation.verdict is Verdict.UNKNOWN
    assert "s old" in snapshot.isolation.reason
    assert snapshot.facts_age_s == FACTS_STALE_S + 1


@pytest.mark.parametrize(
    "text", [None, "", "[]", '{"boottime_s": "x", "facts": {}}', '{"boottime_s": 1, "facts": {"a": 1}}']
)
def test_a_facts_file_that_is_not_understood_is_unknown(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "facts.json"
    if text is not None:
        path.write_text(text)
    facts = read_facts(path)
    assert facts.missing
    assert taken(facts).verdict is Verdict.UNKNOWN


def test_sequence_only_rises() -> None:
    sequence = Sequence()
    numbers = [sequence.next() for _ in range(50)]
    assert numbers == sorted(set(numbers))
    assert Sequence().next() >= numbers[0]
