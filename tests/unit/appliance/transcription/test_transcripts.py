"""The clinical route with a scripted decoder: long recordings, hostile files, bounds, and what it never says."""

import asyncio
import io
import json
import logging
import wave
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.transcription.chunks import BLOCK_S, CHUNK_S, Chunk, Region, chunks, regions
from appliance.transcription.spool import Spool

MakeService = Callable[..., Any]
PATH = "/v1/transcripts"
RATE = 16_000


def ask(service: Any, client: Any, file: bytes | None, fields: list[tuple[str, str]] | None = None) -> Any:
    return asyncio.run(client.post(service.app(), fields or [], file, PATH))


def wav(samples: bytes, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
    return out.getvalue()


def test_a_recording_becomes_turns_with_doubts(make_service: MakeService, client: Any, engine: Any) -> None:
    terms = ["metoprolol", "lisinopril", "amlodipine"]
    fields = [("vocabulary", json.dumps(terms)), ("language", "en")]
    answer = ask(make_service(), client, wav(client.speech(2)), fields)
    assert answer.status == 200
    found = TranscriptAnswer.model_validate_json(answer.body)
    words = [word for turn in found.transcript.turns for word in turn.words]
    assert " ".join(word.text for word in words) == engine.decoder.plain.text
    assert [(word.text, word.alternatives) for word in words if word.doubt == "number"] == [("142", ("104-2",))]
    assert engine.decoder.hotwords == [None, "metoprolol, lisinopril"]
    assert (found.engine.vocabulary.given, found.engine.vocabulary.used) == (3, 2)
    assert found.transcript.source().doubts


def test_without_a_vocabulary_the_second_decoding_is_greedy(make_service: MakeService, client: Any) -> None:
    found = TranscriptAnswer.model_validate_json(ask(make_service(), client, wav(client.speech(2))).body)
    assert (found.engine.decoder.second, found.engine.vocabulary.sha256) == ("greedy", None)
    assert any(word.doubt == "number" for turn in found.transcript.turns for word in turn.words)


@pytest.mark.parametrize("changes", [{"no_speech_prob": 0.9}, {"compression_ratio": 3.0}, {"words": ()}])
def test_invented_text_is_left_out_and_named(
    make_service: MakeService, client: Any, engine: Any, changes: dict[str, Any]
) -> None:
    engine.decoder.plain = client.heard("Thank you.", **changes)
    found = TranscriptAnswer.model_validate_json(ask(make_service(), client, wav(client.speech(2))).body)
    assert found.transcript.turns == ()
    assert len(found.transcript.unclear) == 1


def test_people_may_repeat_themselves(make_service: MakeService, client: Any, engine: Any) -> None:
    """The same high ratio, but both decodings tell the same, at the pace of a person."""
    engine.decoder.plain = engine.decoder.second = client.heard("no no no no", compression_ratio=3.0)
    found = TranscriptAnswer.model_validate_json(ask(make_service(), client, wav(client.speech(2))).body)
    assert (len(found.transcript.turns), found.transcript.unclear) == (1, ())
    engine.decoder.plain = engine.decoder.second = client.heard("no " * 15, compression_ratio=3.0)
    found = TranscriptAnswer.model_validate_json(ask(make_service(), client, wav(client.speech(2))).body)
    assert (len(found.transcript.turns), len(found.transcript.unclear)) == (0, 1)


def test_speech_behind_the_last_word_is_heard_once_more(make_service: MakeService, client: Any, engine: Any) -> None:
    """The model says that it went to the end, and wrote nothing of the last seconds."""
    engine.decoder.plain = engine.decoder.second = client.heard("Hello there.")
    found = TranscriptAnswer.model_validate_json(ask(make_service(), client, wav(client.speech(8))).body)
    first, again = engine.decoder.chunks
    assert again.retry
    assert again.duration_s == pytest.approx(first.duration_s - 0.2, abs=0.01)
    # The second hearing was no better: the stretch is named.
    assert len(found.transcript.unclear) == 1


def test_what_the_model_did_not_reach_is_heard_once_more(make_service: MakeService, client: Any, engine: Any) -> None:
    engine.decoder.plain = client.heard("Hello.", until_s=2.0)
    found = TranscriptAnswer.model_validate_json(ask(make_service(), client, wav(client.speech(8))).body)
    assert [chunk.retry for chunk in engine.decoder.chunks] == [False, True]
    assert len(found.transcript.unclear) == 1  # it did not get to the end the second time either


def test_silence_never_reaches_the_model(make_service: MakeService, client: Any, engine: Any) -> None:
    answer = ask(make_service(), client, client.wav(30))
    assert json.loads(answer.body)["transcript"]["turns"] == []
    assert engine.decoder.chunks == []


def test_one_voice_a_channel_is_heard_channel_by_channel(make_service: MakeService, client: Any, engine: Any) -> None:
    voice = np.frombuffer(client.speech(8), dtype="<i2")
    quiet = np.zeros_like(voice)
    both = np.stack([np.concatenate([voice, quiet]), np.concatenate([quiet, voice])], axis=1)
    fields = [("speakers", "clinician,patient")]
    found = TranscriptAnswer.model_validate_json(ask(make_service(), client, wav(both.tobytes(), 2), fields).body)
    assert found.transcript.speaker_method == "channels"
    assert [turn.speaker.value for turn in found.transcript.turns] == ["clinician", "patient"]
    assert found.transcript.turns[1].start_s >= 7


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ([("vocabulary", "{")], "vocabulary"), ([("vocabulary", '{"a": 1}')], "vocabulary"),
        ([("vocabulary", "[" * 9000)], "vocabulary"), ([("vocabulary", '["x\\u0000"]')], "vocabulary"),
        ([("vocabulary", '["<|nospeech|>"]')], "vocabulary"), ([("vocabulary", '[""]')], "vocabulary"),
        ([("vocabulary", json.dumps(["x"] * 201))], "vocabulary"),
        ([("vocabulary", json.dumps(["x" * 61]))], "vocabulary"),
        ([("vocabulary", "[]"), ("vocabulary", "[]")], "vocabulary"), ([("language", "Jane")], "language"),
        ([("speakers", "Jane,Doe")], "speakers"), ([("patient", "Jane")], "(unknown)"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_refused(
    make_service: MakeService, client: Any, engine: Any, fields: list[tuple[str, str]], parameter: str
) -> None:
    answer = ask(make_service(), client, wav(client.speech()), fields)
    assert (answer.status, json.loads(answer.body)["parameter"]) == (400, parameter)
    assert b"Jane" not in answer.body
    assert engine.decoder.chunks == []


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7" * 99, b"RIFF" + b"\xff" * 9000, b"\x1f\x8b" + bytes(4000), b"OggS" + bytes(range(256)) * 30,
        b"\x1aE\xdf\xa3" + b"\xff" * 4000, b"fLaC" + bytes(2000), b"\x00\x00\x00\x18ftypM4A " + b"\xff" * 3000,
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(2000),
    ],
)  # fmt: skip
def test_garbage_is_refused(make_service: MakeService, client: Any, data: bytes) -> None:
    assert ask(make_service(), client, data).status in (415, 422)


