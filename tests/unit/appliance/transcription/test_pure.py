"""Formats, the rule against invented text, settings and the notification to systemd."""

import json
import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import UsageError
from appliance.sdnotify import notify, watchdog_interval_s
from appliance.transcription import settings
from appliance.transcription.formats import clock, render
from appliance.transcription.transcript import Segment, Transcript, without_inventions


def segment(text: str, start_s: float = 0.0, end_s: float = 1.0, **changes: Any) -> Segment:
    return replace(Segment(text, start_s, end_s, (), 0.0, -0.2, 1.0, 0.05), **changes)


TWO = Transcript("en", 4.0, 3.0, (segment(" One <two> & --> three."), segment(" Four.", 1.0, 3661.5)))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00,000"), (59.9996, "00:01:00,000"), (3661.5, "01:01:01,500"), (-1, "00:00:00,000")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds, ",") == text


def test_srt_is_well_formed() -> None:
    body, _ = render(TWO, "srt", ())
    cue = r"\d+\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\n[^\n]+\n"
    assert re.fullmatch(f"{cue}\n{cue}", body)
    assert body.count("-->") == 2


def test_vtt_is_well_formed_and_escaped() -> None:
    body, media_type = render(TWO, "vtt", ())
    assert body.startswith("WEBVTT\n\n00:00:00.000 --> ")
    assert "One &lt;two> &amp; → three." in body
    assert media_type.startswith("text/vtt")


def test_json_and_text() -> None:
    assert json.loads(render(TWO, "json", ())[0]) == {"text": "One <two> & --> three. Four."}
    assert render(TWO, "text", ())[0] == "One <two> & --> three. Four.\n"


def test_an_empty_transcript_is_empty_in_every_format() -> None:
    nothing = Transcript("en", 9.0, 0.0, ())
    bodies = {name: render(nothing, name, ("segment", "word"))[0] for name in ("json", "text", "srt", "vtt")}
    assert bodies == {"json": '{"text": ""}', "text": "\n", "srt": "", "vtt": "WEBVTT\n\n"}
    verbose = json.loads(render(nothing, "verbose_json", ("segment", "word"))[0])
    assert (verbose["text"], verbose["segments"], verbose["words"], verbose["duration"]) == ("", [], [], 9.0)


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (segment(" Chest pain."), True),
        (segment(" No.", no_speech_prob=0.55, avg_logprob=-0.3), True),
        (segment(" You", no_speech_prob=0.94, avg_logprob=-0.78), False),  # measured: digital silence
        (segment(" Okay.", no_speech_prob=0.53, avg_logprob=-1.08), False),  # measured: a chirp that passes the filter
        (segment(" .", no_speech_prob=0.1), False),
    ],
)
def test_invented_text_is_left_out_and_named(found: Segment, kept: bool) -> None:
    transcript = without_inventions("en", 10.0, 1.0, [found])
    assert bool(transcript.segments) is kept
    assert transcript.unclear == (() if kept else ((0.0, 1.0),))
    document = json.loads(render(transcript, "verbose_json", ("segment",))[0])
    assert len(document["unclear"]) == (not kept)


def test_settings_default_when_there_is_no_file(tmp_path: Path) -> None:
    assert settings.load(tmp_path / "none.json") == settings.Settings()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"max_audio": 5}', '{"max_audio_s": "5"}', '{"max_audio_s": true}', '{"queue_limit": 0}']
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "transcription.json"
    path.write_text(text)
    with pytest.raises(UsageError):
        settings.load(path)


def test_settings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "transcription.json"
    path.write_text('{"max_audio_s": 60, "upload_timeout_s": 5, "require_verity": false}')
    found = settings.load(path)
    assert (found.max_audio_s, found.upload_timeout_s, found.require_verity) == (60, 5, False)


def test_notify_speaks_to_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify("READY=1", "STATUS=serving")
        assert listener.recv(100) == b"READY=1\nSTATUS=serving"
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("READY=1")


@pytest.mark.parametrize(("text", "seconds"), [("10000000", 5.0), ("", None), ("0", None), ("x", None)])
def test_watchdog_interval(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float | None) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", text)
    assert watchdog_interval_s() == seconds
