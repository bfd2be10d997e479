"""The drafting service with the real llama.cpp and real weights, on its unix socket."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.contract.drafting_health import DraftingHealth

pytestmark = pytest.mark.slow

MODEL = "smollm2-135m-instruct"
CHAT = "/v1/chat/completions"
SCHEMA = {
    "type": "object",
    "properties": {
        "complaint": {"type": "string", "maxLength": 40},
        "side": {"enum": ["left", "right"]},
        "days": {"type": "integer"},
    },
    "required": ["complaint", "side", "days"],
    "additionalProperties": False,
}
# A grammar that cannot end early: thousands of tokens, whatever the model would rather say.
ENDLESS = {"type": "array", "items": {"type": "integer", "minimum": 100000}, "minItems": 1500, "maxItems": 1500}


def asked(text: str = "My left knee has hurt for two days.", **changes: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 24} | changes


def by_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "document", "strict": True, "schema": schema}}


def events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))


def text_of(event: dict[str, Any]) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in event["choices"])


@pytest.fixture(scope="module")
def service(drafting_weights: Path, start_drafting: Callable[..., AbstractContextManager[Any]]) -> Iterator[Any]:
    limits = {"context_tokens": 4096, "parallel": 2, "threads": 1, "max_body_bytes": 200_000}
    with start_drafting(drafting_weights, **limits) as running:
        yield running


@pytest.fixture
def client(service: Any) -> Iterator[httpx.Client]:
    with service.client() as found:
        yield found


def health(client: httpx.Client) -> DraftingHealth:
    return DraftingHealth.model_validate_json(client.get("/health").content)


def test_a_chat_is_answered_with_its_usage(client: httpx.Client) -> None:
    found = client.post(CHAT, json=asked(model=MODEL)).json()
    assert found["choices"][0]["message"]["content"].strip()
    usage = found["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 < usage["completion_tokens"] <= 24


def test_a_stream_says_the_same_as_the_whole(client: httpx.Client) -> None:
    whole = client.post(CHAT, json=asked()).json()["choices"][0]["message"]["content"]
    body = asked(stream=True, stream_options={"include_usage": True})
    with client.stream("POST", CHAT, json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        found = list(events(response))
    assert "".join(map(text_of, found)) == whole
    assert found[-1]["usage"]["completion_tokens"] > 0
    assert len(found) > 3


def test_a_schema_is_followed(client: httpx.Client) -> None:
    found = client.post(CHAT, json=asked(max_tokens=200, response_format=by_schema(SCHEMA))).json()
    document = json.loads(found["choices"][0]["message"]["content"])
    assert document.keys() == {"complaint", "side", "days"}
    assert document["side"] in ("left", "right")
    assert isinstance(document["days"], int)


def test_a_growing_transcript_is_read_once(client: httpx.Client) -> None:
    line = "DR: Where does it hurt? PT: The left knee, since Tuesday, when I climb stairs. "
    client.post(CHAT, json=asked(line * 8, max_tokens=1)).raise_for_status()
    usage = client.post(CHAT, json=asked(line * 9, max_tokens=1)).json()["usage"]
    # All but the last lines and the end of the template was there already.
    assert usage["prompt_tokens_details"]["cached_tokens"] > usage["prompt_tokens"] * 3 // 4


def test_two_are_served_at_once(client: httpx.Client, service: Any) -> None:
    def read(text: str) -> int:
        with service.client() as own, own.stream("POST", CHAT, json=asked(text, stream=True)) as response:
            return len(list(events(response)))

    body = asked(stream=True, max_tokens=4000, response_format=by_schema(ENDLESS))
    with client.stream("POST", CHAT, json=body) as response:
        found = events(response)
        next(found)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(read, "Say hello.").result() > 1
        # The first one is still at it: the second did not wait for its end.
        with service.client() as own:
            assert health(own).requests_running == 1
        next(found)


def test_a_client_that_goes_away_frees_the_engine(
    drafting_weights: Path, start_drafting: Callable[..., AbstractContextManager[Any]]
) -> None:
    with start_drafting(drafting_weights, parallel=1, threads=1, context_tokens=8192) as service:
        body = asked(stream=True, max_tokens=8000, response_format=by_schema(ENDLESS))
        with service.client() as client, client.stream("POST", CHAT, json=body) as response:
            next(events(response))
        # One slot, and thousands of tokens were still to come, over a minute of work: this is answered in time only
        # because the engine stopped.
        with service.client(timeout_s=30) as client:
            answer = client.post(CHAT, json=asked(max_tokens=4)).json()
            assert answer["usage"]["completion_tokens"] <= 4
            assert health(client).requests_left == 1


def test_what_is_not_served_is_refused(client: httpx.Client) -> None:
    assert client.post(CHAT, json=asked("x" * 250_000)).status_code == 413
    for path in ("/slots", "/props", "/metrics", "/completion", "/v1/completions", "/v1/embeddings", "/infill", "/"):
        assert client.get(path).status_code == 404
    assert client.post(CHAT, json=asked(model="other")).status_code == 404
    answer = client.post(CHAT, json=asked(response_format=by_schema({"type": "nonsense"})))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid-request")


def test_a_prompt_that_is_too_long_is_a_clear_400(client: httpx.Client) -> None:
    answer = client.post(CHAT, json=asked("pain " * 6000))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context-exceeded")
    assert "4096 tokens" in answer.json()["detail"]


def test_tokens_are_counted_as_the_chat_counts_them(client: httpx.Client) -> None:
    messages = asked()["messages"]
    counted = client.post("/tokenize", json={"messages": messages}).json()["count"]
    assert counted == client.post(CHAT, json=asked(max_tokens=1)).json()["usage"]["prompt_tokens"]
    # Words of the chat template in somebody's text are text.
    assert client.post("/tokenize", json={"prompt": "<|im_end|>"}).json()["count"] > 1


def test_health_and_models_name_what_is_served(client: httpx.Client) -> None:
    found = health(client)
    assert (found.engine, found.model, found.context_tokens) == ("llama.cpp", MODEL, 4096)
    assert found.root_hash is None
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == [MODEL]


def test_no_word_of_a_request_is_in_the_log(client: httpx.Client, service: Any) -> None:
    client.post(CHAT, json=asked("the word is zanzibar", max_tokens=4)).raise_for_status()
    client.post(CHAT, json=asked("zanzibar " * 6000))
    client.post(CHAT, content=b'{"zanzibar": ')
    log = service.log.read_text()
    assert log.count("request ") > 2
    assert "zanzibar" not in log


def test_there_is_no_tcp_socket(service: Any) -> None:
    for pid in (service.process.pid, service.engine_pid):
        kinds = set()
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it is closed just now
                kinds.add(str(fd.readlink()))
        inodes = {kind[8:-1] for kind in kinds if kind.startswith("socket:[")}
        assert inodes
        for table in ("tcp", "tcp6", "udp", "udp6"):
            rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
            assert not inodes & {row.split()[9] for row in rows}
    assert service.engine_socket.parent.stat().st_mode & 0o777 == 0o700


def test_an_engine_that_dies_ends_the_service_and_the_stream(
    drafting_weights: Path, start_drafting: Callable[..., AbstractContextManager[Any]]
) -> None:
    with start_drafting(drafting_weights, parallel=1, threads=1) as service:
        body = asked(stream=True, max_tokens=4000, response_format=by_schema(ENDLESS))
        with service.client() as client, client.stream("POST", CHAT, json=body) as response:
            found = events(response)
            next(found)
            os.kill(service.engine_pid, signal.SIGKILL)
            with pytest.raises(httpx.TransportError):
                list(found)
        assert service.process.wait(60) == 1
        assert "the engine ended by signal 9 while it served" in service.log.read_text()
        assert not service.socket.exists()


def test_a_service_that_is_told_to_stop_leaves_no_engine(
    drafting_weights: Path, start_drafting: Callable[..., AbstractContextManager[Any]]
) -> None:
    with start_drafting(drafting_weights, threads=1) as service:
        pid = service.engine_pid
        service.process.terminate()
        assert service.process.wait(60) == 0
        assert not Path(f"/proc/{pid}").exists()


def test_a_service_that_is_killed_takes_its_engine_along(
    drafting_weights: Path, start_drafting: Callable[..., AbstractContextManager[Any]]
) -> None:
    with start_drafting(drafting_weights, threads=1) as service:
        pidfd = os.pidfd_open(service.engine_pid)
        service.process.kill()
        assert select.select([pidfd], [], [], 60)[0]  # readable once the process has ended
        os.close(pidfd)


def test_systemd_hears_when_it_is_ready_and_that_it_lives(
    drafting_weights: Path, start_drafting: Callable[..., AbstractContextManager[Any]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "n"))
        listener.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        with start_drafting(drafting_weights, threads=1):
            heard = ""
            while heard.count("WATCHDOG=1") < 2:
                heard += listener.recv(4096).decode() + "\n"
    assert heard.index("STATUS=warming up") < heard.index("READY=1") < heard.index("WATCHDOG=1")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"context_tokens": 9000}, "this model was trained for 8192"), ({"model_dir": "/none"}, "lacks model.gguf")],
)
def test_what_cannot_work_does_not_start(
    drafting_weights: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    settings = {"socket": str(tmp_path / "s"), "model_dir": str(drafting_weights), "require_verity": False}
    (tmp_path / "c.json").write_text(json.dumps(settings | {"parallel": 1, "threads": 1} | change))
    command = [sys.executable, "-m", "appliance.engine", str(tmp_path / "c.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (2, 5)
    assert message in done.stderr


def test_weights_that_are_no_model_are_named_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF but not really")
    settings = {"socket": str(tmp_path / "s"), "model_dir": str(tmp_path), "require_verity": False}
    (tmp_path / "c.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "appliance.engine", str(tmp_path / "c.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "while it started" in done.stderr
