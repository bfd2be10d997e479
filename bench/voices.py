"""Who said it in mono recordings: the speaker model against pitch and timbre, on the same utterances.

Real voices: the development recordings, and, where Debian's packages asterisk-core-sounds-*-g722 and
pocketsphinx-testdata are installed or unpacked (--sounds), their prompts and readings. Dialogues of ACI-Bench are
spoken by espeak-ng, two synthetic voices. Counts words (or utterances, where nothing is transcribed) that are
attributed rightly under the better of the two namings, wrongly, and to nobody; and voices that were split in two.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import asr
import av
import numpy as np
from seeded import spoken

from appliance.transcription import hearing, survey, voiceprints
from appliance.transcription.engine import WhisperEngine
from appliance.transcription.hearing import Wish
from appliance.transcription.turns import Utterance, VoiceModel
from appliance.transcription.voices import AcousticVoices

RATE = 16_000
DIALOGUES = Path(__file__).parents[2] / "shared/data/encounters/aci_bench_valid.jsonl"
GAP = np.zeros(RATE // 2, dtype=np.float32)
Piece = tuple[Any, str]
# Two synthetic voices each; the last pair is one voice at two speeds' worth of difference: nobody should be told apart.
SYNTHETIC = (("en-us+m3", "en-gb+f2"), ("en-us+m1", "en-us+m7"), ("en-us+f2", "en-us+f4"))


def utterances(engine: WhisperEngine, samples: Any) -> list[Utterance]:
    """What the clinical path hears in float32 mono samples, before anybody is named."""
    whole = (np.clip(samples, -1, 1) * 32767).astype(np.int16)[:, None]
    caught: list[Utterance] = []
    original = hearing.turns

    def catch(found: Sequence[Utterance], *rest: Any, **more: Any) -> Any:
        caught.extend(sorted(found, key=lambda each: each.start_s))
        return original(found, *rest, **more)

    hearing.turns = catch
    try:
        hearing.hear(
            lambda channels: (whole[at : at + RATE] for at in range(0, len(whole), RATE)),
            survey.Survey(len(whole) / RATE), engine.decoder, Wish("en", speakers="none"), lambda: None,
        )  # fmt: skip
    finally:
        hearing.turns = original
    return caught


class Once:
    """A voice model that describes each sound once, however many recordings it is a part of."""

    def __init__(self, model: VoiceModel) -> None:
        self._model = model
        self._known: dict[int, tuple[Any, Any]] = {}
        self.parties = model.parties

    def describe(self, samples: Any) -> Any:
        """See VoiceModel."""
        if id(samples) not in self._known:
            self._known[id(samples)] = samples, self._model.describe(samples)
        return self._known[id(samples)][1]


def score(
    model: VoiceModel, sounds: Sequence[Any], truth: Sequence[str], weight: Sequence[int]
) -> tuple[int, int, int]:
    """Right, wrong and unknown; all unknown where the model names nobody."""
    found = model.parties([model.describe(each) for each in sounds], [len(each) / RATE for each in sounds])
    if found is None:
        return 0, 0, sum(weight)
    names = sorted(set(truth))[:2]
    ways = []
    for naming in (names, names[::-1]):
        known = [(label, who, w) for label, who, w in zip(found, truth, weight, strict=True) if label is not None]
        right = sum(w for label, who, w in known if label < len(naming) and naming[label] == who)
        ways.append((right, sum(w for *_, w in known) - right))
    right, wrong = max(ways)
    return right, wrong, sum(weight) - right - wrong


def report(name: str, models: Sequence[tuple[str, VoiceModel]], sounds: Sequence[Any], truth: Sequence[str],
           weight: Sequence[int], total: dict[str, Any]) -> None:  # fmt: skip
    """One line a recording, before and after; one voice split in two is a false split."""
    cells = []
    for label, model in models:
        found = score(model, sounds, truth, weight)
        single = len(set(truth)) == 1
        split = single and found[2] < sum(weight)
        attributed = "right {} wrong {} unknown {}".format(*found)
        cells.append(f"{label} " + ("SPLIT" if split else "one voice" if single else attributed))
        kept = total.setdefault(label, {"two": np.zeros(3, dtype=int), "one": 0, "split": 0})
        kept["one"] += single
        kept["split"] += split
        kept["two"] += np.array((0, 0, 0) if single else found)
    print(f"  {name:44} " + "; ".join(cells))


def heard(engine: WhisperEngine, pieces: Sequence[Piece]) -> tuple[list[Any], list[str], list[int]]:
    """Utterances of a recording made of pieces, who spoke the middle of each, and its number of words."""
    samples = np.concatenate([part for sound, _ in pieces for part in (sound, GAP)])
    ends = np.cumsum([len(sound) + len(GAP) for sound, _ in pieces]) / RATE
    sounds, truth, weight = [], [], []
    for each in utterances(engine, samples):
        start_s, end_s = each.words[0].start_s, each.words[-1].end_s
        sounds.append(samples[round(start_s * RATE) : round(end_s * RATE)])
        truth.append(pieces[min(int(np.searchsorted(ends, (start_s + end_s) / 2)), len(pieces) - 1)][1])
        weight.append(len(each.words))
    return sounds, truth, weight


def load(path: Path, *, layout: str = "mono") -> Any:
    """Float32 samples (n,) of any file that FFmpeg reads, or (n, 2)."""
    if path.suffix == ".raw":
        return np.fromfile(path, dtype="<i2").astype(np.float32) / 32768
    with av.open(str(path), format="g722" if path.suffix == ".g722" else None) as container:
        resampler = av.AudioResampler(format="s16", layout=layout, rate=RATE)
        frames = [new.to_ndarray() for frame in (*container.decode(audio=0), None) for new in resampler.resample(frame)]
    flat = np.concatenate(frames, axis=1)[0].astype(np.float32) / 32768
    return flat if layout == "mono" else flat.reshape(-1, 2)


def spoken_part(sound: Any) -> Any:
    """Without the silence around it."""
    power = np.convolve(np.square(sound), np.ones(400) / 400, "same")
    loud = np.nonzero(power > power.max() * 1e-3)[0]
    return sound[loud[0] : loud[-1] + 1]


def vitals() -> list[Piece]:
    """hs_vitals_01 by its reference's three turns; the borders in seconds lie in the pauses that tiny.en hears."""
    whole = load(asr.DATA / "hs_vitals_01.mp3")
    borders = (0.0, *VITALS_BORDERS_S, len(whole) / RATE)
    turns = zip(borders, borders[1:], ("clinician", "patient", "clinician"), strict=False)
    return [(whole[round(start_s * RATE) : round(end_s * RATE)], who) for start_s, end_s, who in turns]


