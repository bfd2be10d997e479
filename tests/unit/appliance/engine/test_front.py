"""The front with a stub engine behind it: what it lets through, what it refuses, and how either side may break."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.drafting_health import DraftingHealth
from appliance.engine.backend import Backend
from appliance.engine.front import Front
from appliance.engine.settings import Settings
from appliance.weights import Weights

CHAT = {"model": "draft-test", "messages": [{"role": "user", "content": "the patient says SECRET"}]}
JSON_HEAD = b"HTTP/1.1 %d X\r\nserver: stub\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
SSE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def said(status: int, document: object) -> bytes:
    body = json.dumps(document).encode()
    return JSON_HEAD % (status, len(body)) + body


class StubEngine:
    """Records what it is asked, answers `reply` at once, and then does what `then` says."""

    def __init__(self, reply: bytes, then: Serve | None = None) -> None:
        self.reply, self.then = reply, then
        self.asked: list[bytes] = []
        self.closed = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        self.asked.append(head + await reader.readexactly(length))
        writer.write(self.reply)
        if self.then:
            await self.then(reader, writer)
        writer.close()
        self.closed.set()


async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    assert await reader.read() == b""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dr-") as name:  # a short path: unix sockets allow 107 bytes
        yield Path(name)


@asynccontextmanager
async def running(folder: Path, stub: StubEngine | None, **changes: Any) -> Any:
    (folder / "model").mkdir()
    settings = Settings(context_tokens=100, max_body_bytes=2000, **changes)
    front = Front(settings, Weights(folder / "model", "draft-test", None, "test"), (), Backend(folder / "e"))
    servers = [await front.listen(folder / "p")]
    if stub is not None:
        servers.append(await asyncio.start_unix_server(stub, str(folder / "e")))
    yield front
    for server in servers:
        server.close()


def request(path: str, body: bytes = b"", *, method: str = "POST", more: str = "") -> bytes:
    length = "" if "content-length" in more or "transfer-encoding" in more else f"content-length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\n{length}{more}\r\n".encode() + body


async def exchange(folder: Path, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send raw bytes; return status, headers and what follows them until the end."""
    reader, writer = await asyncio.open_unix_connection(str(folder / "p"))
    writer.write(data)
    whole = await reader.read()
    writer.close()
    head, _, rest = whole.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), rest


def ask(folder: Path, stub: StubEngine | None, data: bytes, **changes: Any) -> tuple[int, dict[str, str], bytes]:
    async def run() -> tuple[int, dict[str, str], bytes]:
        async with running(folder, stub, **changes):
            return await exchange(folder, data)

    return asyncio.run(run())


def chat(**changes: Any) -> bytes:
    return request("/v1/chat/completions", json.dumps(CHAT | changes).encode())


