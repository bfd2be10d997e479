"""Who said it: channels, voices and roles, and when nobody is named."""

from typing import Any

import numpy as np
import pytest

from appliance.clinical.source import Speaker
from appliance.clinical.transcript import Word
from appliance.transcription import roles, survey, voices
from appliance.transcription.acoustics import pitch_semitones, voice
from appliance.transcription.turns import Utterance, turns, utterances

RATE = 16_000
ASKS = (
    "How long have you had this? Any fever? Let me listen to your chest, take a deep breath. I want you to come back."
)
TELLS = (
    "Well, I feel tired, my back hurts and I've been coughing. Yeah, my wife thinks I was sick. It started on Monday."
)


def tone(hz: float, seconds: float, formant: float = 500.0, seed: int = 0) -> Any:
    """A buzz with harmonics that fall off from a formant: enough of a voice for pitch and cepstra."""
    at = np.arange(int(seconds * RATE)) / RATE
    wobble = np.random.default_rng(seed).normal(0, 0.01, len(at))
    total = sum(np.sin(2 * np.pi * hz * n * at) / (1 + abs(hz * n - formant) / 300) for n in range(1, 30))
    return (np.asarray(total) * 0.05 + wobble * 0.05).astype(np.float32)


@pytest.mark.parametrize("hz", [90.0, 120.0, 180.0, 240.0, 330.0])
def test_pitch_is_found_and_not_its_octave(hz: float) -> None:
    found = pitch_semitones(tone(hz, 1.0))
    assert found == pytest.approx(12 * np.log2(hz), abs=0.7)


def test_noise_and_silence_have_no_voice() -> None:
    assert voice(np.zeros(RATE, dtype=np.float32)) is None
    assert voice(np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)) is None
    assert voice(tone(120, 0.05)) is None


def test_two_voices_come_apart() -> None:
    low = [voice(tone(100 + i, 1.5, 450, i)) for i in range(4)]
    high = [voice(tone(210 + i, 1.5, 800, i)) for i in range(4)]
    found = voices.cluster([low[0], high[0], low[1], high[1], low[2], high[2], low[3], high[3], None], [1.5] * 9)
    assert found is not None
    first = found.labels[0]
    assert found.labels[:8] == (first, 1 - (first or 0)) * 4
    assert found.labels[8] is None


def test_one_voice_is_not_split() -> None:
    one = [voice(tone(110 + 3 * i, 1.5, 500 + 10 * i, i)) for i in range(8)]
    assert voices.cluster(one, [1.5] * 8) is None


def test_too_little_speech_names_nobody() -> None:
    pair = [voice(tone(100, 1.5)), voice(tone(220, 1.5))]
    assert voices.cluster(pair, [1.5, 1.5]) is None
    assert voices.cluster(pair * 4, [0.5] * 8) is None


def test_roles_need_a_margin() -> None:
    assert roles.clinician([TELLS, ASKS], "en") == 1
    assert roles.clinician([ASKS, TELLS], "en") == 0
    assert roles.clinician([ASKS, ASKS], "en") is None
    assert roles.clinician(["Yes.", ASKS], "en") is None
    assert roles.clinician([TELLS, ASKS], "de") is None


def spoken(text: str, start_s: float, channel: int | None = None) -> Utterance:
    words = [
        Word(text=word, start_s=start_s + i / 5, end_s=start_s + (i + 1) / 5, confidence=0.9)
        for i, word in enumerate(text.split())
    ]
    return Utterance(tuple(words), channel)


def test_channels_give_turns_and_speech_gives_roles() -> None:
    found, method = turns([spoken(TELLS, 10, 0), spoken(ASKS, 0, 1)], "en", by_channel=True)
    assert method == "channels"
    assert [turn.speaker for turn in found] == [Speaker.CLINICIAN, Speaker.PATIENT]


def test_a_known_microphone_needs_no_guess() -> None:
    sides = (Speaker.PATIENT, Speaker.CLINICIAN)
    found, _ = turns([spoken("Yes.", 0, 0), spoken("No.", 1, 1)], "en", by_channel=True, channel_roles=sides)
    assert [turn.speaker for turn in found] == list(sides)


def test_turns_stay_apart_where_nobody_knows_the_roles() -> None:
    found, method = turns([spoken("Yes.", 0, 0), spoken("No.", 1, 1)], "en", by_channel=True)
    assert (method, [turn.speaker for turn in found]) == ("channels", [Speaker.UNKNOWN] * 2)


def test_mono_without_two_clear_voices_is_unknown() -> None:
    found, method = turns([spoken(ASKS, 0), spoken(TELLS, 10)], "en", by_channel=False)
    assert (method, [turn.speaker for turn in found]) == ("none", [Speaker.UNKNOWN])


def test_utterances_end_at_pauses_and_sentences() -> None:
    words = [*spoken("No. I feel", 0).words, *spoken("great now", 2).words]
    assert [[word.text for word in group] for group in utterances(words)] == [["No."], ["I", "feel"], ["great", "now"]]


def pieces(left: Any, right: Any) -> Any:
    both = (np.stack([left, right], axis=1) * 32767).astype(np.int16)
    return iter([both[at : at + 1000] for at in range(0, len(both), 1000)])


def test_one_voice_a_channel_is_seen_by_level() -> None:
    quiet, voiced = np.zeros(RATE * 2, dtype=np.float32), tone(120, 2.0)
    apart = survey.look(pieces(np.concatenate([voiced, quiet]), np.concatenate([quiet, voiced])))
    assert apart.one_voice_a_channel
    assert apart.duration_s == 4.0
    assert not survey.look(pieces(voiced, voiced)).one_voice_a_channel
    assert not survey.look(pieces(voiced, quiet)).one_voice_a_channel
    assert not survey.look(pieces(quiet, quiet)).one_voice_a_channel
    assert not survey.look(pieces(voiced, voiced * 0.7)).one_voice_a_channel
