"""Stubs of the two engines on unix sockets. They hear and write nothing: they answer what a test wants."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from appliance.clinical.source import Speaker
from appliance.clinical.transcript import Transcript, Turn, Word
from appliance.clinical.transcript_answer import DecoderFacts, EngineFacts, TranscriptAnswer, VocabularyFacts
from appliance.contract.drafting_health import DraftingHealth

LINES = (
    (Speaker.PATIENT, "My left knee has hurt for two weeks."),
    (Speaker.CLINICIAN, "Take ibuprofen 400 mg with food."),
)
SUPPORTED = "The left knee has hurt for two weeks."
UNSUPPORTED = "The patient is a 35-year-old male."


def wav(seconds: float = 0.1, byte: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(bytes([byte, 0]) * int(16_000 * seconds))
    return file.getvalue()


def answer_of(*lines: tuple[Speaker, str]) -> TranscriptAnswer:
    """A transcript of these lines, a word each half second."""
    turns, at = [], 0.0
    for speaker, line in lines:
        words = []
        for text in line.split():
            words.append(Word(text=text, start_s=at, end_s=at + 0.4, confidence=0.9))
            at += 0.5
        turns.append(Turn(speaker=speaker, start_s=words[0].start_s, end_s=at, words=tuple(words)))
    transcript = Transcript(language="en", duration_s=at + 1, speech_s=at, turns=tuple(turns), speaker_method="voices")
    decoder = DecoderFacts(
        beam_size=5, temperature=0, batch=1, second="greedy", compute_type="int8", device="cpu"
    )  # fmt: skip
    engine = EngineFacts(
        model="stub-whisper", root_hash="1" * 64, decoder=decoder, vocabulary=VocabularyFacts(), program_version="0"
    )
    return TranscriptAnswer(transcript=transcript, engine=engine)


@asynccontextmanager
async def listening(app: Any, path: Path) -> AsyncIterator[uvicorn.Server]:
    """Serve an ASGI application on a unix socket, in this event loop."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="websockets-sansio", lifespan="auto", ws_max_size=128 * 1024,
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve(sockets=[listener]))
    try:
        while not server.started:
            assert not serving.done(), serving.exception()
            await asyncio.sleep(0.002)
        yield server
    finally:
        server.should_exit = True
        await serving
        listener.close()
        path.unlink(missing_ok=True)


class StubTranscription:
    """Answers like the transcription service, without hearing anything. Not a recogniser."""

    def __init__(self) -> None:
        self.lines: tuple[tuple[Speaker, str], ...] = LINES
        self.bodies: list[bytes] = []
        self.first: list[Response] = []
        """What to answer before the first transcript."""
        self.hold: asyncio.Event | None = None
        self.asked = asyncio.Event()
        self.on_stream: Callable[[WebSocket], Any] | None = None
        self.heard = bytearray()
        self.start: dict[str, Any] = {}
        self.app = Starlette(
            routes=[
                Route("/health", lambda _: JSONResponse({"status": "ok"})),
                Route("/v1/transcripts", self._transcribe, methods=["POST"]),
                WebSocketRoute("/v1/stream", self._stream),
            ]
        )

    async def _transcribe(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.first:
            return self.first.pop(0)
        return Response(answer_of(*self.lines).model_dump_json(), media_type="application/json")

    async def _stream(self, websocket: WebSocket) -> None:
        await websocket.accept()
        if self.on_stream is not None:
            await self.on_stream(websocket)
            return
        self.start = json.loads(await websocket.receive_text())
        try:
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if message.get("bytes") is None:
                    break
                self.heard += message["bytes"]
                words = [
                    {"text": word, "start_s": 0, "end_s": 1, "confidence": 0.9} for word in self.lines[0][1].split()
                ]
                await websocket.send_text(json.dumps({"type": "partial", "stable": words, "tentative": []}))
            final = {"type": "final", "answer": answer_of(*self.lines).model_dump(mode="json")}
            await websocket.send_text(json.dumps(final))
            await websocket.close()
        except WebSocketDisconnect:
            pass


class StubEngine:
    """An OpenAI-compatible server that says what a test wants. Not a model."""

    def __init__(self) -> None:
        self.sections: dict[str, list[str]] = {"history": [SUPPORTED]}
        self.everywhere: list[str] = []
        self.fail_after: int | None = None
        """Break the stream off after that many pieces."""
        self.hold_after: int | None = None
        self.release = asyncio.Event()
        self.held = asyncio.Event()
        self.left = asyncio.Event()
        self.requests: list[dict[str, Any]] = []
        self.adapter_kinds: dict[str, str] = {}
        self.app = Starlette(
            routes=[
                Route("/health", self._health),
                Route("/tokenize", self._tokenize, methods=["POST"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
            ]
        )

    async def _health(self, _: Request) -> Response:
        health = DraftingHealth(
            status="ok", engine="vllm", model="stub-model", root_hash="2" * 64, root_hash_source="a stub",
            context_tokens=32_000, adapters=tuple(dict.fromkeys(self.adapter_kinds.values())),
            adapter_kinds=self.adapter_kinds, requests_running=0, requests_waiting=0, requests_done=0,
            requests_refused=0, requests_failed=0, requests_left=0,
        )  # fmt: skip
        return Response(health.model_dump_json(), media_type="application/json")

    async def _tokenize(self, request: Request) -> Response:
        given = await request.json()
        return JSONResponse({"count": len(given.get("prompt", "")) // 4 + 1, "max_model_len": 32_000, "tokens": []})

    async def _chat(self, request: Request) -> Response:
        given = await request.json()
        self.requests.append(given)
        names = list(given["response_format"]["json_schema"]["schema"]["properties"])
        if not any(name in self.sections for name in names) or self.everywhere:
            found = {name: self.everywhere if name == names[0] else [] for name in names}
        else:
            found = {name: self.sections.get(name, []) for name in names}
        return StreamingResponse(self._events(json.dumps(found)), media_type="text/event-stream")

    async def _events(self, text: str) -> AsyncIterator[bytes]:
        try:
            for number, at in enumerate(range(0, len(text), 9)):
                if self.fail_after is not None and number >= self.fail_after:
                    raise ConnectionAbortedError
                if self.hold_after is not None and number >= self.hold_after:
                    self.held.set()
                    await self.release.wait()
                yield self._event({"content": text[at : at + 9]}, None)
            yield self._event({}, "stop")
            yield b"data: [DONE]\n\n"
        except (asyncio.CancelledError, GeneratorExit):
            self.left.set()
            raise

    @staticmethod
    def _event(delta: dict[str, str], reason: str | None) -> bytes:
        return b"data: " + json.dumps({"choices": [{"delta": delta, "finish_reason": reason}]}).encode() + b"\n\n"
