"""Decodes chunks of speech in batches: each is encoded once and decoded twice, so that doubts can be seen.

The first decoding is plain: beam search, one temperature, nothing before it. The second has the practice's vocabulary;
where there is none it is greedy. Both read the same encoding, so the second costs no second pass of the encoder.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from appliance.clinical.transcript import Word
from appliance.transcription.chunks import Chunk

BEAM_SIZE = 5
# Encodings of a batch are held at once (base: 3 MB a chunk). On one core batches of 1, 4 and 8 took the same time: a
# batch is for GPUs.
BATCH = 4
_WINDOW_S = 30.0
# The first word begins within the first second: upstream's own default, in steps of 20 ms.
_MAX_INITIAL_TIMESTAMP = 50
_TIMESTAMP_S = 0.02
_FRAMES_PER_S = 100
_OPENING, _CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
# Languages written without blanks: there a piece without a blank before it is a word of its own.
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
_MAX_WORD = 200


@dataclass(frozen=True)
class Heard:
    """One decoding of one chunk. Word times are seconds inside of the chunk; `until_s`: the model went no further."""

    words: tuple[Word, ...]
    text: str
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float
    until_s: float


def joined(pieces: Sequence[dict[str, Any]], language: str, limit_s: float) -> tuple[Word, ...]:
    """Return whole words: the aligner splits "104-2" into "104" and "-2", and a half of a numeral is a wrong one."""
    words: list[Word] = []
    for piece in pieces:
        raw = str(piece["word"])
        text = raw.strip()
        start = min(max(float(piece["start"]), words[-1].end_s if words else 0.0), limit_s)
        end = min(max(float(piece["end"]), start), limit_s)
        confidence = min(max(float(piece["probability"]), 0.0), 1.0)
        if not text:
            continue
        glued = words and not raw.startswith(" ") and language not in _UNSPACED
        if glued and len(words[-1].text) + len(text) <= _MAX_WORD:
            last = words.pop()
            words.append(
                Word(
                    text=last.text + text, start_s=last.start_s, end_s=end, confidence=min(last.confidence, confidence)
                )
            )
        else:
            words.append(Word(text=text[:_MAX_WORD], start_s=start, end_s=end, confidence=confidence))
    return tuple(words)


def _until_s(ids: Sequence[int], timestamp_begin: int, duration_s: float) -> float:
    """Return up to where a decoding went: its last timestamp, or the end where text follows behind that."""
    stamps = [(index, token) for index, token in enumerate(ids) if token >= timestamp_begin]
    if not stamps or stamps[-1][0] != len(ids) - 1:
        return duration_s
    return min(duration_s, (stamps[-1][1] - timestamp_begin) * _TIMESTAMP_S)


class ChunkDecoding(Protocol):
    """What the clinical path needs of a decoder. `encoded` is whatever `encode` returned."""

    def fitting(self, terms: Sequence[str]) -> int:
        """Return how many of the terms, from the first on, fit in front of a decoding."""
        ...

    def encode(self, chunks: Sequence[Chunk]) -> Any:
        """Return the encodings of a batch."""
        ...

    def language(self, encoded: Any) -> str:
        """Return the likeliest language of a batch."""
        ...

    def decode(
        self,
        encoded: Any,
        chunks: Sequence[Chunk],
        language: str,
        *,
        hotwords: str | None = None,
        beam: int = BEAM_SIZE,
    ) -> list[Heard]:  # fmt: skip
        """Return what a decoding hears in each chunk."""
        ...


class ChunkDecoder:
    """Wraps a loaded faster-whisper model. See ChunkDecoding."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def fitting(self, terms: Sequence[str]) -> int:
        """Return how many of the terms, from the first on, fit in front of a decoding."""
        limit = self._model.max_length // 2 - 1
        encoder = self._model.hf_tokenizer
        used = 0
        for index, term in enumerate(terms):
            used += len(encoder.encode(f" {term},", add_special_tokens=False).ids)
            if used > limit:
                return index
        return len(terms)

    def encode(self, chunks: Sequence[Chunk]) -> Any:
        """Return the encodings of a batch."""
        from faster_whisper.audio import pad_or_trim

        features = [pad_or_trim(self._model.feature_extractor(chunk.samples)[..., :-1]) for chunk in chunks]
        return self._model.encode(np.stack(features))

    def language(self, encoded: Any) -> str:
        """Return the likeliest language of a batch: the one with the highest summed probability."""
        sums: dict[str, float] = {}
        for found in self._model.model.detect_language(encoded):
            for token, probability in found:
                sums[token] = sums.get(token, 0.0) + probability
        return max(sums, key=lambda token: sums[token]).strip("<|>")

    def decode(
        self,
        encoded: Any,
        chunks: Sequence[Chunk],
        language: str,
        *,
        hotwords: str | None = None,
        beam: int = BEAM_SIZE,
    ) -> list[Heard]:  # fmt: skip
        """Return what a decoding of the encoded chunks hears in each."""
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        model = self._model
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)
        prompt = model.get_prompt(tokenizer, [], without_timestamps=False, hotwords=hotwords)
        results = model.model.generate(
            encoded,
            [prompt] * len(chunks),
            beam_size=beam,
            max_length=model.max_length,
            max_initial_timestamp_index=_MAX_INITIAL_TIMESTAMP,
            suppress_blank=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            return_scores=True,
            return_no_speech_prob=True,
        )
        # With timestamps the model must account for the whole window. Without them, as in upstream's own batching, it
        # skipped sentences: of the development clip with vital signs it left out "135 pounds".
        tokens = [[token for token in result.sequences_ids[0] if token < tokenizer.eot] for result in results]
        pieces = self._aligned(encoded, chunks, tokenizer, tokens)
        heard = []
        for result, ids, found, chunk in zip(results, tokens, pieces, chunks, strict=True):
            text = tokenizer.decode(ids).strip()
            raw = text.encode()
            length = len(result.sequences_ids[0])
            heard.append(
                Heard(
                    joined(found, language, chunk.duration_s),
                    text,
                    # The score is the mean over the tokens; upstream counts the end of the text as one more.
                    float(result.scores[0]) * length / (length + 1),
                    float(result.no_speech_prob),
                    len(raw) / len(zlib.compress(raw)) if raw else 0.0,
                    _until_s(result.sequences_ids[0], tokenizer.timestamp_begin, chunk.duration_s),
                )
            )
        return heard

    def _aligned(self, encoded: Any, chunks: Sequence[Chunk], tokenizer: Any, tokens: list[list[int]]) -> list[Any]:
        if not any(tokens):
            return [[] for _ in chunks]
        # Each chunk gets a window of its own on one time line: the aligner looks back at the end of the last word.
        segments: list[list[dict[str, Any]]] = [
            [{"seek": round(i * _WINDOW_S) * _FRAMES_PER_S, "start": i * _WINDOW_S,
              "end": i * _WINDOW_S + chunk.duration_s, "tokens": ids}]
            for i, (chunk, ids) in enumerate(zip(chunks, tokens, strict=True))
        ]  # fmt: skip
        frames = [min(3000, int(np.ceil(chunk.duration_s)) * _FRAMES_PER_S) for chunk in chunks]
        self._model.add_word_timestamps(segments, tokenizer, encoded, frames, _OPENING, _CLOSING, 0.0)
        return [
            [
                {**word, "start": word["start"] - i * _WINDOW_S, "end": word["end"] - i * _WINDOW_S}
                for word in segment[0].get("words") or ()
            ]
            for i, segment in enumerate(segments)
        ]