VITALS_BORDERS_S = (9.3, 13.62)


def development(engine: WhisperEngine, models: Any, total: dict[str, Any]) -> None:
    """The recordings of shared/data/audio: the visit, and three more people one after the other."""
    two = load(asr.DATA / "stereo_diarization.wav", layout="stereo")
    left, right = spoken_part(two[:, 0]), spoken_part(two[:, 1])
    jfk = load(asr.DATA / "jfk.flac")
    talk = [jfk[round(a * RATE) : round(b * RATE)] for a, b in ((0.2, 2.4), (3.1, 4.5), (5.3, 7.8), (8.0, 11.0))]
    visit = vitals()

    def between(one: Piece, other: Piece) -> list[Piece]:
        return [(talk[0], "j"), one, (talk[2], "j"), other, (talk[3], "j")]

    cases: list[tuple[str, list[Piece]]] = [
        ("hs_vitals_01", visit),
        ("stereo_diarization, one after the other, twice", [(left, "l"), (right, "r")] * 2),
        ("jfk with stereo_diarization's left", between((left, "l"), (left, "l"))),
        ("jfk with stereo_diarization's right", between((right, "r"), (right, "r"))),
        ("jfk with the clinician of hs_vitals_01", between(visit[0], visit[2])),
        ("jfk alone, twice", [(each, "j") for each in talk * 2]),
        ("the clinician of hs_vitals_01 alone", [visit[0], visit[2]]),
    ]  # fmt: skip
    for name, pieces in cases:
        report(name, models, *heard(engine, pieces), total)


