"""Sentences with numerals for bench/asr.py, and espeak-ng to speak them: one half to look at, one half only to report.

The halves share no template and no seed, so that what was learned from the first is not measured on itself. Values are
drawn by a fixed seed; spoken forms are the ones that clinicians use ("one forty two over eighty eight").
"""

from __future__ import annotations

import io
import random
import re
import subprocess
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from appliance.transcription.media import stream
from appliance.transcription.numerals import tokens

RATE = 16_000
Half = Literal["open", "held"]
Draw = Callable[[random.Random], str]

# What the first figures were measured on; it was looked at often and is in neither half.
FIRST = (
    "Blood pressure is one forty two over eighty eight.", "Take ten milligrams of lisinopril once a day.",
    "The heart rate is seventy six and the temperature is ninety eight point six.",
    "She takes metformin five hundred milligrams twice a day.",
    "He is five foot seven and one hundred thirty five pounds.",
    "The hemoglobin A one c was seven point nine.", "Start metoprolol twenty five milligrams.",
    "Oxygen saturation is ninety four percent.", "Creatinine is one point three, it was one point one.",
    "Atorvastatin forty milligrams at night.", "The pain started fifteen days ago.", "The pain started fifty days ago.",
    "Respiratory rate is eighteen.", "Come back in six weeks.", "Amlodipine two point five milligrams.",
    "The potassium was four point two on March third.",
    "Blood sugar was two hundred and thirteen this morning.",
    "He smoked one pack a day for thirty years.",
    "The cyst is thirteen millimeters.", "The cyst is thirty millimeters.",
)  # fmt: skip
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_MONTHS = ("January", "March", "April", "June", "August", "October", "December")
_DAYS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip


