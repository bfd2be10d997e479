"""The speech model: loads faster-whisper from a folder, warms it up, and turns samples into a transcript."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from appliance.transcription import voiceprints
from appliance.transcription.chunks import MIN_SPEECH_MS
from appliance.transcription.decoder import ChunkDecoder, ChunkDecoding
from appliance.transcription.media import SAMPLE_RATE_HZ, Recording
from appliance.transcription.transcript import Segment, Transcript, Word, without_inventions
from appliance.transcription.turns import VoiceModel
from appliance.transcription.voices import AcousticVoices

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Options:
    """What a request may choose."""

    language: str | None = None
    prompt: str | None = None
    temperature: float = 0.0
    words: bool = False


class Engine(Protocol):
    """What the service needs of an engine."""

    languages: frozenset[str]
    decoder: "ChunkDecoding"
    voices: "VoiceModel"

    def transcribe(self, recording: Recording, options: Options, stop: Callable[[], None]) -> Transcript:
        """Transcribe; `stop` is called between segments and raises when the work is no longer wanted."""
        ...


def _segment(found: Any) -> Segment:
    words = tuple(
        Word(word.word, float(word.start), float(word.end), float(word.probability)) for word in found.words or ()
    )
    return Segment(
        found.text, float(found.start), float(found.end), tuple(found.tokens), float(found.temperature or 0.0),
        float(found.avg_logprob), float(found.compression_ratio), float(found.no_speech_prob), words,
    )  # fmt: skip


class WhisperEngine:
    """faster-whisper, from local files only."""

    def __init__(self, directory: "Path", *, device: str, compute_type: str, threads: int) -> None:
        # The process has no network; with these, a missing file is an error at once and not an attempt.
        os.environ.update(
            HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false"
        )
        from faster_whisper import WhisperModel

        logging.getLogger("faster_whisper").setLevel(logging.WARNING)
        self._model = WhisperModel(
            str(directory),
            device=device,
            compute_type=compute_type,
            cpu_threads=threads or len(os.sched_getaffinity(0)),
            num_workers=1,
            local_files_only=True,
        )
        self.languages = frozenset(self._model.supported_languages)
        self.decoder: ChunkDecoding = ChunkDecoder(self._model)
        # Weights without a speaker model tell voices by pitch and timbre.
        self.voices: VoiceModel = voiceprints.load(directory) or AcousticVoices()

    def warm_up(self) -> None:
        """Run every part once on a moment of silence, so that the first clinician does not wait for it.

        Not through the whole window of 30 s that a recording gets: under emulation that alone takes over a minute.
        """
        import numpy as np
        from faster_whisper.vad import get_speech_timestamps

        get_speech_timestamps(np.zeros(SAMPLE_RATE_HZ, dtype=np.float32))
        features = np.zeros((self._model.feature_extractor.mel_filters.shape[0], 100), dtype=np.float32)
        start = self._model.hf_tokenizer.token_to_id("<|startoftranscript|>")
        self._model.model.generate(self._model.encode(features), [[start]], beam_size=5, max_length=4)

    def transcribe(self, recording: Recording, options: Options, stop: Callable[[], None]) -> Transcript:
        """See Engine.

        One temperature, never the fallback ladder: its samples differ from run to run and invent text on silence.
        No conditioning on earlier text: a loop would feed itself.
        """
        found, info = self._model.transcribe(
            recording.samples,
            language=options.language if options.language or len(self.languages) > 1 else next(iter(self.languages)),
            initial_prompt=options.prompt,
            temperature=[options.temperature],
            word_timestamps=options.words,
            condition_on_previous_text=False,
            vad_filter=True,
            vad_parameters={"min_speech_duration_ms": MIN_SPEECH_MS},
        )
        segments = []
        stop()
        for segment in found:
            segments.append(_segment(segment))
            stop()
        speech_s = float(info.duration_after_vad)
        return without_inventions(info.language, recording.duration_s, speech_s, segments)
