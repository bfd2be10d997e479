"""The clinical path: a recording of up to hours becomes words with doubts and turns, in bounded memory.

Survey → samples → speech → chunks → two decodings → words and doubts → utterances → turns. Only words, numbers of
voices and one block of samples are held; the recording itself stays in its file and is read twice.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

import numpy as np

from appliance.clinical.source import Speaker
from appliance.clinical.transcript import MAX_TURNS, Transcript, Unclear, Word
from appliance.transcription import survey
from appliance.transcription.agreement import reconcile
from appliance.transcription.chunks import Chunk, chunks, regions
from appliance.transcription.decoder import BATCH, ChunkDecoding, Heard
from appliance.transcription.media import SAMPLE_RATE_HZ
from appliance.transcription.transcript import Segment, is_invented
from appliance.transcription.turns import Speakers, Utterance, VoiceModel, turns, utterances
from appliance.transcription.vocabulary import Vocabulary
from appliance.transcription.voices import AcousticVoices

Samples = np.ndarray[Any, Any]
Pieces = Callable[[int], Iterator[Samples]]
"""Opens the recording anew: int16 pieces of shape (samples, channels), for the number of channels asked for."""

Describe = Callable[[Samples], Samples | None]

# What the model left over at the end of a chunk is heard once more from there, if it is longer than a breath.
_REST_S = 2.0
# Text that compresses better than this may be a loop: upstream's bound, beyond which it would sample again.
_LOOP_RATIO = 2.4
# People do repeat themselves. It is a loop where the two decodings do not tell the same, or where nobody talks so fast.
_LOOP_AGREEMENT, _LOOP_WORDS_PER_S = 0.8, 5.0
# Steps in which the levels of two channels are compared, and how far apart two hearings of one word may lie.
_STEP_S = 0.1
_TWIN_S = 0.5


@dataclass(frozen=True)
class Wish:
    """What a request may choose."""

    language: str | None = None
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    speakers: Speakers = "auto"
    channel_roles: tuple[Speaker, Speaker] | None = None


@dataclass
class _Notes:
    """What has been heard so far."""

    language: str | None
    utterances: list[Utterance] = field(default_factory=list)
    unclear: list[tuple[float, float]] = field(default_factory=list)
    speech_s: float = 0.0


def hear(
    pieces: Pieces, found: survey.Survey, decoder: ChunkDecoding, wish: Wish, stop: Callable[[], None], *,
    only_language: str | None = None, turn: Callable[[], AbstractContextManager[Any]] = nullcontext,
    voice_model: VoiceModel | None = None,
) -> Transcript:  # fmt: skip
    """Return the transcript of a surveyed recording.

    `stop` raises when the work is no longer wanted; `turn` is held while the model works on one batch, so that live
    streams get their turn in between. `only_language`: the model's only one.
    """
    by_channel = found.one_voice_a_channel and wish.speakers == "auto"
    voice_model = voice_model or AcousticVoices()
    describe = None if by_channel or wish.speakers == "none" else voice_model.describe
    notes = _Notes(wish.language or only_language)
    for channel in (0, 1) if by_channel else (None,):
        speech = regions(_blocks(pieces(2 if by_channel else 1), channel))
        for batch in _batches(chunks(speech)):
            stop()
            notes.speech_s += sum(chunk.duration_s for chunk in batch)
            for leftover in _work(batch, channel, decoder, wish, notes, turn, describe):
                stop()
                _work([leftover], channel, decoder, wish, notes, turn, describe)
    if by_channel:
        notes.utterances = _without_bleed(notes.utterances, pieces, stop)
    spoken, method = turns(
        notes.utterances, notes.language or "", by_channel=by_channel, speakers=wish.speakers,
        channel_roles=wish.channel_roles, voice_model=voice_model,
    )  # fmt: skip
    unclear = tuple(Unclear(start_s=start, end_s=end) for start, end in sorted(notes.unclear)[:MAX_TURNS])
    return Transcript(
        language=notes.language or "", duration_s=found.duration_s, speech_s=notes.speech_s,
        turns=spoken, unclear=unclear, speaker_method=method,
    )  # fmt: skip


def _blocks(pieces: Iterator[Samples], channel: int | None) -> Iterator[Samples]:
    """Yield float32 mono blocks of about a second: FFmpeg's frames are too small to work on one by one."""
    held: list[Samples] = []
    count = 0
    for piece in pieces:
        held.append(piece[:, channel or 0])
        count += len(piece)
        if count >= SAMPLE_RATE_HZ:
            yield np.concatenate(held).astype(np.float32) / np.float32(32768.0)
            held, count = [], 0
    if held:
        yield np.concatenate(held).astype(np.float32) / np.float32(32768.0)


def _batches(found: Iterator[Chunk]) -> Iterator[list[Chunk]]:
    while batch := list(islice(found, BATCH)):
        yield batch


