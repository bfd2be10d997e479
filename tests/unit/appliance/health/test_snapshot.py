"""The snapshot as a whole, and the agent that serves it."""

import http.client
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.gateway_health import GatewayHealth
from appliance.contract.health import HealthSnapshot, Verdict
from appliance.contract.seal import ModelTask
from appliance.facts.reading import UnreadableError
from appliance.health.agent import Agent
from appliance.health.engines import EngineAnswer
from appliance.health.inputs import FACTS_STALE_S, Facts, Space, ask, parse_facts, read_facts
from appliance.health.snapshot import Sequence, take

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
                "kind": "exec",
            }
        ],
        "seal": {
            "site": "north", "usr_root_hash": A, "ruleset_digest": A,
            "models": [{"task": "transcription", "name": "m", "root_hash": A}],
            "state_volume": {"luks_uuid": UUID},
        },
        "clock": {"synchronized": True, "max_error_ms": 1.0, "time_server": True, "time_client": True},
    }  # fmt: skip
    return {
        "schema": "facts/v1",
        "boottime_s": 100.0,
        "facts": {name: {"value": value} for name, value in values.items()},
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


def taken(facts: Facts, ask_engine: Any = engine, ask_gateway: Any = gateway) -> HealthSnapshot:
    return take(
        Sequence(), facts=facts, engine=ask_engine, ask_gateway=ask_gateway, room=lambda mount: Space(mount, 100, 50)
    )


def test_a_good_box_is_ok() -> None:
    snapshot = taken(parse_facts(good_facts(), 110.0))
    assert {name: part.verdict.value for name, part in snapshot.parts().items()} == dict.fromkeys(
        snapshot.parts(), "ok"
    )
    assert (snapshot.verdict, snapshot.site, snapshot.facts_age_s) == (Verdict.OK, "north", 10.0)
    assert HealthSnapshot.model_validate_json(snapshot.model_dump_json()) == snapshot


@pytest.mark.parametrize("name", ["firewall", "verity", "state_volume", "unencrypted_swaps", "units", "seal", "clock"])
def test_a_missing_fact_makes_the_box_unknown(name: str) -> None:
    facts = good_facts()
    facts["facts"][name] = {"error": "cannot be read"}
    assert taken(parse_facts(facts, 110.0)).verdict is Verdict.UNKNOWN


def test_a_service_that_does_not_answer_makes_the_model_unknown() -> None:
    snapshot = taken(parse_facts(good_facts(), 110.0), down)
    assert (snapshot.models.verdict, snapshot.models.loaded) == (Verdict.UNKNOWN, ())
    assert snapshot.isolation.verdict is Verdict.OK


def test_a_gateway_that_does_not_answer_is_unknown() -> None:
    snapshot = taken(parse_facts(good_facts(), 110.0), ask_gateway=no_gateway)
    assert (snapshot.gateway.verdict, snapshot.gateway.audit_size) == (Verdict.UNKNOWN, None)
    assert (snapshot.models.verdict, snapshot.verdict) == (Verdict.OK, Verdict.UNKNOWN)


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


def test_agent_serves_one_route_and_keeps_a_snapshot_for_a_moment(tmp_path: Path) -> None:
    now, made = [0.0], []

    def make() -> HealthSnapshot:
        made.append(taken(parse_facts(good_facts(), 110.0)))
        return made[-1]

    path = tmp_path / "http.sock"
    with Agent(path, make, clock=lambda: now[0]) as agent:
        serving = threading.Thread(target=agent.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            assert path.stat().st_mode & 0o777 == 0o660
            assert json.loads(ask(path, "/v1/health"))["verdict"] == "ok"
            ask(path, "/v1/health")
            assert len(made) == 1
            now[0] = 10.0
            ask(path, "/v1/health")
            assert len(made) == 2
            with pytest.raises(UnreadableError, match="status 404"):
                ask(path, "/etc/passwd")
        finally:
            agent.shutdown()
            serving.join()


def test_agent_answers_500_without_words_when_the_snapshot_fails(tmp_path: Path) -> None:
    def make() -> HealthSnapshot:
        raise RuntimeError("secret")

    path = tmp_path / "http.sock"
    with Agent(path, make) as agent:
        serving = threading.Thread(target=agent.handle_request)
        serving.start()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /v1/health HTTP/1.0\r\n\r\n")
            answer = http.client.HTTPResponse(client)
            answer.begin()
            body = answer.read()
            answer.close()
        serving.join()
    assert answer.status == 500
    assert b"secret" not in body
