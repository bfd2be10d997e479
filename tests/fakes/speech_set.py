"""An evaluation set of real speech and real silence, from the recordings of the tests."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np

from appliance.transcription.media import stream
from tests.fakes.evaluation import archive

SAID = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
FORM = {
    "id": "brief-note", "version": 1, "kind": "visit_note", "title": "Brief note",
    "sections": [
        {"name": "history", "title": "History", "guidance": "Why they came.", "max_statements": 1, "max_chars": 80},
    ],
}  # fmt: skip


def mark(kind: str, piece: str) -> dict[str, Any]:
    return {"kind": kind, "start": SAID.index(piece), "end": SAID.index(piece) + len(piece)}


def wav(path: Path) -> bytes:
    with path.open("rb") as file:
        samples = np.concatenate(list(stream(file, max_audio_s=60, stop=lambda: None)))
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(16_000)
        made.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def speech_set(audio: Path) -> bytes:
    """The archive. The recordings name no drug and no figure: words that matter stand for them."""
    expected = [mark("negation", "not"), mark("drug", "Americans"), mark("number", "fellow")]
    document = {
        "schema_version": "evaluation-set/v1", "name": "visits", "about": "speech and silence",
        "recordings": "consented",
        "encounters": [
            {
                "id": "jfk", "audio": "audio/jfk.wav", "seconds": 11,
                "turns": [{"speaker": "unknown", "text": SAID, "expected": expected}],
                "draft": "visit_note", "template": FORM,
            }
        ],
        "silences": [{"id": "quiet", "audio": "audio/quiet.wav", "seconds": 10.75}],
    }  # fmt: skip
    recordings = {"audio/jfk.wav": wav(audio / "jfk.flac"), "audio/quiet.wav": wav(audio / "hs_silence_02.mp3")}
    return archive(document, recordings)