def _work(
    batch: Sequence[Chunk], channel: int | None, decoder: ChunkDecoding, wish: Wish, notes: _Notes,
    turn: Callable[[], AbstractContextManager[Any]], describe: Describe | None,
) -> list[Chunk]:  # fmt: skip
    """Decode a batch into the notes; return what must be heard once more."""
    used = decoder.fitting(wish.vocabulary.terms)
    hotwords = wish.vocabulary.hotwords(used)
    with turn():
        encoded = decoder.encode(batch)
        notes.language = notes.language or decoder.language(encoded)
        plain = decoder.decode(encoded, batch, notes.language)
        if hotwords:
            second = decoder.decode(encoded, batch, notes.language, hotwords=hotwords)
        else:
            second = decoder.decode(encoded, batch, notes.language, beam=1)
    leftovers = []
    for chunk, heard, other in zip(batch, plain, second, strict=True):
        if _invented(heard, other, chunk):
            notes.unclear.append((chunk.start_s, chunk.end_s))
            continue
        words = reconcile(heard.words, other.words, wish.vocabulary.words(used))
        notes.utterances += _placed(words, chunk, channel, describe)
        # A timestamp at the end of the chunk does not prove that the model wrote down what lies before it.
        until_s = heard.until_s if chunk.duration_s - heard.until_s >= _REST_S else heard.words[-1].end_s
        if chunk.duration_s - until_s >= _REST_S and (rest := chunk.rest(until_s)) is not None:
            if chunk.retry:
                notes.unclear.append((rest.start_s, rest.end_s))
            else:
                leftovers.append(rest)
    return leftovers


def _looped(heard: Heard, other: Heard, chunk: Chunk) -> bool:
    if heard.compression_ratio <= _LOOP_RATIO:
        return False
    one, two = ([_plain(word) for word in each.words] for each in (heard, other))
    agreement = SequenceMatcher(None, one, two, autojunk=False).ratio()
    return agreement < _LOOP_AGREEMENT or len(one) > _LOOP_WORDS_PER_S * chunk.duration_s


def _invented(heard: Heard, other: Heard, chunk: Chunk) -> bool:
    """Return whether a chunk's text is likely made up: nobody speaks, or the model ran into a loop."""
    segment = Segment(
        heard.text, 0.0, chunk.duration_s, (), 0.0, heard.avg_logprob, heard.compression_ratio, heard.no_speech_prob
    )
    return not heard.words or is_invented(segment) or _looped(heard, other, chunk)


def _placed(words: Sequence[Word], chunk: Chunk, channel: int | None, describe: Describe | None) -> list[Utterance]:
    """Return utterances with times in the recording, each with how its voice sounds."""
    samples = chunk.samples
    timed = []
    latest = chunk.start_s
    for word in words:
        start = max(latest, chunk.original(word.start_s))
        latest = max(start, chunk.original(word.end_s, end=True))
        timed.append(word.model_copy(update={"start_s": round(start, 3), "end_s": round(latest, 3)}))
    result, at = [], 0
    for group in utterances(timed):
        first, last = words[at], words[at + len(group) - 1]
        at += len(group)
        sound = samples[round(first.start_s * SAMPLE_RATE_HZ) : round(last.end_s * SAMPLE_RATE_HZ)]
        result.append(Utterance(group, channel, describe(sound) if describe else None))
    return result


def _without_bleed(spoken: list[Utterance], pieces: Pieces, stop: Callable[[], None]) -> list[Utterance]:
    """Leave out what a microphone took up of the other one's voice: the same word at the same time, but quieter.

    Two people who talk at once say different words: both stay, however loud the other one is.
    """
    levels = _levels(pieces(2), round(_STEP_S * SAMPLE_RATE_HZ), stop)
    said: dict[tuple[int, str], list[float]] = {}
    for each in spoken:
        for word in each.words:
            said.setdefault((each.channel or 0, _plain(word)), []).append(word.start_s)
    kept = []
    for each in spoken:
        own = each.channel or 0
        words = []
        for word in each.words:
            here = levels[int(word.start_s / _STEP_S) : int(word.end_s / _STEP_S) + 1]
            power = here.mean(axis=0) if len(here) else np.ones(2)
            twins = said.get((1 - own, _plain(word)), ())
            twin = any(abs(start - word.start_s) <= _TWIN_S for start in twins)
            if not (twin and power[own] < power[1 - own]):
                words.append(word)
        if words:
            kept.append(Utterance(tuple(words), each.channel))
    return kept


def _plain(word: Word) -> str:
    return "".join(character for character in word.text.lower() if character.isalnum())


def _levels(pieces: Iterator[Samples], frame: int, stop: Callable[[], None]) -> Samples:
    """Return the mean power of each channel for each frame: 10 frames a second, 1.2 MB for four hours."""
    result: list[Samples] = []
    rest = np.zeros((0, 2), dtype=np.int16)
    for piece in pieces:
        stop()
        rest = np.concatenate([rest, piece])
        if len(rest) >= SAMPLE_RATE_HZ:
            whole = len(rest) // frame * frame
            result.append(np.square(rest[:whole].reshape(-1, frame, 2).astype(np.float32) / 32768.0).mean(axis=1))
            rest = rest[whole:]
    if len(rest):
        result.append(np.square(rest.astype(np.float32) / 32768.0).mean(axis=0, keepdims=True))
    return np.concatenate(result) if result else np.zeros((0, 2), dtype=np.float32)
