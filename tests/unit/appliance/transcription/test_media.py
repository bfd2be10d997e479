"""Decoding within bounds, with real files through the real FFmpeg."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.problems import ProblemError
from appliance.transcription.media import SAMPLE_RATE_HZ, decode
from appliance.transcription.worker import StoppedError

AUDIO = Path(__file__).parents[3] / "data/audio"


def go_on() -> None:
    """Never stops."""


def decoded(data: bytes, *, max_audio_s: int = 60, stop: Callable[[], None] = go_on) -> Any:
    return decode(io.BytesIO(data), max_audio_s=max_audio_s, stop=stop)


def status(data: bytes, **more: Any) -> int:
    with pytest.raises(ProblemError) as caught:
        decoded(data, **more)
    return caught.value.status


@pytest.mark.parametrize(
    ("name", "seconds", "codec"), [("jfk.flac", 11.0, "flac"), ("hs_silence_02.mp3", 10.75, "mp3")]
)
def test_real_recordings(name: str, seconds: float, codec: str) -> None:
    recording = decoded((AUDIO / name).read_bytes())
    assert recording.duration_s == pytest.approx(seconds, abs=0.05)
    assert recording.codec.startswith(codec)
    assert recording.samples.dtype.name == "float32"
    assert float(abs(recording.samples).max()) <= 1.0


def test_any_rate_and_channels_become_16_khz_mono(client: Any) -> None:
    recording = decoded(client.wav(2, rate=44_100, channels=2))
    assert recording.samples.ndim == 1
    assert len(recording.samples) == pytest.approx(2 * SAMPLE_RATE_HZ, abs=50)


def test_a_playlist_that_names_another_file_is_not_opened(tmp_path: Path) -> None:
    """FFmpeg left alone follows it: a client could have the box read its own files."""
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{AUDIO}/hs_silence_02.mp3\n#EXT-X-ENDLIST\n"
    assert status(playlist.encode()) == 415
    concat = f"ffconcat version 1.0\nfile {AUDIO}/hs_silence_02.mp3\n"
    assert status(concat.encode()) == 415


@pytest.mark.parametrize("data", [b"", b"x", b"RIFF" + b"\xff" * 5000, b"\x00" * 5000, b"ID3" + bytes(range(256)) * 20])
def test_garbage_is_refused(data: bytes) -> None:
    assert status(data) in (415, 422)


def test_a_damaged_recording_is_refused_and_not_cut_short() -> None:
    data = bytearray((AUDIO / "jfk.flac").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    assert status(bytes(data)) == 422


def test_length_is_counted_and_not_believed(client: Any) -> None:
    """The header of a WAV file says how long it is; here it lies."""
    data = bytearray(client.wav(5))
    data[40:44] = (32_000).to_bytes(4, "little")
    try:
        assert decoded(bytes(data), max_audio_s=2).duration_s <= 2
    except ProblemError as problem:
        assert problem.status == 413  # noqa: PT017 (either is within bounds)


def test_too_long_is_refused(client: Any) -> None:
    assert status(client.wav(3), max_audio_s=2) == 413


def test_an_empty_recording_is_refused(client: Any) -> None:
    assert status(client.wav(0)) in (415, 422)


def test_decoding_stops_when_it_is_not_wanted(client: Any) -> None:
    def stop() -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        decoded(client.wav(5), stop=stop)
