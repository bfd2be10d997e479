"""The WebSocket route with a scripted decoder: previews, the end, the bounds, and clients that go away."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.transcription.turnstile import Turnstile

START = json.dumps({"sample_rate_hz": 16000, "channels": 1})
END = json.dumps({"type": "end"})
MakeService = Callable[..., Any]


class Talk:
    """One WebSocket: what is fed in, and what came out."""

    def __init__(self, app: Any) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.messages: list[dict[str, Any]] = []
        self.code: int | None = None
        self.taken = 0
        scope = {
            "type": "websocket", "asgi": {"version": "3.0"}, "path": "/v1/stream",
            "raw_path": b"/v1/stream",
            "headers": [], "query_string": b"", "root_path": "", "scheme": "ws", "subprotocols": [],
            "client": None, "server": None,
        }  # fmt: skip
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        message = await self.inbox.get()
        self.taken += 1
        return message

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            self.messages.append(json.loads(message["text"]))
        elif message["type"] == "websocket.close":
            self.code = message["code"]

    def say(self, *given: str | bytes) -> "Talk":
        for each in given:
            kind = "text" if isinstance(each, str) else "bytes"
            self.inbox.put_nowait({"type": "websocket.receive", kind: each})
        return self

    def vanish(self) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def until(self, ready: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not ready():
                await asyncio.sleep(0.005)

    async def over(self) -> None:
        async with asyncio.timeout(60):
            await self.task


def frames(data: bytes) -> list[bytes]:
    return [data[at : at + 32_000] for at in range(0, len(data), 32_000)]


def test_a_stream_ends_with_the_transcript_of_everything(make_service: MakeService, client: Any, engine: Any) -> None:
    service = make_service()

    async def run() -> Talk:
        talk = Talk(service.app())
        talk.say(START, *frames(client.speech(8)))
        await talk.until(lambda: bool(talk.messages))
        talk.say(END)
        await talk.over()
        return talk

    talk = asyncio.run(run())
    assert talk.code == 1000
    assert [message["type"] for message in talk.messages[:-1]] == ["partial"] * (len(talk.messages) - 1)
    answer = TranscriptAnswer.model_validate(talk.messages[-1]["answer"], strict=False)
    assert answer.transcript.duration_s == pytest.approx(8.0)
    assert any(word.doubt == "number" for turn in answer.transcript.turns for word in turn.words)
    assert (service.streams.active, service.worker.inside, service.worker.done) == (0, 0, 1)


def test_a_full_queue_does_not_lose_a_stream_that_has_begun(make_service: MakeService, client: Any) -> None:
    service = make_service(queue_limit=1)

    async def run() -> Talk:
        with service.worker.admit(), service.worker.admit():
            talk = Talk(service.app()).say(START, *frames(client.speech(4)), END)
            await talk.over()
        return talk

    assert asyncio.run(run()).messages[-1]["type"] == "final"


def test_too_many_streams_are_refused_and_the_others_go_on(make_service: MakeService) -> None:
    service = make_service(max_streams=1)

    async def run() -> tuple[Talk, Talk]:
        app = service.app()
        first = Talk(app).say(START)
        await first.until(lambda: first.taken == 2)
        second = Talk(app).say(START)
        await second.over()
        first.say(bytes(32_000), END)
        await first.over()
        return first, second

    first, second = asyncio.run(run())
    assert (second.code, second.messages[-1]["problem"]["status"]) == (1013, 503)
    assert first.messages[-1]["type"] == "final"


@pytest.mark.parametrize("when", ["before", "start", "sound", "final"])
def test_a_client_that_vanishes_frees_everything(
    make_service: MakeService, client: Any, engine: Any, when: str
) -> None:
    service, inside = make_service(), threading.Event()
    engine.decoder.act = inside.set

    async def run() -> Talk:
        talk = Talk(service.app())
        if when != "before":
            talk.say(START)
        if when in ("sound", "final"):
            talk.say(*frames(client.speech(6)))
            await asyncio.to_thread(inside.wait, 10)
        if when == "final":
            talk.say(END)
        talk.vanish()
        await talk.over()
        return talk

    asyncio.run(run())
    assert (service.streams.active, service.worker.inside) == (0, 0)


def test_the_work_stops_when_its_client_goes_away(make_service: MakeService, client: Any, engine: Any) -> None:
    service = make_service(stream_rate=1000.0)
    steps: list[int] = []

    async def run() -> None:
        talk = Talk(service.app()).say(START)
        await talk.until(lambda: talk.taken == 2)
        running, go_on = threading.Event(), threading.Event()

        def step() -> None:
            steps.append(1)
            running.set()
            go_on.wait(10)

        talk.say(*frames(client.speech(8) * 20))
        await talk.until(lambda: service.streams.active == 1 and talk.inbox.empty())
        engine.decoder.act = step
        talk.say(END)
        await asyncio.to_thread(running.wait, 10)
        talk.vanish()
        go_on.set()
        await talk.over()

    asyncio.run(run())
    assert service.worker.inside == 0
    assert len(steps) <= 3  # a preview, and what had begun of the final transcript


def test_a_sender_faster_than_the_limit_is_not_read(make_service: MakeService) -> None:
    """Ten minutes of sound at once: what is taken is the first burst, the rest waits at the sender."""
    service = make_service(stream_rate=0.001)

    async def run() -> Talk:
        talk = Talk(service.app()).say(START, *[bytes(64_000)] * 300)
        await talk.until(lambda: talk.taken >= 17)
        for _ in range(50):
            await asyncio.sleep(0)
        taken = talk.taken
        talk.task.cancel()
        await asyncio.wait([talk.task])
        assert taken <= 19
        return talk

    asyncio.run(run())
    assert service.streams.active == 0


def test_an_idle_stream_is_ended(make_service: MakeService) -> None:
    async def run() -> Talk:
        talk = Talk(make_service(stream_idle_timeout_s=0.05).app()).say(START, bytes(3200))
        await talk.over()
        return talk

    talk = asyncio.run(run())
    assert (talk.code, talk.messages[-1]["problem"]["error"]["code"]) == (1008, "idle")


def test_a_stream_at_its_limit_is_told_and_transcribed(make_service: MakeService, client: Any) -> None:
    async def run() -> Talk:
        talk = Talk(make_service(max_stream_s=4).app()).say(START, *frames(client.speech(8)))
        await talk.over()
        return talk

    talk = asyncio.run(run())
    kinds = [message["type"] for message in talk.messages if message["type"] != "partial"]
    assert kinds == ["limit", "final"]
    assert talk.messages[-1]["answer"]["transcript"]["duration_s"] == pytest.approx(4.0)


def test_a_failing_engine_ends_the_stream_without_what_was_said(
    make_service: MakeService, client: Any, engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("Jane Doe has chest pain")

    engine.decoder.act = fail

    async def run() -> Talk:
        talk = Talk(make_service().app()).say(START, *frames(client.speech(4)), END)
        await talk.over()
        return talk

    talk = asyncio.run(run())
    assert (talk.code, talk.messages[-1]["problem"]["status"]) == (1011, 500)
    assert "Jane" not in caplog.text + json.dumps(talk.messages)


def test_a_preview_goes_before_the_next_batch() -> None:
    turnstile, order = Turnstile(), []
    inside, waiting = threading.Event(), threading.Event()

    def live() -> None:
        inside.wait(60)
        waiting.set()
        with turnstile.live():
            order.append("live")

    def batches() -> None:
        with turnstile.batch():
            inside.set()
            waiting.wait(60)
            while not turnstile.live_waiting:
                pass
            order.append("first")
        with turnstile.batch():
            order.append("second")

    threads = [threading.Thread(target=live), threading.Thread(target=batches)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert order == ["first", "live", "second"]
