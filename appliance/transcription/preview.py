"""One hearing of one window of a live stream: plain and greedy, of the speech in it only."""

import numpy as np

from appliance.clinical.transcript import Word
from appliance.transcription.chunks import Chunk, Region, speech_spans
from appliance.transcription.engine import Engine
from appliance.transcription.media import SAMPLE_RATE_HZ
from appliance.transcription.spool import Spool
from appliance.transcription.transcript import Segment, is_invented
from appliance.transcription.turnstile import Turnstile


def hear_window(
    spool: Spool, start_s: float, end_s: float, engine: Engine, turnstile: Turnstile, language: str | None
) -> tuple[list[Word], str | None]:
    """Return the words of [start_s, end_s) with times of the stream, and the language, None while nobody spoke."""
    samples = spool.read(start_s, end_s).astype(np.float32) / np.float32(32768.0)
    if len(samples) < SAMPLE_RATE_HZ // 10:
        return [], language
    spans = speech_spans(samples)
    if not spans:
        return [], language
    chunk = Chunk(tuple(Region(start_s + start / SAMPLE_RATE_HZ, samples[start:end]) for start, end in spans))
    only = next(iter(engine.languages)) if len(engine.languages) == 1 else None
    with turnstile.live():
        encoded = engine.decoder.encode([chunk])
        language = language or only or engine.decoder.language(encoded)
        heard = engine.decoder.decode(encoded, [chunk], language, beam=1)[0]
    segment = Segment(
        heard.text, 0.0, chunk.duration_s, (), 0.0, heard.avg_logprob, heard.compression_ratio, heard.no_speech_prob
    )
    if is_invented(segment):
        return [], language
    return [
        word.model_copy(update={"start_s": chunk.original(word.start_s), "end_s": chunk.original(word.end_s, end=True)})
        for word in heard.words
    ], language
