"""The clinical route and the live stream of the real service, with the real model, over the unix socket."""

from __future__ import annotations

import asyncio
import io
import json
import uuid
import wave
from contextlib import suppress
from difflib import SequenceMatcher
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import unix_connect
from websockets.exceptions import ConnectionClosed

from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.transcription.media import stream

pytestmark = pytest.mark.slow

START = {"sample_rate_hz": 16000, "channels": 1, "language": "en"}
WORDS = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"


def plain(words: list[str]) -> str:
    joined = " ".join(words).lower()
    return " ".join("".join(c if c.isalpha() or c == " " else " " for c in joined).split())


def pcm(path: Path) -> bytes:
    with path.open("rb") as file:
        return b"".join(piece.tobytes() for piece in stream(file, max_audio_s=60, stop=lambda: None))


def post(running: Any, file: bytes, **fields: str) -> tuple[int, bytes]:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'.encode()
    connection = HTTPConnection("localhost", timeout=300)
    connection.sock = socket(AF_UNIX, SOCK_STREAM)
    connection.sock.settimeout(300)
    connection.sock.connect(str(running.socket))
    try:
        body = b"".join(parts) + head + file + f"\r\n--{boundary}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        connection.request("POST", "/v1/transcripts", body, kind)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


async def converse(running: Any, messages: list[str | bytes], *, pace_s: float = 0.0) -> tuple[list[Any], int]:
    """Send the messages; return everything that came back and the close code."""
    received: list[Any] = []
    async with unix_connect(str(running.socket), "ws://localhost/v1/stream", compression=None) as connection:

        async def send() -> None:
            for message in messages:
                await connection.send(message)
                await asyncio.sleep(pace_s)

        sending = asyncio.create_task(send())
        try:
            async for message in connection:
                received.append(json.loads(message))
        except ConnectionClosed:
            pass
        sending.cancel()
        await asyncio.wait([sending])
        if not sending.cancelled():
            sending.exception()
    return received, connection.close_code or 0


def talk(running: Any, messages: list[str | bytes], **more: Any) -> tuple[list[Any], int]:
    async def bounded() -> tuple[list[Any], int]:
        async with asyncio.timeout(240):
            return await converse(running, messages, **more)

    return asyncio.run(bounded())


def frames(data: bytes, size: int = 6400) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_a_transcript_has_words_with_times_and_what_made_it(transcription: Any, audio: Path) -> None:
    status, body = post(transcription, (audio / "jfk.flac").read_bytes(), language="en", vocabulary='["Americans"]')
    assert status == 200
    answer = TranscriptAnswer.model_validate_json(body)
    words = [word for turn in answer.transcript.turns for word in turn.words]
    assert plain([word.text for word in words]) == WORDS
    starts = [word.start_s for word in words]
    assert starts == sorted(starts)
    assert all(word.start_s <= word.end_s <= 11.1 and 0 < word.confidence <= 1 for word in words)
    assert answer.transcript.duration_s == pytest.approx(11.0, abs=0.05)
    assert (answer.engine.model, answer.engine.root_hash) == ("whisper-tiny.en", None)
    assert (answer.engine.vocabulary.given, answer.engine.vocabulary.used) == (1, 1)
    assert answer.engine.decoder.second == "vocabulary"
    assert len(answer.engine.vocabulary.sha256 or "") == 64


def test_silence_gives_no_words_with_and_without_a_vocabulary(transcription: Any, audio: Path) -> None:
    for fields in ({}, {"vocabulary": '["metoprolol", "lisinopril"]'}):
        status, body = post(transcription, (audio / "hs_silence_02.mp3").read_bytes(), **fields)
        answer = TranscriptAnswer.model_validate_json(body)
        assert (status, answer.transcript.turns) == (200, ())