def read_voices(sounds: Path, each: int) -> dict[str, list[Any]]:
    """Prompts and readings of 1 to 6 s by real people: voice → samples, the same ones every time."""
    found: dict[str, list[Any]] = {}
    groups = {path.name: sorted(path.glob("*.g722")) for path in sorted((sounds / "asterisk/sounds").glob("*_*_*"))}
    data = sounds / "pocketsphinx/test/data"
    groups |= {"librivox": sorted(data.glob("librivox/*.wav")), "cards": sorted(data.glob("cards/*.wav")),
               "goforward": [data / f"{name}.raw" for name in ("goforward", "something", "numbers")]}  # fmt: skip
    for name, paths in groups.items():
        order = np.random.default_rng(5).permutation(len(paths))
        for index in order:
            if paths[index].exists() and RATE <= len(sound := spoken_part(load(paths[index]))) <= 6 * RATE:
                found.setdefault(name, []).append(sound)
            if len(found.get(name, ())) == each:
                break
    return found


def real_voices(sounds: Path, models: Any, total: dict[str, Any]) -> None:
    """Each real voice alone, and every two of them in turns. Allison Smith speaks both English and Spanish prompts."""
    voices = read_voices(sounds, 6)
    if len(voices) < 2:
        print(f"  left out: no prompts under {sounds} (Debian packages asterisk-core-sounds-en-g722 …)")
        return
    for name, pieces in voices.items():
        report(f"{name} alone", models, pieces, [name] * len(pieces), [1] * len(pieces), total)
    names = sorted(voices)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if {one[:5], other[:5]} == {"en_US", "es_MX"}:
                continue
            pairs = [(sound, name) for pair in zip(voices[one], voices[other], strict=False)
                     for sound, name in zip(pair, (one, other), strict=True)]  # fmt: skip
            report(f"{one[:20]} and {other[:20]}", models, [s for s, _ in pairs], [n for _, n in pairs],
                   [1] * len(pairs), total)  # fmt: skip


def dialogues(engine: WhisperEngine, models: Any, total: dict[str, Any], count: int) -> None:
    """Turns of ACI-Bench by espeak-ng: synthetic voices, nothing overlaps."""
    rows = [json.loads(line) for line in DIALOGUES.read_text().splitlines()]
    for row, pair in zip(rows[:count], SYNTHETIC, strict=False):
        lines = [line.partition("] ") for line in row["dialogue"].splitlines() if line.startswith("[")][:14]
        pieces = [
            (spoken.speak(text[:300], pair[who != "[doctor"], 165)[:, 0].astype(np.float32) / 32768, who)
            for who, _, text in lines
        ]
        report(f"{row['id']} by {' and '.join(pair)} (synthetic)", models, *heard(engine, pieces), total)
        alone = [(sound, "one") for sound, who in pieces if who == "[doctor"]
        report(f"{row['id']}, the first voice alone (synthetic)", models, *heard(engine, alone), total)


def main() -> int:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="whisper-tiny.en")
    parser.add_argument("--sounds", type=Path, default=Path("/usr/share"), help="where the Debian packages' files lie")
    parser.add_argument("--dialogues", type=int, default=3)
    asked = parser.parse_args()
    folder = asr.weights(asked.model)
    engine = WhisperEngine(folder, device="cpu", compute_type="int8", threads=1)
    network = voiceprints.load(folder)
    if network is None:
        raise SystemExit(f"{asked.model} has no speaker model in the catalogue")
    models = (("before:", Once(AcousticVoices())), ("after:", Once(network)))
    total: dict[str, Any] = {}
    if asr.DATA.is_dir():
        development(engine, models, total)
    real_voices(asked.sounds, models, total)
    if DIALOGUES.is_file():
        dialogues(engine, models, total, asked.dialogues)
    sample = np.random.default_rng(0).normal(0, 0.1, 3 * RATE).astype(np.float32)
    for label, model in models:
        started_s = time.process_time()
        for _ in range(5):
            model.describe(sample.copy())
        cost = (time.process_time() - started_s) / 15
        two, kept = total[label]["two"], total[label]
        print(
            f"  {label:8} two voices: right {two[0] / two.sum():.1%}, wrong {two[1] / two.sum():.1%}, unknown "
            f"{two[2] / two.sum():.1%}; split in two {kept['split']} of {kept['one']} single voices; "
            f"{cost:.3f} s of one core for a second of speech"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