def test_a_truncated_or_mislabelled_recording_is_refused_or_whole(make_service: MakeService, client: Any) -> None:
    """A WAV whose header promises more than there is, or fewer samples than there are: never a 5xx."""
    whole = bytearray(wav(client.speech(4)))
    for size in (0, 7, 3_000, 2**32 - 1):
        lying = bytearray(whole)
        lying[40:44] = size.to_bytes(4, "little")
        assert ask(make_service(), client, bytes(lying)).status in (200, 415, 422)
    for cut in (10, 43, 44, 45, 46, 1001, len(whole) // 2):
        assert ask(make_service(), client, bytes(whole[:cut])).status in (200, 415, 422)


def test_a_bomb_is_refused_before_the_model_runs(make_service: MakeService, client: Any, engine: Any) -> None:
    """Two hours of digital silence in a small FLAC file, against a limit of one."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="flac") as container:
        track = container.add_stream("flac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4_000_000), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        for number in range(15):
            frame.pts = number * 4_000_000
            for packet in track.encode(frame):
                container.mux(packet)
        for packet in track.encode(None):
            container.mux(packet)
    assert len(out.getvalue()) < 2_000_000
    answer = ask(make_service(max_transcript_audio_s=3600), client, out.getvalue())
    assert (answer.status, json.loads(answer.body)["max_audio_s"]) == (413, 3600)
    assert engine.decoder.chunks == []


def test_a_recording_over_the_limits_is_refused(make_service: MakeService, client: Any) -> None:
    assert ask(make_service(max_transcript_audio_s=1), client, client.wav(3)).status == 413
    assert ask(make_service(max_transcript_upload_bytes=1000), client, client.wav(3)).status == 413


def test_a_failing_engine_is_told_without_what_was_said(
    make_service: MakeService, client: Any, engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def fail() -> None:
        raise RuntimeError("Jane Doe has chest pain")

    engine.decoder.act = fail
    answer = ask(make_service(), client, wav(client.speech(4)), [("vocabulary", '["Jane"]')])
    assert answer.status == 500
    assert "Jane" not in caplog.text + answer.body.decode()


def blocks(seconds: float, speech: bytes, every_s: float) -> Any:
    """A long recording of a voice with pauses, made as it is read: it never exists whole."""
    voice = np.frombuffer(speech, dtype="<i2").astype(np.float32) / 32768
    pause = np.zeros(round(every_s * RATE) - len(voice), dtype=np.float32)
    for _ in range(int(seconds / every_s)):
        yield voice
        yield pause


def test_a_long_recording_is_cut_into_chunks_in_order_and_nothing_is_held(client: Any) -> None:
    held = 0.0
    seen: list[tuple[float, float]] = []
    for chunk in chunks(regions(blocks(600, client.speech(6), 15.0))):
        held = max(held, chunk.duration_s)
        seen.append((chunk.start_s, chunk.end_s))
    assert held <= CHUNK_S
    assert seen == sorted(seen)
    assert seen[-1][1] <= 600
    assert sum(1 for _ in regions(blocks(600, client.speech(6), 15.0))) == 40


def test_speech_without_a_pause_is_not_lost_at_the_border_of_a_block(client: Any) -> None:
    found = list(regions(blocks(3 * BLOCK_S, client.speech(10), 10.0)))
    covered = sum(region.duration_s for region in found)
    assert covered == pytest.approx(3 * BLOCK_S, rel=0.05)
    assert all(region.duration_s <= CHUNK_S + 1 for region in found)


def test_times_inside_of_a_chunk_lead_back_to_the_recording() -> None:
    chunk = Chunk((Region(10.0, np.zeros(RATE)), Region(20.0, np.zeros(2 * RATE))))
    assert [chunk.original(at) for at in (0.5, 1.0, 2.5, 9.0)] == [10.5, 20.0, 21.5, 22.0]
    assert chunk.original(1.0, end=True) == 11.0
    rest = chunk.rest(2.0)
    assert rest is not None
    assert (rest.start_s, rest.duration_s) == (21.0, 1.0)
    assert chunk.rest(3.0) is None


def test_a_spool_keeps_what_it_took_and_refuses_more() -> None:
    with Spool(2) as spool:
        assert spool.append(np.arange(RATE, dtype="<i2").tobytes())
        assert spool.append(bytes(2 * RATE))
        assert not spool.append(b"\0\0")
        assert spool.duration_s == 2.0
        assert spool.read(0.5, 0.501).tolist() == list(range(8000, 8016))
        assert sum(len(piece) for piece in spool.pieces(2)) == 2 * RATE