def _two(value: int) -> str:
    if value < 20:
        return _ONES[value]
    return _TENS[value // 10] + (f" {_ONES[value % 10]}" if value % 10 else "")


def _three(value: int) -> str:
    """As clinicians say it: 142 is "one forty two", 105 is "one oh five" no more often than "one hundred five"."""
    if value < 100:
        return _two(value)
    if value % 100 < 10:
        return f"{_ONES[value // 100]} hundred" + (f" {_two(value % 100)}" if value % 100 else "")
    return f"{_ONES[value // 100]} {_two(value % 100)}"


def _long(value: int) -> str:
    rest = value % 100
    return f"{_ONES[value // 100]} hundred" + (f" and {_two(rest)}" if rest else "")


def _decimal(low: int, high: int) -> Draw:
    return lambda draw: f"{_three(draw.randint(low, high))} point {_ONES[draw.randint(1, 9)]}"


def _number(low: int, high: int, say: Callable[[int], str] = _three) -> Draw:
    return lambda draw: say(draw.randint(low, high))


def _of(*choices: str) -> Draw:
    return lambda draw: draw.choice(choices)


# Thirteen and thirty, and their like: the pair that a listener mistakes most.
_TEEN_OR_TEN = _of(*(name for value in range(13, 20) for name in (_ONES[value], _TENS[value - 10])))
_DOSE = _of("five", "ten", "fifteen", "twenty", "twenty five", "forty", "fifty", "seventy five", "one hundred",
            "two hundred and fifty", "five hundred")  # fmt: skip
_DRUG = _of("metoprolol", "lisinopril", "atorvastatin", "metformin", "amlodipine", "hydrochlorothiazide")
_DIGITS: Draw = lambda draw: " ".join(_ONES[draw.randint(1, 9)] for _ in range(4))  # noqa: E731

_TEMPLATES: dict[Half, tuple[tuple[str, tuple[Draw, ...]], ...]] = {
    "open": (
        ("Blood pressure today is {} over {}.", (_number(96, 189), _number(52, 108))),
        ("Take {} milligrams of {} every morning.", (_DOSE, _DRUG)),
        ("The temperature was {} degrees last night.", (_decimal(96, 103),)),
        ("The wound has been open for {} days.", (_TEEN_OR_TEN,)),
        ("Your hemoglobin is {}, which is a bit low.", (_decimal(7, 15),)),
        ("She weighs {} pounds now.", (_number(101, 260),)),
        ("The surgery was on {} {}.", (_of(*_MONTHS), _of(*_DAYS))),
        ("The last four digits are {}.", (_DIGITS,)),
        ("We give {} units of insulin before dinner.", (_TEEN_OR_TEN,)),
        ("His pulse is {} and he breathes {} times a minute.", (_number(48, 132), _number(12, 28))),
    ),
    "held": (
        ("I measured {} over {} in the left arm.", (_number(96, 189), _number(52, 108))),
        ("We will go up to {} milligrams of {} at night.", (_DOSE, _DRUG)),
        ("The creatinine came back at {}.", (_decimal(0, 4),)),
        ("The nodule measures {} millimeters.", (_TEEN_OR_TEN,)),
        ("Her oxygen is at {} percent on room air.", (_number(81, 99),)),
        ("Glucose was {} before breakfast.", (_number(101, 389, _long),)),
        ("Come back on {} {} for the stitches.", (_of(*_MONTHS), _of(*_DAYS))),
        ("The room code is {}.", (_DIGITS,)),
        ("He had his first seizure at age {}.", (_TEEN_OR_TEN,)),
        ("Potassium is {} and sodium is {}.", (_decimal(2, 6), _number(120, 150))),
    ),
}  # fmt: skip
_SEEDS: dict[Half, int] = {"open": 1101, "held": 2203}
# Voice, words a minute, and the noise below the voice in dB (None: none). Each sentence is said under one of them.
CONDITIONS: tuple[tuple[str, int, float | None], ...] = (
    ("en-us", 150, None), ("en-gb", 165, 20.0), ("en-us+f3", 185, None), ("en-gb-scotland", 160, 12.0),
    ("en-us+m5", 190, 16.0),
)  # fmt: skip


def sentences(half: Half, rounds: int = 5) -> list[str]:
    """Return `rounds` sentences of each template of a half, in a fixed order."""
    draw = random.Random(_SEEDS[half])  # noqa: S311 (a test set, no secret)
    return [text.format(*(pick(draw) for pick in picks)) for _ in range(rounds) for text, picks in _TEMPLATES[half]]


def speak(sentence: str, voice: str, words_per_minute: int, noise_db: float | None = None) -> Any:
    """A sentence by espeak-ng, a synthetic voice, as int16 samples (n, 1), with half a second around it."""
    argv = ["espeak-ng", "-v", voice, "-s", str(words_per_minute), "--stdout", sentence]
    sound = subprocess.run(argv, capture_output=True, check=True).stdout
    # Written to a pipe, its WAV header holds no length: the file's own size is put in.
    fixed = sound[:4] + (len(sound) - 8).to_bytes(4, "little") + sound[8:40] + (len(sound) - 44).to_bytes(4, "little")
    pieces = stream(io.BytesIO(fixed + sound[44:]), max_audio_s=120, stop=lambda: None)
    clean = np.pad(np.concatenate(list(pieces)), ((RATE // 2, RATE // 2), (0, 0)))
    if noise_db is None:
        return clean
    random_noise = np.random.default_rng(len(clean)).normal(0.0, 1.0, clean.shape)
    level = np.sqrt(np.mean(np.square(clean.astype(np.float64)))) * 10 ** (-noise_db / 20)
    return np.clip(clean + random_noise * level, -32768, 32767).astype(np.int16)


def recordings(half: Half | Literal["first"], longest_s: float = 26.0) -> list[list[tuple[str, Any]]]:
    """Return recordings of several sentences each, as a visit has them: (sentence, its samples) in order.

    The sentences of a recording share voice, speed and noise; it fits in one window of the model.
    """
    said: dict[tuple[str, int, float | None], list[str]] = {}
    for index, sentence in enumerate(FIRST if half == "first" else sentences(half)):
        # The second term moves each template through the conditions from round to round.
        turn = (index + index // len(_TEMPLATES["open"])) % len(CONDITIONS)
        said.setdefault(CONDITIONS[0] if half == "first" else CONDITIONS[turn], []).append(sentence)
    found: list[list[tuple[str, Any]]] = []
    for condition, group in said.items():
        found.append([])
        for sentence in group:
            samples = speak(sentence, *condition)
            if sum(len(each) for _, each in found[-1]) + len(samples) > longest_s * RATE:
                found.append([])
            found[-1].append((sentence, samples))
    return found


def reading(text: str) -> list[str]:
    """Return what the numerals of a text say, in any spelling: figures side by side are one, ordinals are bare."""
    found: list[str] = []
    beside = False
    for token in tokens(text.split()):
        figure = re.sub(r"(st|nd|rd|th)$", "", token.text).replace("-", "") if token.numeral else ""
        if beside and figure.isdigit() and found[-1].isdigit():
            found[-1] += figure
        elif figure:
            found.append(figure)
        beside = token.numeral
    return found