def code(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    document = json.loads(answer[2])
    assert document["status"] == answer[0]
    assert answer[1]["content-type"] == "application/problem+json"
    assert b"SECRET" not in answer[2]
    return answer[0], document["type"].rpartition(":")[2]


def test_a_stream_passes_through_byte_by_byte(folder: Path) -> None:
    events = b'15\r\ndata: {"odd":"\xc3\xa4  x"}\r\n' + b"0\r\n\r\n"
    engine = StubEngine(SSE_HEAD + events)
    status, headers, body = ask(folder, engine, chat(stream=True))
    assert (status, body) == (200, events)
    assert headers["transfer-encoding"] == "chunked"
    assert {"cache-control": "no-store", "connection": "close"}.items() <= headers.items()


def test_a_whole_answer_keeps_its_length_and_loses_the_engines_headers(folder: Path) -> None:
    status, headers, body = ask(folder, StubEngine(said(200, {"choices": []})), chat())
    assert (status, json.loads(body)) == (200, {"choices": []})
    assert headers["content-length"] == str(len(body))
    assert "server" not in headers


def test_the_engine_is_sent_what_was_judged(folder: Path) -> None:
    engine = StubEngine(said(200, {}))
    twice = b'{"model": "evil", "model": "draft-test", "messages": [{"role": "user", "content": "x"}]}'
    assert ask(folder, engine, request("/v1/chat/completions", twice))[0] == 200
    head, _, body = engine.asked[0].partition(b"\r\n\r\n")
    assert body == b'{"model":"draft-test","messages":[{"role":"user","content":"x"}]}'
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (request("/slots", method="GET"), (404, "not-found")),
        (request("/v1/completions"), (404, "not-found")),
        (request("/v1/chat/completions?x=1"), (404, "not-found")),
        (request("http://x/v1/models", method="GET"), (404, "not-found")),
        (request("/v1/chat/completions", method="GET"), (405, "method")),
        (request("/health", method="POST"), (405, "method")),
        (b"hello there\r\n\r\n", (400, "invalid-request")),
        (request("/health", method="GET", more="content-length: 5\r\ntransfer-encoding: chunked\r\n"),
         (400, "invalid-request")),
        (request("/health", method="GET", more="x: " + "y" * 70000 + "\r\n"), (431, "head-too-large")),
        (request("/tokenize", more="content-length: 2001\r\n"), (413, "too-large")),
        (request("/tokenize", b"7d1\r\n" + b" " * 2001 + b"\r\n0\r\n\r\n", more="transfer-encoding: chunked\r\n"),
         (413, "too-large")),
    ],
)  # fmt: skip
def test_what_is_no_request_of_ours_is_refused(folder: Path, data: bytes, wanted: tuple[int, str]) -> None:
    engine = StubEngine(said(200, {}))
    assert code(ask(folder, engine, data)) == wanted
    assert engine.asked == []


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"model": "other"}, (404, "model-not-found")),
        ({"model": 5}, (404, "model-not-found")),
        ({"messages": []}, (400, "invalid-request")),
        ({"messages": "SECRET"}, (400, "invalid-request")),
        ({"messages": [{"role": "tool", "content": "SECRET"}]}, (400, "invalid-request")),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, (400, "invalid-request")),
        ({"messages": [{"role": "user", "content": "x", "name": "SECRET"}]}, (400, "invalid-request")),
        ({"messages": [{"role": "user", "content": "x"}] * 257}, (413, "too-large")),
        ({"max_tokens": 101}, (400, "invalid-request")),
        ({"max_tokens": True}, (400, "invalid-request")),
        ({"response_format": {"type": "grammar"}}, (400, "invalid-request")),
        ({"chat_template": "SECRET"}, (400, "invalid-request")),
        ({"lora": [{"id": 0, "scale": 1}]}, (400, "invalid-request")),
        ({"temperature": float("nan")}, (400, "invalid-request")),
    ],
)
def test_a_body_with_more_than_a_draft_needs_is_refused(
    folder: Path, changes: dict[str, Any], wanted: tuple[int, str]
) -> None:
    engine = StubEngine(said(200, {}))
    assert code(ask(folder, engine, chat(**changes))) == wanted
    assert engine.asked == []


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"[" * 1900, b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(folder: Path, body: bytes) -> None:
    assert code(ask(folder, None, request("/v1/chat/completions", body)))[0] == 400


@pytest.mark.parametrize("second", [chat(), request("/slots", method="GET"), b"x"])
def test_nothing_may_follow_a_request(folder: Path, second: bytes) -> None:
    engine = StubEngine(said(200, {"n": 1}))
    assert code(ask(folder, engine, chat() + second)) == (400, "invalid-request")
    assert engine.asked == []


@pytest.mark.parametrize(
    ("engine_name", "status", "error", "wanted"),
    [
        ("llama.cpp", 400, {"type": "exceed_context_size_error", "message": "SECRET"}, (400, "context-exceeded")),
        ("vllm", 400, {"param": "input_tokens", "message": "SECRET"}, (400, "context-exceeded")),
        ("vllm", 400, {"param": None, "message": "SECRET"}, (400, "invalid-request")),
        ("llama.cpp", 500, {"message": "SECRET"}, (502, "engine-failed")),
        ("llama.cpp", 500, "SECRET", (502, "engine-failed")),
    ],
)
def test_the_engines_refusals_become_ours_without_its_words(
    folder: Path, engine_name: str, status: int, error: object, wanted: tuple[int, str]
) -> None:
    assert code(ask(folder, StubEngine(said(status, {"error": error})), chat(), engine=engine_name)) == wanted


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\n", b"no http\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nx"])
def test_an_engine_that_breaks_off_before_its_answer_is_502(folder: Path, reply: bytes) -> None:
    assert code(ask(folder, StubEngine(reply), chat())) == (502, "engine-failed")


def test_an_engine_that_is_not_there_is_502_and_unhealthy(folder: Path) -> None:
    assert code(ask(folder, None, chat())) == (502, "engine-failed")
    (folder / "model").rmdir()
    assert code(ask(folder, None, request("/health", method="GET"))) == (503, "engine-unavailable")


