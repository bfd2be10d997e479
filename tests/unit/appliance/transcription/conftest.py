"""A small ASGI client, and a service with an engine that says what it is told."""

import asyncio
import io
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from appliance.clinical.transcript import Word as ClinicalWord
from appliance.transcription.app import Service
from appliance.transcription.chunks import Chunk
from appliance.transcription.decoder import Heard
from appliance.transcription.engine import Options
from appliance.transcription.media import Recording, stream
from appliance.transcription.settings import Settings
from appliance.transcription.transcript import Segment, Transcript, Word
from appliance.transcription.voices import AcousticVoices
from appliance.weights import Weights

BOUNDARY = "b0undary"
AUDIO = Path(__file__).parents[3] / "data/audio"


def wav(seconds: float = 1.0, *, rate: int = 16_000, channels: int = 1) -> bytes:
    """A silent recording."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * channels * int(rate * seconds)))
    return out.getvalue()


def speech(seconds: float = 2.0) -> bytes:
    """The first seconds of a real voice: what the voice-activity model takes for speech."""
    with (AUDIO / "jfk.flac").open("rb") as file:
        samples = b"".join(piece.tobytes() for piece in stream(file, max_audio_s=60, stop=lambda: None))
    return samples[: int(seconds * 32_000)]


def multipart(fields: list[tuple[str, str]], file: bytes | None) -> bytes:
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields]
    if file is not None:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="Jane Doe.wav"\r\n'
        parts.append(head.encode() + b"Content-Type: audio/wav\r\n\r\n" + file + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


async def request(
    app: Any, method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None,
    gone: asyncio.Event | None = None, chunk_bytes: int = 65536, stalls: bool = False,
) -> Answer:  # fmt: skip
    """Send one request. `gone` lets the client go away, `stalls` never sends the end of the body."""
    pieces = [body[start : start + chunk_bytes] for start in range(0, len(body), chunk_bytes)] or [b""]
    answer, leave = Answer(), gone or asyncio.Event()

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces) or stalls}
        await leave.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http", "headers": raw,
        "client": None, "server": None,
    }  # fmt: skip
    await app(scope, receive, send)
    return answer


def post(
    app: Any, fields: list[tuple[str, str]], file: bytes | None, path: str = "/v1/audio/transcriptions", **more: Any
) -> Any:
    body = multipart(fields, file)
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "content-length": str(len(body))}
    return request(app, "POST", path, body=body, headers=headers, **more)


WORDS = (Word(" Chest", 0.1, 0.5, 0.9), Word(" pain.", 0.5, 0.9, 0.9))
TRANSCRIPT = Transcript("en", 1.0, 0.9, (Segment(" Chest pain.", 0.1, 0.9, (1, 2), 0.0, -0.2, 1.1, 0.05, WORDS),))


class ScriptedDecoder:
    """Hears the same in every chunk: `plain` with beam search, `second` with a vocabulary or greedily."""

    def __init__(self) -> None:
        self.plain = heard("the pressure is 142 over 88 today.")
        self.second = heard("the pressure is 104-2 over 88 today.")
        self.chunks: list[Chunk] = []
        self.hotwords: list[str | None] = []
        self.act: Callable[[], None] = lambda: None

    def fitting(self, terms: Sequence[str]) -> int:
        return min(2, len(terms))

    def encode(self, chunks: Sequence[Chunk]) -> Any:
        self.act()
        self.chunks += chunks
        return None

    def language(self, encoded: Any) -> str:
        return "en"

    def decode(
        self, encoded: Any, chunks: Sequence[Chunk], language: str, *, hotwords: str | None = None, beam: int = 5
    ) -> list[Heard]:
        self.hotwords.append(hotwords)
        second = hotwords is not None or beam == 1
        return [self.second if second else self.plain for _ in chunks]


def heard(text: str, confidence: float = 0.9, **changes: Any) -> Heard:
    """A decoding whose words last 0.1 s each."""
    words = tuple(
        ClinicalWord(text=word, start_s=i / 10, end_s=(i + 1) / 10, confidence=confidence)
        for i, word in enumerate(text.split())
    )
    return replace(Heard(words, text, -0.2, 0.05, 1.0, 1e6), **changes)


class ScriptedEngine:
    """Answers TRANSCRIPT, or does what a test tells it."""

    languages = frozenset({"en"})
    decoder: ScriptedDecoder
    voices = AcousticVoices()

    def __init__(self) -> None:
        self.asked: list[Options] = []
        self.decoder = ScriptedDecoder()
        self.act: Callable[[Callable[[], None]], None] = lambda stop: None

    def transcribe(self, recording: Recording, options: Options, stop: Callable[[], None]) -> Transcript:
        self.asked.append(options)
        self.act(stop)
        return TRANSCRIPT


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def make_service(engine: ScriptedEngine, tmp_path: Path) -> Callable[..., Service]:
    def make(**settings: Any) -> Service:
        return Service(Settings(**settings), Weights(tmp_path, "whisper-test", None, "none"), engine)

    return make


class Client:
    """What tests need, without imports between test files."""

    post = staticmethod(post)
    request = staticmethod(request)
    wav = staticmethod(wav)
    heard = staticmethod(heard)
    words = staticmethod(lambda text, **more: list(heard(text, **more).words))
    speech = staticmethod(speech)
    transcript = TRANSCRIPT


@pytest.fixture
def client() -> type[Client]:
    return Client
