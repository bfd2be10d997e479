"""The gateway's side of the transcription service: sends a sealed recording through memory, and gets a transcript."""

import asyncio
import json
import re
import struct
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
from pydantic import ValidationError

from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.errors import ApplianceError

LIVE_MEDIA_TYPE = "audio/L16;rate=16000;channels=1"
_MAX_WAIT_S = 300.0
_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_CODE = re.compile(r"[a-z][a-z0-9-]{0,59}")
# 499: we went away ourselves; 503: it is busy or starting; 504: it ran out of time.
_AGAIN = frozenset({499, 502, 503})


class SpeechError(ApplianceError):
    """The transcription service refused or failed. `code` is its problem code; `again`: later it may succeed.

    `waits`: it was not there or busy, so the recording was not even looked at.
    """

    def __init__(self, code: str, *, again: bool, waits: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(f"transcription: {code}", hint="see the problem code in docs/reference/openapi.json")
        self.code, self.again, self.waits, self.retry_after_s = code, again, waits, retry_after_s


def wav_header(pcm_bytes: int) -> bytes:
    """Return the header of 16 kHz mono 16-bit PCM of a known length (RIFF/WAVE, format 1)."""
    rate, width = 16_000, 2
    return (
        b"RIFF" + struct.pack("<I", 36 + pcm_bytes) + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * width, width, 16) + b"data" + struct.pack("<I", pcm_bytes)
    )  # fmt: skip


async def _form(pieces: Iterator[bytes], fields: dict[str, str], boundary: str) -> AsyncIterator[bytes]:
    for name, value in fields.items():
        yield f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    yield (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="recording"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    # Reading and opening are the disk's and the processor's work, not the event loop's.
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
    yield f"\r\n--{boundary}--\r\n".encode()


class Speech:
    """One client for the life of the gateway."""

    def __init__(self, socket: Path, timeout_s: float) -> None:
        self.socket = socket
        self._client = httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(uds=str(socket)),
            base_url="http://transcription",
            timeout=httpx2.Timeout(timeout_s, connect=10.0),
        )

    async def is_there(self) -> bool:
        """Whether the service answers."""
        try:
            return (await self._client.get("/health", timeout=3.0)).status_code == 200
        except httpx2.HTTPError:
            return False

    async def transcribe(self, pieces: Iterator[bytes], *, vocabulary: tuple[str, ...]) -> TranscriptAnswer:
        """Return the transcript. Raises SpeechError."""
        boundary = uuid.uuid4().hex
        fields = {"vocabulary": json.dumps(list(vocabulary))} if vocabulary else {}
        try:
            answer = await self._client.post(
                "/v1/transcripts",
                content=_form(pieces, fields, boundary),
                headers={"content-type": f"multipart/form-data; boundary={boundary}"},
            )
        except httpx2.TimeoutException:
            raise SpeechError("timeout", again=False) from None
        except httpx2.ConnectError:
            raise SpeechError("unavailable", again=True, waits=True) from None
        except httpx2.HTTPError:
            raise SpeechError("broke-off", again=True) from None
        if answer.status_code != 200:
            raise _refusal(answer)
        if len(answer.content) > _MAX_ANSWER_BYTES:
            raise SpeechError("answer-too-large", again=False)
        try:
            return TranscriptAnswer.model_validate_json(answer.content)
        except ValidationError:
            raise SpeechError("answer-not-understood", again=False) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _refusal(answer: httpx2.Response) -> SpeechError:
    try:
        kind = str(answer.json().get("type", ""))
    except (ValueError, AttributeError):
        kind = ""
    code = kind.rsplit(":", 1)[-1]
    known = code if _CODE.fullmatch(code) else f"status-{answer.status_code}"
    wait = answer.headers.get("retry-after", "")
    return SpeechError(
        known, again=answer.status_code in _AGAIN, waits=answer.status_code == 503,
        retry_after_s=min(float(wait), _MAX_WAIT_S) if wait.isascii() and wait.isdigit() else None,
    )  # fmt: skip
