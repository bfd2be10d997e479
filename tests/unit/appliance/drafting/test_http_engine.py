"""The engine's client against a scripted server on a unix socket: slow, crashed, garbage, oversized, refusing."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from appliance.clinical.document import DocumentKind
from appliance.clinical.source import Source
from appliance.drafting.drafter import Drafter
from appliance.drafting.engine import Chunk, End, Request
from appliance.drafting.errors import (
    ContextError,
    DraftError,
    EngineFailedError,
    EngineTimeoutError,
    EngineUnavailableError,
    OutputError,
)  # fmt: skip
from appliance.drafting.events import Finished, StatementDone
from appliance.drafting.http_engine import HttpEngine
from appliance.drafting.order import Order
from appliance.drafting.prompt import Message
from appliance.drafting.settings import ModelIdentity, Settings

REQUEST = Request((Message("user", "the patient said 'synthetic secret'"),), {"type": "object"}, 64, 0.0, 7)
Act = Callable[[HttpEngine], Awaitable[Any]]


def settings(server: Any, **more: Any) -> Settings:
    return Settings(socket=str(server.socket), model=ModelIdentity("base", "a" * 64, "practice", "b" * 64), **more)


def with_engine(server: Any, act: Act, **more: Any) -> Any:
    async def run() -> Any:
        async with server.running(), HttpEngine(settings(server, **more)) as engine:
            return await act(engine)

    return asyncio.run(run())


async def answer(engine: HttpEngine) -> list[Chunk | End]:
    async with aclosing(engine.stream(REQUEST)) as events:
        return [event async for event in events]


def test_an_answer_is_streamed_with_its_end(server: Any) -> None:
    server.script = server.say('{"plan": ["Rest."]}')
    events = with_engine(server, answer)
    assert "".join(event.text for event in events[:-1]) == '{"plan": ["Rest."]}'
    assert events[-1] == End("stop", 9, 4, 3)


def test_the_request_asks_for_the_adapter_a_schema_and_a_stream(server: Any) -> None:
    with_engine(server, answer_of(server, "{}"))
    ((path, body),) = server.bodies
    assert path == "/v1/chat/completions"
    assert (body["model"], body["stream"], body["seed"], body["temperature"]) == ("practice", True, 7, 0.0)
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert "tools" not in body


def answer_of(server: Any, text: str) -> Act:
    server.script = server.say(text)
    return answer


def test_an_absent_socket_and_one_that_nobody_serves_are_unavailable(server: Any, tmp_path: Path) -> None:
    async def run() -> None:
        async with HttpEngine(settings(server)) as engine:
            await answer(engine)

    with pytest.raises(EngineUnavailableError):
        asyncio.run(run())

    async def stale() -> None:
        async with server.running():
            pass
        server.socket.touch()
        async with HttpEngine(settings(server)) as engine:
            await answer(engine)

    with pytest.raises(EngineUnavailableError):
        asyncio.run(stale())


REFUSALS: list[tuple[bytes, type[DraftError], str]] = [
    (b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", EngineFailedError, "engine_busy"),
    (b"HTTP/1.1 500 No\r\ncontent-length: 17\r\n\r\nsynthetic secret.", EngineFailedError, "engine_failed"),
    (
        b"HTTP/1.1 302 Go\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n",
        EngineFailedError,
        "engine_refused",
    ),
    (b"HTTP/1.1 404 No\r\ncontent-length: 16\r\n\r\nsynthetic secret", EngineFailedError, "engine_refused"),
    (b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi", EngineFailedError, "engine_garbage"),
    (b"not http at all\r\n\r\n", EngineFailedError, "engine_interrupted"),
    (b"", EngineFailedError, "engine_interrupted"),
]


@pytest.mark.parametrize(("data", "kind", "code"), REFUSALS)
def test_what_is_no_answer_is_a_clear_failure(server: Any, data: bytes, kind: type[DraftError], code: str) -> None:
    server.script = server.raw(data)
    with pytest.raises(kind) as error:
        with_engine(server, answer)
    assert error.value.code == code
    assert "secret" not in str(error.value) + error.value.hint
    assert len(server.bodies) == 1  # nothing is asked twice


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"type": "exceed_context_size_error", "message": "x", "n_ctx": 512}},
        {"error": {"type": "BadRequestError", "param": "input_tokens", "message": "x"}},
    ],
)
def test_a_context_that_is_exceeded_is_told_apart(server: Any, error: dict[str, Any]) -> None:
    body = json.dumps(error).encode()
    server.script = server.raw(b"HTTP/1.1 400 Bad\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    with pytest.raises(ContextError):
        with_engine(server, answer)


def streams(server: Any) -> dict[str, tuple[bytes, str]]:
    head, event = server.HEAD, server.event
    chunked = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return {
        "crash in the middle": (head + event('{"plan'), "engine_interrupted"),
        "crash inside of a chunk": (chunked + b"400\r\n" + event("{"), "engine_interrupted"),
        "no reason before the end": (head + event("{}") + b"data: [DONE]\n\n", "engine_interrupted"),
        "no JSON": (head + b"data: {oops\n\n", "engine_garbage"),
        "no object": (head + b"data: [1]\n\n", "engine_garbage"),
        "not UTF-8": (head + b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n', "engine_garbage"),
        "text is a number": (head + b'data: {"choices":[{"delta":{"content":5}}]}\n\n', "engine_garbage"),
        "two choices": (head + b'data: {"choices":[{"delta":{}},{"delta":{}}]}\n\n', "engine_garbage"),
        "failure in the middle": (head + event("{") + b'data: {"error":{"message":"secret"}}\n\n', "engine_failed"),
        "one endless event": (head + b"data: " + b"x" * 1_200_000, "engine_oversized"),
        "too much": (head + event("word ") * 5_000, "engine_oversized"),
        "deep nesting": (head + b"data: " + b"[" * 5_000 + b"\n\n", "engine_garbage"),
    }


@pytest.mark.parametrize("name", streams(type("S", (), {"HEAD": b"", "event": staticmethod(lambda *_: b"")})))
def test_a_broken_stream_is_a_clear_failure(server: Any, name: str) -> None:
    data, code = streams(server)[name]
    server.script = server.raw(data)
    with pytest.raises(EngineFailedError) as error:
        with_engine(server, answer, max_stream_bytes=100_000 if name == "too much" else 32 * 1024 * 1024)
    assert error.value.code == code
    assert "secret" not in str(error.value)


def test_a_tool_call_is_no_answer(server: Any) -> None:
    event = b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"prescribe"}}]}}]}\n\n'
    server.script = server.raw(server.HEAD + event)
    with pytest.raises(OutputError) as error:
        with_engine(server, answer)
    assert error.value.code == "output_tool_call"


@pytest.mark.parametrize(
    ("first", "limits", "said"),
    [
        (b"", {"first_token_timeout_s": 0.05}, "begin"),
        (b"event", {"stall_timeout_s": 0.05}, "go on"),
        (b"event", {"total_timeout_s": 0.2}, "end"),
    ],
)
def test_an_engine_that_hangs_is_left(server: Any, first: bytes, limits: dict[str, float], said: str) -> None:
    async def hang(writer: asyncio.StreamWriter) -> None:
        writer.write(server.HEAD + (server.event("{") if first else b""))
        await writer.drain()
        await asyncio.Event().wait()

    server.script = hang
    with pytest.raises(EngineTimeoutError, match=f"did not {said} within"):
        with_engine(server, answer, **limits)


def test_going_away_disconnects_from_the_engine(server: Any) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(server.HEAD)
        while True:
            writer.write(server.event("word "))
            await writer.drain()
            await asyncio.sleep(0)

    async def leave(engine: HttpEngine) -> None:
        async with aclosing(engine.stream(REQUEST)) as events:
            async for _ in events:
                break
        await asyncio.wait_for(server.disconnected.wait(), 10)

    server.script = drip
    with_engine(server, leave)
    assert server.disconnected.is_set()


@pytest.mark.parametrize(("words", "wanted"), [("vllm", 4), ("llama", 4), (None, None)])
def test_tokens_are_counted_in_either_language_or_not_at_all(
    server: Any, words: str | None, wanted: int | None
) -> None:
    server.tokenize = words

    async def twice(engine: HttpEngine) -> tuple[int | None, int | None]:
        return await engine.count_tokens("one two three four"), await engine.count_tokens("one two three four")

    assert with_engine(server, twice) == (wanted, wanted)
    # What was learned the first time is kept.
    assert len(server.bodies) == {"vllm": 2, "llama": 3, None: 2}[words]


def test_a_draft_over_the_socket(server: Any, visit: Source) -> None:
    document = {"history": ["Left knee pain for two weeks."], "exam": [], "assessment": [], "plan": ["Rest."]}
    server.script = server.say(json.dumps(document))

    async def run(engine: HttpEngine) -> list[Any]:
        async with aclosing(
            Drafter(engine, settings(server)).draft(Order(DocumentKind.VISIT_NOTE, (visit,)))
        ) as events:
            return [event async for event in events]

    events = with_engine(server, run)
    assert isinstance(events[-1], Finished)
    assert [one.text for one in events[-1].document.statements()] == ["Left knee pain for two weeks.", "Rest."]


def test_a_crash_in_the_middle_of_a_draft_leaves_counts_and_no_document(server: Any, visit: Source) -> None:
    server.script = server.raw(server.HEAD + server.event('{"history": ["Left knee pain for two weeks.", "Ibu'))
    seen: list[Any] = []

    async def run(engine: HttpEngine) -> None:
        async with aclosing(
            Drafter(engine, settings(server)).draft(Order(DocumentKind.VISIT_NOTE, (visit,)))
        ) as events:
            async for event in events:
                seen.append(event)

    with pytest.raises(EngineFailedError) as error:
        with_engine(server, run)
    assert error.value.code == "engine_interrupted"
    assert error.value.interrupted is not None
    assert error.value.interrupted.statements == 1
    assert any(isinstance(event, StatementDone) for event in seen)
    assert not any(isinstance(event, Finished) for event in seen)
    assert "knee" not in str(error.value)


def test_what_arrives_together_goes_on_together(server: Any) -> None:
    tokens = [server.event(piece) for piece in ('{"plan"', ': ["Re', 'st."]}')]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in (*tokens, server.event(reason="stop")))

    async def script(writer: asyncio.StreamWriter) -> None:
        head = server.HEAD.replace(b"connection: close", b"connection: close\r\ntransfer-encoding: chunked")
        writer.write(head + framed + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

    server.script = script
    events = with_engine(server, answer)
    assert events[:-1] == [Chunk('{"plan": ["Rest."]}')]
    assert events[-1].reason == "stop"
