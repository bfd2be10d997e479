"""From an uploaded file to 16 kHz mono samples, with every bound checked before the model sees anything.

FFmpeg's own probing is not trusted with the choice: left alone it opens playlists, which name other files. Container
and codec must be on a list, and a recording that is damaged anywhere is refused, not transcribed in part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from appliance.problems import ProblemError

if TYPE_CHECKING:
    import numpy as np

SAMPLE_RATE_HZ = 16_000
# FFmpeg's names of demuxers; what browsers, dictation devices and phones record.
CONTAINERS = ("wav", "flac", "mp3", "ogg", "matroska", "webm", "mov", "mp4", "m4a", "3gp", "3g2", "mj2")
CODECS = frozenset(
    {
        "aac", "alac", "flac", "mp3", "mp3float", "opus", "libopus", "vorbis", "libvorbis",
        "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_u8", "pcm_alaw", "pcm_mulaw",
    }
)  # fmt: skip
_RATES_HZ = range(8_000, 192_001)
_MAX_CHANNELS = 8
_MAX_STREAMS = 8
# Their times are counted from the samples, so a gap means that something was lost. Others may pause on purpose.
_GAPLESS = frozenset({"wav", "flac", "mp3"})
_GAP_S = 0.05
_OPTIONS = {
    "format_whitelist": ",".join(CONTAINERS),
    "codec_whitelist": ",".join(sorted(CODECS)),
    # The file is read through our handle; nothing else may be opened.
    "protocol_whitelist": "none",
    "enable_drefs": "0",
}


@dataclass(frozen=True)
class Recording:
    """Decoded audio: float32 mono samples at SAMPLE_RATE_HZ, and what it came in."""

    samples: "np.ndarray[Any, Any]"
    container: str
    codec: str

    @property
    def duration_s(self) -> float:
        """Length."""
        return len(self.samples) / SAMPLE_RATE_HZ


def _unsupported(detail: str) -> ProblemError:
    return ProblemError(415, "unsupported-media", "The recording's format is not supported", detail)


def _damaged(after_s: float) -> ProblemError:
    return ProblemError(
        422, "damaged-media", "The recording is damaged",
        f"decoding failed after {after_s:.1f} s; a part of a recording is never transcribed as if it were all",
    )  # fmt: skip


def too_long(limit_s: int) -> ProblemError:
    """Return the problem of a recording over the limit."""
    return ProblemError(
        413, "recording-too-long", "The recording is too long",
        f"at most {limit_s} s of audio are accepted in one request", max_audio_s=limit_s,
    )  # fmt: skip


def _audio_stream(container: Any) -> Any:
    streams = container.streams.audio
    if len(container.streams) > _MAX_STREAMS or len(streams) != 1:
        raise _unsupported(f"the file has {len(streams)} audio streams; exactly one is accepted")
    stream = streams[0]
    context = stream.codec_context
    if context is None or context.name not in CODECS:
        raise _unsupported("the file's audio codec is not on the list")
    if context.sample_rate not in _RATES_HZ or not 1 <= context.channels <= _MAX_CHANNELS:
        raise _unsupported(f"{context.sample_rate} Hz with {context.channels} channels is outside of what is accepted")
    return stream


def stream(
    file: IO[bytes],
    *,
    max_audio_s: int,
    stop: Callable[[], None],
    channels: int = 1,
    facts: dict[str, str] | None = None,
) -> "Iterator[np.ndarray[Any, Any]]":  # fmt: skip
    """Yield an upload's samples as int16 arrays of shape (samples, channels) at SAMPLE_RATE_HZ, one frame at a time.

    `stop` is called between frames and raises when the work is no longer wanted. `facts` receives container, codec and
    how many channels the file has. Raises ProblemError 413 (too long), 415 (container, codec or layout not accepted),
    422 (damaged, or no audio in it).
    """
    import av

    file.seek(0)
    try:
        container = av.open(file, mode="r", container_options=dict(_OPTIONS))
    except (av.FFmpegError, ValueError, UnicodeError, IndexError):
        raise _unsupported("the file is not a recording in an accepted container") from None
    count, limit = 0, max_audio_s * SAMPLE_RATE_HZ
    try:
        with container:
            source = _audio_stream(container)
            if facts is not None:
                facts.update(
                    container=container.format.name,
                    codec=source.codec_context.name,
                    channels=str(source.codec_context.channels),
                )
            if container.duration is not None and container.duration > max_audio_s * av.time_base:
                raise too_long(max_audio_s)
            layout = "mono" if channels == 1 else "stereo"
            resampler = av.AudioResampler(format="s16", layout=layout, rate=SAMPLE_RATE_HZ)
            frames = container.decode(source)
            expected_s: float | None = None
            while True:
                frame = next(frames, None)
                stop()
                if frame is not None and container.format.name in _GAPLESS and frame.time is not None:
                    if expected_s is not None and abs(frame.time - expected_s) > _GAP_S:
                        raise _damaged(expected_s)
                    expected_s = frame.time + frame.samples / frame.sample_rate
                for piece in resampler.resample(frame):
                    samples = piece.to_ndarray().reshape(-1, channels)
                    count += len(samples)
                    if count > limit:
                        raise too_long(max_audio_s)
                    yield samples
                if frame is None:
                    break
    except (av.FFmpegError, ValueError, UnicodeError):
        raise _damaged(count / SAMPLE_RATE_HZ) from None
    if not count:
        raise ProblemError(422, "no-audio", "The recording is empty", "the file holds no audio samples")


def decode(file: IO[bytes], *, max_audio_s: int, stop: Callable[[], None]) -> Recording:
    """Decode an upload whole. See `stream` for what is raised."""
    import numpy as np

    facts: dict[str, str] = {}
    samples = np.concatenate(
        [piece.reshape(-1) for piece in stream(file, max_audio_s=max_audio_s, stop=stop, facts=facts)]
    )
    return Recording(samples.astype(np.float32) / np.float32(32768.0), facts["container"], facts["codec"])
