"""Log mel filter banks as Kaldi makes them, which is what the speaker model was trained on. Only numpy.

Frames of 25 ms every 10 ms, no dither, pre-emphasis 0.97, Povey's window, 80 triangular filters from 20 Hz to half the
sample rate on the scale 1127 ln(1 + f/700): the defaults of Kaldi's `compute-fbank-feats` at 80 bins.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from appliance.transcription.media import SAMPLE_RATE_HZ

Samples = np.ndarray[Any, Any]

BINS = 80
_FRAME, _HOP, _FFT = 400, 160, 512
_LOW_HZ = 20.0
_EMPHASIS = 0.97
# The smallest difference of float32 from one: what the training's features were floored at.
_FLOOR = float(np.finfo(np.float32).eps)


def _mel(hz: Any) -> Any:
    return 1127.0 * np.log(1.0 + np.asarray(hz) / 700.0)


@lru_cache(1)
def _filters() -> Samples:
    edges = np.linspace(_mel(_LOW_HZ), _mel(SAMPLE_RATE_HZ / 2), BINS + 2)
    # The bin of half the sample rate takes no part.
    bins = _mel(np.arange(_FFT // 2) * SAMPLE_RATE_HZ / _FFT)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.asarray(np.maximum(0.0, np.minimum(rise, fall)), dtype=np.float32)


@lru_cache(1)
def _window() -> Samples:
    return np.asarray(np.hanning(_FRAME) ** 0.85)


def log_mel(samples: Samples) -> Samples:
    """Return features (frames, 80), float32, each bin with its mean over the samples taken off.

    `samples`: float32 in [-1, 1] at 16 kHz; less than a frame gives no row.
    """
    if len(samples) < _FRAME:
        return np.zeros((0, BINS), dtype=np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), _FRAME)[::_HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    frames = frames - _EMPHASIS * np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    power = np.abs(np.fft.rfft(frames * _window(), _FFT)[:, :-1]) ** 2
    found = np.log(np.maximum(power.astype(np.float32) @ _filters().T, _FLOOR))
    return np.asarray(found - found.mean(axis=0))
