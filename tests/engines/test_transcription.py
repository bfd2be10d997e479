"""Real recordings through the real model, asked for with curl's kind of requests over the unix socket."""

from __future__ import annotations

import json
import re
import uuid
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any

import numpy as np
import pytest

from appliance.transcription import voiceprints
from appliance.transcription.media import stream

pytestmark = pytest.mark.slow

WORDS = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"


class UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=300)
        self.path = path

    def connect(self) -> None:
        self.sock = socket(AF_UNIX, SOCK_STREAM)
        self.sock.settimeout(300)
        self.sock.connect(str(self.path))


def ask(running: Any, method: str, route: str, body: bytes = b"", content_type: str = "") -> tuple[int, bytes]:
    connection = UnixConnection(running.socket)
    try:
        connection.request(method, route, body, {"Content-Type": content_type} if content_type else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def transcribe(running: Any, file: bytes, **fields: str) -> tuple[int, bytes]:
    boundary = uuid.uuid4().hex
    fields = {"model": "whisper-1", **fields}
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'.encode()
    body = b"".join(parts) + head + file + f"\r\n--{boundary}--\r\n".encode()
    return ask(running, "POST", "/v1/audio/transcriptions", body, f"multipart/form-data; boundary={boundary}")


def plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z ]", " ", text.lower()).split())


def test_the_words_are_right(transcription: Any, audio: Path) -> None:
    status, body = transcribe(transcription, (audio / "jfk.flac").read_bytes())
    assert (status, plain(json.loads(body)["text"])) == (200, WORDS)


@pytest.mark.parametrize("response_format", ["json", "text", "srt", "vtt", "verbose_json"])
def test_silence_gives_no_words(transcription: Any, audio: Path, response_format: str) -> None:
    """Twice: an engine that samples may answer the one time and not the other."""
    empty = {"json": b'{"text": ""}', "text": b"\n", "srt": b"", "vtt": b"WEBVTT\n\n"}
    for _ in range(2):
        status, body = transcribe(
            transcription, (audio / "hs_silence_02.mp3").read_bytes(), response_format=response_format
        )
        assert status == 200
        if response_format == "verbose_json":
            document = json.loads(body)
            assert (document["text"], document["segments"]) == ("", [])
        else:
            assert body == empty[response_format]


def test_a_prompt_does_not_leak_into_silence(transcription: Any, audio: Path) -> None:
    silence = (audio / "hs_silence_02.mp3").read_bytes()
    assert transcribe(transcription, silence, prompt="metoprolol, lisinopril")[1] == b'{"text": ""}'


def test_word_times_only_rise_and_lie_in_the_recording(transcription: Any, audio: Path) -> None:
    status, body = transcribe(
        transcription, (audio / "jfk.flac").read_bytes(), response_format="verbose_json",
        **{"timestamp_granularities[]": "word"},
    )  # fmt: skip
    document = json.loads(body)
    assert status == 200
    assert (document["duration"], document["language"]) == (11.0, "en")
    words = document["words"]
    assert plain(" ".join(word["word"] for word in words)) == WORDS
    starts = [word["start"] for word in words]
    assert starts == sorted(starts)
    assert all(0 <= word["start"] <= word["end"] <= 11.0 for word in words)


def test_segments_carry_the_models_own_doubts(transcription: Any, audio: Path) -> None:
    body = transcribe(transcription, (audio / "jfk.flac").read_bytes(), response_format="verbose_json")[1]
    segments = json.loads(body)["segments"]
    assert segments
    assert all(segment["no_speech_prob"] < 0.6 and segment["temperature"] == 0 for segment in segments)


@pytest.mark.parametrize(("response_format", "mark"), [("srt", ","), ("vtt", r"\.")])
def test_captions_are_well_formed(transcription: Any, audio: Path, response_format: str, mark: str) -> None:
    body = transcribe(transcription, (audio / "jfk.flac").read_bytes(), response_format=response_format)[1].decode()
    times = re.findall(rf"(\d\d):(\d\d):(\d\d){mark}(\d{{3}})", body)
    seconds = [int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms in times]
    assert len(seconds) >= 2
    assert seconds == sorted(seconds)
    assert "fellow Americans" in body


@pytest.mark.parametrize(
    ("file", "status"), [(b"\x00" * 50_000, 415), (b"RIFF" + b"\xff" * 9000, 415), (b"<svg/>" * 99, 415)]
)
def test_garbage_is_refused_with_a_problem(transcription: Any, file: bytes, status: int) -> None:
    answer, body = transcribe(transcription, file)
    assert (answer, json.loads(body)["status"]) == (status, status)


def test_an_upload_over_the_limit_is_refused(transcription: Any) -> None:
    answer, body = transcribe(transcription, bytes(3_050_000))
    assert (answer, json.loads(body)["error"]["code"]) == (413, "upload-too-large")


def test_models_and_health(transcription: Any) -> None:
    assert json.loads(ask(transcription, "GET", "/v1/models")[1])["data"][0]["id"] == "whisper-tiny.en"
    health = json.loads(ask(transcription, "GET", "/health")[1])
    # Here the weights lie on a plain disk: the service must not claim a root hash.
    assert (health["model"], health["root_hash"]) == ("whisper-tiny.en", None)


def test_the_log_holds_numbers_only(transcription: Any) -> None:
    log = transcription.log.read_text()
    assert "status=200" in log
    assert "fellow" not in log.lower()
    assert "metoprolol" not in log


def test_the_socket_is_for_its_group_only(transcription: Any) -> None:
    assert transcription.socket.stat().st_mode & 0o777 == 0o660


def test_the_speaker_model_of_the_catalogue_knows_a_voice_again(weights: Path, audio: Path) -> None:
    """The real network on a real voice: nearer to itself than to the same words from a throat a third smaller."""
    voices = voiceprints.load(weights)
    assert voices is not None
    with (audio / "jfk.flac").open("rb") as file:
        pieces = list(stream(file, max_audio_s=60, stop=lambda: None))
    samples = np.concatenate(pieces)[:, 0].astype(np.float32) / 32768
    early, late = samples[:80_000], samples[96_000:]
    other = np.interp(np.arange(0, len(late), 1.35), np.arange(len(late)), late).astype(np.float32)
    first, second, third = (voices.describe(each) for each in (early, late, other))
    assert first is not None
    assert second is not None
    assert third is not None
    assert float(first @ second) > voiceprints.SAME_VOICE > float(first @ third)
    parts = [samples[at : at + 24_000] for at in range(0, len(samples) - 24_000, 24_000)]
    assert voices.parties([voices.describe(part) for part in parts], [1.5] * len(parts)) is None