def test_a_stream_that_breaks_off_does_not_look_whole(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> Front:
        async with running(folder, StubEngine(SSE_HEAD + b"5\r\nSECRE")) as front:
            reader, writer = await asyncio.open_unix_connection(str(folder / "p"))
            writer.write(chat(stream=True))
            seen = b""
            with suppress(ConnectionResetError):  # as good: the client knows
                seen = await reader.read()
            assert b"0\r\n\r\n" not in seen
            writer.close()
            return front

    with caplog.at_level(logging.INFO):
        front = asyncio.run(run())
    assert (front.counters.failed, front.counters.done) == (1, 0)
    assert "engine-failed" in caplog.text
    assert "SECRE" not in caplog.text


def test_a_client_that_goes_away_ends_the_engines_work(folder: Path) -> None:
    async def run() -> None:
        engine = StubEngine(SSE_HEAD + b"1\r\nx\r\n", then=until_closed)
        async with running(folder, engine, parallel=1) as front:
            reader, writer = await asyncio.open_unix_connection(str(folder / "p"))
            writer.write(chat(stream=True))
            await reader.readuntil(b"x\r\n")
            assert front.counters.running == 1
            writer.close()
            await asyncio.wait_for(engine.closed.wait(), 30)
            while front.counters.running:
                await asyncio.sleep(0)
            assert front.counters.left == 1

    asyncio.run(run())


def test_only_so_many_wait(folder: Path) -> None:
    async def run() -> None:
        engine = StubEngine(SSE_HEAD, then=until_closed)
        async with running(folder, engine, parallel=1, queue_limit=1) as front:
            writers = []
            for inside in ((1, 0), (1, 1)):
                _, writer = await asyncio.open_unix_connection(str(folder / "p"))
                writer.write(chat(stream=True))
                writers.append(writer)
                while (front.counters.running, front.counters.waiting) != inside:
                    await asyncio.sleep(0)
            answer = await exchange(folder, chat())
            assert code(answer) == (503, "queue-full")
            assert int(answer[1]["retry-after"]) >= 1
            # The one that waits leaves: its place in the queue is free at once, and the engine never hears of it.
            writers[1].close()
            while front.counters.waiting:
                await asyncio.sleep(0)
            assert len(engine.asked) == 1
            writers[0].close()
            await engine.closed.wait()

    asyncio.run(run())


def test_a_request_that_never_ends_is_given_up(folder: Path) -> None:
    half = request("/tokenize", b"{", more="content-length: 9\r\n")
    assert code(ask(folder, None, half, body_timeout_s=0.05)) == (408, "too-slow")


def test_an_engine_that_never_answers_is_504(folder: Path) -> None:
    engine = StubEngine(b"", then=until_closed)
    assert code(ask(folder, engine, chat(), request_timeout_s=0.05)) == (504, "deadline")


def test_tokens_are_counted_alike_whichever_engine_answers(folder: Path) -> None:
    body = json.dumps({"prompt": "a b"}).encode()
    for name in ("llama.cpp", "vllm"):
        engine = StubEngine(said(200, {"tokens": [5, 6]}))
        status, _, found = ask(folder, engine, request("/tokenize", body), engine=name)
        assert (status, json.loads(found)) == (200, {"count": 2, "max_model_len": 100, "tokens": [5, 6]})
        (folder / "model").rmdir()


@pytest.mark.parametrize("body", [{}, {"prompt": 5}, {"prompt": "x", "messages": []}, {"content": "x"}])
def test_a_count_of_nothing_is_refused(folder: Path, body: dict[str, Any]) -> None:
    assert code(ask(folder, None, request("/tokenize", json.dumps(body).encode())))[0] == 400


def test_health_names_the_model_and_why_there_is_no_hash(folder: Path) -> None:
    _, _, body = ask(folder, StubEngine(said(200, {"status": "ok"})), request("/health", method="GET"))
    health = DraftingHealth.model_validate_json(body)
    assert (health.model, health.root_hash, health.engine) == ("draft-test", None, "llama.cpp")
    assert health.root_hash_source


def test_health_has_the_numbers_of_the_last_minutes(folder: Path) -> None:
    """A stream's numbers stand in its last event; the text of a draft cannot pretend to be one."""
    lie = json.dumps({"choices": [{"delta": {"content": ',"completion_tokens": 999'}}]})
    events = (
        f'data: {lie}\n\ndata: {{"usage":{{"prompt_tokens":5,"completion_tokens":12}}}}\n\ndata: [DONE]\n\n'.encode()
    )
    reply = SSE_HEAD + b"%x\r\n%s\r\n0\r\n\r\n" % (len(events), events)

    async def run() -> DraftingHealth:
        engine = StubEngine(reply)
        async with running(folder, engine):
            assert (await exchange(folder, chat()))[0] == 200
            engine.reply = said(200, {"status": "ok"})
            return DraftingHealth.model_validate_json((await exchange(folder, request("/health", method="GET")))[2])

    health = asyncio.run(run())
    assert health.latency is not None
    assert (health.latency.count, health.latency.failed, health.requests_done) == (1, 0, 1)
    assert health.latency.p50_ms is not None
    assert health.tokens_per_s is not None
    assert health.tokens_per_s > 0
    assert health.running_limit
    assert health.waiting_limit


def test_models_are_listed_without_a_path(folder: Path) -> None:
    _, _, body = ask(folder, None, request("/v1/models", method="GET"))
    assert [model["id"] for model in json.loads(body)["data"]] == ["draft-test"]
    assert b"/" not in body


def test_the_socket_is_for_our_group_only(folder: Path) -> None:
    async def run() -> int:
        async with running(folder, None):
            return (folder / "p").stat().st_mode & 0o777

    assert asyncio.run(run()) == 0o660
