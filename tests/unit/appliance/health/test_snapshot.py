"""The snapshot as a whole, and the agent that serves it."""

import http.client
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.health import HealthSnapshot, TranscriptionHealth, Verdict
from appliance.facts.reading import UnreadableError
from appliance.health.agent import Agent
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
            "site": "north", "usr_root_hash": A, "ruleset_digest": A, "model": {"name": "m", "root_hash": A},
            "state_volume": {"luks_uuid": UUID},
        },
        "clock": {"synchronized": True, "max_error_ms": 1.0, "time_server": True, "time_client": True},
    }  # fmt: skip
    return {
        "schema": "facts/v1",
        "boottime_s": 100.0,
        "facts": {name: {"value": value} for name, value in values.items()},
    }


def transcription() -> TranscriptionHealth:
    return TranscriptionHealth(
        status="ok", model="m", root_hash=A, root_hash_source="s", queue_length=0, queue_limit=1, requests_done=0,
        requests_refused=0, requests_failed=0,
    )  # fmt: skip


def down() -> TranscriptionHealth:
    raise UnreadableError("http.sock: Connection refused")


def taken(facts: Facts, ask_model: Any = transcription) -> HealthSnapshot:
    return take(Sequence(), facts=facts, transcription=ask_model, room=lambda mount: Space(mount, 100, 50))


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
    assert (snapshot.model.verdict, snapshot.model.root_hash) == (Verdict.UNKNOWN, None)
    assert snapshot.isolation.verdict is Verdict.OK


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
