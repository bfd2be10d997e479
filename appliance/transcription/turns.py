"""From words to turns: utterances by pauses and sentence ends, and who said each, by channel or by voice."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, Protocol

import numpy as np

from appliance.clinical.source import Speaker
from appliance.clinical.transcript import MAX_TURNS, Turn, Word
from appliance.transcription import roles
from appliance.transcription.voices import AcousticVoices

Speakers = Literal["auto", "none"]
# A pause of this length ends an utterance; so does a mark that ends a sentence.
PAUSE_S = 0.6
_SENTENCE_ENDS = (".", "?", "!", "。", "？", "！")
# One turn is bounded by the type; an utterance never gets near it.
_MAX_TURN_WORDS = 5_000


@dataclass(frozen=True)
class Utterance:
    """Words without a break by, as far as one can tell, one voice."""

    words: tuple[Word, ...]
    channel: int | None = None
    voice: "np.ndarray[Any, Any] | None" = None

    @property
    def start_s(self) -> float:
        """Where it begins in the recording."""
        return self.words[0].start_s

    @property
    def duration_s(self) -> float:
        """Length."""
        return self.words[-1].end_s - self.words[0].start_s


class VoiceModel(Protocol):
    """What the clinical path needs to tell voices apart."""

    def describe(self, samples: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any] | None":
        """Return a vector for how a voice sounds, or None where there is too little of one."""
        ...

    def parties(
        self, vectors: "Sequence[np.ndarray[Any, Any] | None]", durations_s: Sequence[float]
    ) -> list[int | None] | None:
        """Return 0, 1 or None (unclear) for each utterance, or None when there are not clearly two voices."""
        ...


def utterances(words: Sequence[Word]) -> list[tuple[Word, ...]]:
    """Split words at pauses and behind sentence ends."""
    result: list[list[Word]] = []
    for word in words:
        last = result[-1][-1] if result else None
        if last is None or word.start_s - last.end_s >= PAUSE_S or last.text.endswith(_SENTENCE_ENDS):
            result.append([])
        result[-1].append(word)
    return [tuple(group) for group in result]


def _parties(
    spoken: Sequence[Utterance], voice_model: VoiceModel, *, by_channel: bool
) -> tuple[list[int | None], bool]:
    """Return which of two parties said each utterance, and whether two parties were found."""
    if by_channel:
        return [each.channel for each in spoken], True
    found = voice_model.parties([each.voice for each in spoken], [each.duration_s for each in spoken])
    if found is None:
        return [None] * len(spoken), False
    return found, True


def turns(
    spoken: Sequence[Utterance], language: str, *, by_channel: bool, speakers: Speakers = "auto",
    channel_roles: tuple[Speaker, Speaker] | None = None, voice_model: VoiceModel | None = None,
) -> tuple[tuple[Turn, ...], str]:  # fmt: skip
    """Return the turns in order of time, and the method: channels, voices or none.

    `channel_roles`: who sits at the left and the right microphone, where the practice knows it; else by what is said.
    """
    ordered = sorted(spoken, key=lambda each: each.start_s)
    if speakers == "none":
        labels: list[int | None] = [None] * len(ordered)
        found = False
    else:
        labels, found = _parties(ordered, voice_model or AcousticVoices(), by_channel=by_channel)
    names = {0: Speaker.UNKNOWN, 1: Speaker.UNKNOWN}
    if found and by_channel and channel_roles is not None:
        names = dict(enumerate(channel_roles))
    elif found:
        pairs = list(zip(ordered, labels, strict=True))
        said = [" ".join(w.text for each, label in pairs if label == side for w in each.words) for side in (0, 1)]
        clinician = roles.clinician(said, language)
        if clinician is not None:
            names = {clinician: Speaker.CLINICIAN, 1 - clinician: Speaker.PATIENT}
    method = "none" if not found else "channels" if by_channel else "voices"
    return _merged(ordered, labels, names), method


def _merged(ordered: Sequence[Utterance], labels: Sequence[int | None], names: dict[int, Speaker]) -> tuple[Turn, ...]:
    """Join neighbours of one party. Parties stay apart even where nobody knows which of them is the clinician."""
    result: list[Turn] = []
    for label, group in groupby(zip(labels, ordered, strict=True), key=lambda pair: pair[0]):
        words = [word for _, each in group for word in each.words]
        for at in range(0, len(words), _MAX_TURN_WORDS):
            piece = tuple(words[at : at + _MAX_TURN_WORDS])
            end_s = max(word.end_s for word in piece)
            speaker = Speaker.UNKNOWN if label is None else names[label]
            result.append(Turn(speaker=speaker, start_s=piece[0].start_s, end_s=end_s, words=piece))
    if len(result) <= MAX_TURNS:
        return tuple(result)
    # More changes than a person could make: who said what is then worth nothing, the words are.
    words = [word for turn in result for word in turn.words]
    pieces = (tuple(words[at : at + _MAX_TURN_WORDS]) for at in range(0, len(words), _MAX_TURN_WORDS))
    return tuple(
        Turn(speaker=Speaker.UNKNOWN, start_s=p[0].start_s, end_s=max(w.end_s for w in p), words=p) for p in pieces
    )