def test_a_stream_shows_previews_and_ends_with_the_transcript(transcription: Any, audio: Path) -> None:
    messages = [json.dumps(START), *frames(pcm(audio / "jfk.flac")), json.dumps({"type": "end"})]
    received, code = talk(transcription, messages, pace_s=0.05)
    assert code == 1000
    *partials, final = received
    assert partials
    assert {message["type"] for message in partials} == {"partial"}
    stable = [word for message in partials for word in message["stable"]]
    starts = [word["start_s"] for word in stable]
    assert starts == sorted(starts)
    answer = TranscriptAnswer.model_validate(final["answer"], strict=False)
    assert plain([word.text for turn in answer.transcript.turns for word in turn.words]) == WORDS
    # What was stable is a part of what was said, in its order.
    # Up to two of them were heard otherwise in the end; wherever those stand, the others count.
    shown = plain([word["text"] for word in stable]).split()
    same = SequenceMatcher(None, shown, WORDS.split(), autojunk=False).get_matching_blocks()
    assert sum(block.size for block in same) >= len(shown) - 2, shown


@pytest.mark.parametrize(
    ("messages", "code", "problem"),
    [
        ([b"\0\0"], 1008, "no-start"),
        (["{"], 1008, "bad-start"),
        (["[" * 30_000], 1008, "bad-start"),
        (['{"sample_rate_hz": 8000}'], 1008, "bad-start"),
        (['{"patient": "Jane"}'], 1008, "bad-start"),
        (['{"language": "xx"}'], 1008, "invalid-parameter"),
        (['{"vocabulary": [1]}'], 1008, "invalid-parameter"),
        ([json.dumps(START), b"\0" * 3], 1008, "bad-frame"),
        ([json.dumps(START), b"\0" * 70_000], 1009, "frame-too-large"),
        ([json.dumps(START), '{"type": "stop"}'], 1008, "bad-message"),
        ([json.dumps(START), "null"], 1008, "bad-message"),
        ([json.dumps(START), '{"type": "end"}'], 1008, "no-audio"),
    ],
)
def test_a_stream_that_breaks_the_protocol_is_told_and_closed(
    transcription: Any, messages: list[str | bytes], code: int, problem: str
) -> None:
    received, closed = talk(transcription, messages)
    assert received[-1]["type"] == "error"
    assert received[-1]["problem"]["error"]["code"] == problem
    assert closed == code
    assert "Jane" not in json.dumps(received)


def test_a_frame_over_the_transports_limit_closes_the_stream(transcription: Any) -> None:
    _, closed = talk(transcription, [json.dumps(START), b"\0" * 2_000_000])
    assert closed == 1009


def test_a_client_that_vanishes_frees_its_place(transcription: Any) -> None:
    """More clients than there are places, one after the other, each gone without a word."""

    async def vanish() -> None:
        for _ in range(6):
            async with unix_connect(str(transcription.socket), "ws://localhost/v1/stream") as connection:
                # The places may all be taken for a moment: then it is refused, and leaves all the same.
                with suppress(ConnectionClosed):
                    await connection.send(json.dumps(START))
                    for frame in frames(bytes(200_000), 64_000):
                        await connection.send(frame)
                connection.transport.abort()

    asyncio.run(vanish())
    messages = [json.dumps(START), bytes(32_000), json.dumps({"type": "end"})]
    for _ in range(100):
        received, _ = talk(transcription, messages)
        if received[-1]["type"] == "final":
            break
    assert received[-1]["answer"]["transcript"]["turns"] == []


def test_noises_give_no_words(transcription: Any) -> None:
    """Ten seconds each: the voice-activity model or the rule against invented text stops them."""
    at = np.arange(160_000) / 16_000
    white = np.random.default_rng(3).normal(0, 0.05, len(at))
    clicks = (np.arange(len(at)) % 8000 == 0) * 0.8
    hum = 0.1 * np.sin(2 * np.pi * 50 * at)
    for name, sound in {"silence": at * 0, "white": white, "hum": hum, "clicks": clicks}.items():
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
        status, body = post(transcription, out.getvalue())
        assert (name, status, json.loads(body)["transcript"]["turns"]) == (name, 200, [])


def test_nothing_that_was_said_is_in_the_log(transcription: Any) -> None:
    log = transcription.log.read_text().lower()
    assert "stream " in log
    assert not any(word in log for word in ("fellow", "americans", "metoprolol", "jane", "traceback"))
