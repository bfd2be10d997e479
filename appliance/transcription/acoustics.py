"""What a voice sounds like, in 13 numbers: twelve mel-cepstral means and the pitch. Only numpy.

Frames of 25 ms every 10 ms and 26 mel filters are the field's usual values (Davis and Mermelstein 1980); the pitch is
the first high peak of the autocorrelation between 65 and 400 Hz, which spans adult voices.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from appliance.transcription.media import SAMPLE_RATE_HZ

Samples = np.ndarray[Any, Any]

_FRAME, _HOP, _FFT, _MELS, _CEPSTRA = 400, 160, 512, 26, 12
_PITCH_FRAME, _PITCH_HZ = 640, (65.0, 400.0)
# Of a frame's energy, so much must repeat for it to be a voiced sound.
_VOICED = 0.5
_NEARLY = 0.85
# Frames this far below the loudest ones are pauses and breaths.
_RANGE_DB = 30.0
_MIN_VOICED_FRAMES = 15


@lru_cache(1)
def _filters() -> Samples:
    top = 2595.0 * np.log10(1.0 + SAMPLE_RATE_HZ / 2 / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, top, _MELS + 2) / 2595.0) - 1.0)
    bins = np.fft.rfftfreq(_FFT, 1.0 / SAMPLE_RATE_HZ)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.asarray(np.maximum(0.0, np.minimum(rise, fall)))


@lru_cache(1)
def _cosines() -> Samples:
    places = np.arange(_MELS) + 0.5
    return np.asarray(np.cos(np.pi / _MELS * np.outer(np.arange(1, _CEPSTRA + 1), places)) * np.sqrt(2.0 / _MELS))


def _frames(samples: Samples, length: int) -> Samples:
    return np.lib.stride_tricks.sliding_window_view(samples, length)[::_HOP]


def cepstra(samples: Samples) -> Samples | None:
    """Return the mean mel cepstrum (12,) of the louder frames, or None when there are too few."""
    if len(samples) < _FRAME * 4:
        return None
    emphasised = np.append(samples[:1], samples[1:] - 0.97 * samples[:-1]).astype(np.float64)
    power = np.abs(np.fft.rfft(_frames(emphasised, _FRAME) * np.hamming(_FRAME), _FFT)) ** 2
    level = 10.0 * np.log10(power.sum(axis=1) + 1e-12)
    loud = power[level > level.max() - _RANGE_DB]
    return np.asarray((np.log(loud @ _filters().T + 1e-10) @ _cosines().T).mean(axis=0))


def pitch_semitones(samples: Samples) -> float | None:
    """Return the median pitch in semitones over 1 Hz, or None when too little of it is voiced."""
    if len(samples) < _PITCH_FRAME * 4:
        return None
    frames = _frames(samples.astype(np.float64), _PITCH_FRAME)
    frames = frames - frames.mean(axis=1, keepdims=True)
    energy = np.square(frames).sum(axis=1)
    frames = frames[energy > energy.max() * 10.0 ** (-_RANGE_DB / 10.0)]
    spectrum = np.abs(np.fft.rfft(frames, 2 * _PITCH_FRAME)) ** 2
    repeats = np.fft.irfft(spectrum)[:, :_PITCH_FRAME]
    # A longer lag leaves fewer samples to compare; without this, every voice sounds higher than it is.
    repeats = repeats / np.maximum(repeats[:, :1], 1e-12) * (_PITCH_FRAME / (_PITCH_FRAME - np.arange(_PITCH_FRAME)))
    low, high = (int(SAMPLE_RATE_HZ / hz) for hz in reversed(_PITCH_HZ))
    lags = repeats[:, low:high]
    best = lags.max(axis=1, keepdims=True)
    voiced = best[:, 0] > _VOICED
    if voiced.sum() < _MIN_VOICED_FRAMES:
        return None
    # Twice a period repeats as well as the period: the first peak that is nearly the highest is the pitch.
    inner = lags[:, 1:-1]
    peaks = (inner >= lags[:, :-2]) & (inner >= lags[:, 2:]) & (inner >= _NEARLY * best)
    found = np.where(peaks.any(axis=1), peaks.argmax(axis=1) + 1, lags.argmax(axis=1))[voiced]
    return float(np.median(12.0 * np.log2(SAMPLE_RATE_HZ / (found + low))))


def voice(samples: Samples) -> Samples | None:
    """Return cepstra and pitch as one vector (13,) of float64, or None where they cannot be had."""
    found, pitch = cepstra(samples), pitch_semitones(samples)
    return None if found is None or pitch is None else np.append(found, pitch)
