"""A stub engine in the process, a stub OpenAI-compatible server on a unix socket, and a naive grounder."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from appliance.clinical.document import Evidence, Finding, FindingKind, Grounding
from appliance.clinical.source import Passage, Source, Speaker
from appliance.drafting.engine import Chunk, End, Request
from appliance.drafting.settings import ModelIdentity

Answer = Callable[[Request], str]


class StubEngine:
    """Answers with what a function makes of the request, in pieces of a few characters."""

    def __init__(self, answer: Answer, *, reason: str = "stop", tokens: bool = False, piece: int = 7) -> None:
        self.identity = ModelIdentity("stub", "0" * 64)
        self.requests: list[Request] = []
        self.counted = 0
        self._answer, self._reason, self._tokens, self._piece = answer, reason, tokens, piece

    async def count_tokens(self, text: str) -> int | None:
        self.counted += 1
        return len(text) // 4 + 1 if self._tokens else None

    async def stream(self, request: Request) -> AsyncGenerator[Chunk | End, None]:
        self.requests.append(request)
        text = self._answer(request)
        for at in range(0, len(text), self._piece):
            yield Chunk(text[at : at + self._piece])
        yield End(self._reason, 100, 40, 20)


def answer_with(**sections: list[str]) -> Answer:
    """Answer with these sentences, and empty arrays for what else the schema asks for."""

    def answer(request: Request) -> str:
        return json.dumps({name: sections.get(name, []) for name in request.schema["properties"]}, ensure_ascii=False)

    return answer


def ground_for(sources: tuple[Source, ...]) -> Callable[[str], Grounding]:
    """A naive stand-in for grounding: the passage that shares most words supports a sentence, from 60 of 100 on."""

    def ground(text: str) -> Grounding:
        wanted = {word.strip(".,:;\"'").casefold() for word in text.split()}
        best, at = 0.0, None
        for source in sources:
            for passage in source.passages or (Passage(start=0, end=len(source.text)),):
                said = {word.strip(".,:;\"'").casefold() for word in source.text[passage.start : passage.end].split()}
                score = len(wanted & said) / len(wanted)
                if score > best:
                    best, at = score, Evidence(source=source.id, start=passage.start, end=passage.end, score=score)
        if at is None or best < 0.6:
            mark = Finding(start=0, end=len(text), kind=FindingKind.UNSUPPORTED, seen="")
            return Grounding(status="unsupported", findings=(mark,))
        return Grounding(status="supported", evidence=(at,))

    return ground


def transcript(*turns: tuple[Speaker, str]) -> Source:
    text, passages = "", []
    for speaker, line in turns:
        start = len(text) + len(speaker.value) + 2
        text += f"{speaker.value}: {line}\n"
        passages.append(Passage(start=start, end=start + len(line), speaker=speaker))
    return Source(id="visit", kind="transcript", text=text, passages=tuple(passages))


VISIT = transcript(
    (Speaker.CLINICIAN, "What brings you in?"),
    (Speaker.PATIENT, "My left knee has hurt for two weeks."),
    (Speaker.CLINICIAN, "Take ibuprofen 400 mg with food."),
)


class StubServer:
    """An OpenAI-compatible server that does what a script says. `script`: gets the stream to write the answer to."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self.script: Callable[[asyncio.StreamWriter], Awaitable[None]] = self.say("{}")
        self.tokenize: str | None = None
        self.disconnected = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["StubServer", None]:
        server = await asyncio.start_unix_server(self._serve, self.socket)
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith("content-length:"))
            body = json.loads(await reader.readexactly(length))
            path = head.split(" ")[1]
            self.bodies.append((path, body))
            if path == "/tokenize":
                await self._tokenized(writer, body)
            else:
                await self.script(writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.disconnected.set()
        finally:
            writer.close()

    async def _tokenized(self, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        if self.tokenize == "vllm" and "prompt" in body:
            answer = json.dumps({"count": len(body["prompt"].split()), "max_model_len": 2048, "tokens": []})
        elif self.tokenize == "llama":
            answer = json.dumps({"tokens": list(range(len(body.get("content", "").split())))})
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            await writer.drain()
            return
        data = answer.encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(data) + data)
        await writer.drain()

    HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"

    @staticmethod
    def event(text: str | None = None, reason: str | None = None, **more: Any) -> bytes:
        delta = {} if text is None else {"content": text}
        return (
            b"data: " + json.dumps({"choices": [{"delta": delta, "finish_reason": reason}], **more}).encode() + b"\n\n"
        )

    def say(self, text: str, *, reason: str | None = "stop") -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
        async def script(writer: asyncio.StreamWriter) -> None:
            writer.write(self.HEAD + self.event(text[:9]) + b": a comment\n\n" + self.event(text[9:]))
            if reason is not None:
                usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
                writer.write(
                    self.event(None, reason) + b'data: {"choices":[],"usage":' + json.dumps(usage).encode() + b"}\n\n"
                )
                writer.write(b"data: [DONE]\n\n")

        return script

    def raw(self, data: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
        async def script(writer: asyncio.StreamWriter) -> None:
            writer.write(data)

        return script


@pytest.fixture
def server() -> Iterator[StubServer]:
    # Not tmp_path: a unix socket's path has at most 107 bytes.
    with TemporaryDirectory(prefix="stub") as folder:
        yield StubServer(Path(folder) / "s")


@pytest.fixture
def stub_engine() -> type[StubEngine]:
    return StubEngine


@pytest.fixture
def answers() -> Callable[..., Answer]:
    return answer_with


@pytest.fixture
def naive_ground() -> Callable[[tuple[Source, ...]], Callable[[str], Grounding]]:
    return ground_for


@pytest.fixture
def visit() -> Source:
    return VISIT


@pytest.fixture
def make_transcript() -> Callable[..., Source]:
    return transcript
