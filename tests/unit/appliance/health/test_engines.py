"""The engines' own answers, of this version and the one before."""

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.seal import ModelTask
from appliance.facts.reading import UnreadableError
from appliance.health import engines

# As the services of version 1 answered (commit 15ca2de).
TRANSCRIPTION_V1 = {
    "schema_version": "transcription-health/v1", "status": "ok", "model": "whisper-tiny.en", "root_hash": "a" * 64,
    "root_hash_source": "s", "queue_length": 1, "queue_limit": 4, "requests_done": 7, "requests_refused": 1,
    "requests_failed": 0,
}  # fmt: skip
DRAFTING_V1 = {
    "schema_version": "drafting-health/v1", "status": "ok", "engine": "vllm", "model": "d", "root_hash": None,
    "root_hash_source": "s", "context_tokens": 4096, "adapters": [], "requests_running": 1, "requests_waiting": 2,
    "requests_done": 3, "requests_refused": 4, "requests_failed": 5, "requests_left": 6,
}  # fmt: skip
LATENCY = {"window_s": 600, "count": 1, "failed": 0, "p50_ms": 1.0, "p95_ms": 1.0, "p99_ms": 1.0}


def asked(monkeypatch: pytest.MonkeyPatch, task: ModelTask, document: dict[str, Any]) -> engines.EngineAnswer:
    def answer(path: Path, route: str) -> bytes:
        assert (path, route) == (engines.ENGINE_SOCKETS[task], "/health")
        return json.dumps(document).encode()

    monkeypatch.setattr(engines, "ask", answer)
    return engines.ask_engine(task)


def test_transcription_of_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    old = asked(monkeypatch, "transcription", TRANSCRIPTION_V1)
    assert (old.program, old.version, old.latency, old.running) == ("faster-whisper", None, None, None)
    assert (old.queue_length, old.queue_limit, old.requests_done) == (1, 5, 7)
    more = {"schema_version": "transcription-health/v2", "engine_version": "1.2.1", "live_streams": 0, "live_limit": 4}
    new = asked(monkeypatch, "transcription", TRANSCRIPTION_V1 | more | {"latency": LATENCY})
    assert (new.version, new.running) == ("1.2.1", 1)
    assert new.latency is not None
    assert new.latency.p95_ms == 1.0


def test_drafting_of_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    old = asked(monkeypatch, "drafting", DRAFTING_V1)
    assert (old.program, old.queue_length, old.queue_limit, old.running, old.tokens_per_s) == ("vllm", 2, None, 1, None)
    more = {"schema_version": "drafting-health/v2", "engine_version": "0.33", "running_limit": 8, "waiting_limit": 16}
    new = asked(monkeypatch, "drafting", DRAFTING_V1 | more | {"latency": LATENCY, "tokens_per_s": 45.5})
    assert (new.version, new.queue_limit, new.running_limit, new.tokens_per_s) == ("0.33", 16, 8, 45.5)


@pytest.mark.parametrize("change", [{"schema_version": "drafting-health/v4"}, {"status": "down"}, {"new": 1}])
def test_an_answer_that_is_not_understood_is_unreadable(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    with pytest.raises(UnreadableError, match="not understood"):
        asked(monkeypatch, "drafting", DRAFTING_V1 | change)
