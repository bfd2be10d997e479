"""The first pass over a recording: is it whole and short enough, and does each channel hold one voice?

Nothing is kept but numbers, and no model runs: a bomb or a damaged file is refused before it costs a decoding.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from appliance.transcription.media import SAMPLE_RATE_HZ

Samples = np.ndarray[Any, Any]

_FRAME = SAMPLE_RATE_HZ // 10
# Below −50 dBFS a tenth of a second holds no near voice; the faint clicks of the silent development clip reach −47.
_ACTIVE_DBFS = -50.0
# One microphone a person in one room leaves at least this much between near and far; a stereo pair leaves less.
_APART_DB = 6.0
# Of the active frames, so many must be clearly one channel's (the rest is talking at once), and each channel has some.
_APART_SHARE, _EACH_SHARE = 0.6, 0.05


@dataclass(frozen=True)
class Survey:
    """What the first pass found. `apart`: the share of active frames in which one channel is clearly louder."""

    duration_s: float
    apart: float = 0.0
    left: float = 0.0
    right: float = 0.0

    @property
    def one_voice_a_channel(self) -> bool:
        """Whether the channels can be told apart; False for mono, for dual mono and for a stereo pair."""
        return self.apart >= _APART_SHARE and min(self.left, self.right) >= _EACH_SHARE


def dbfs(samples: Samples) -> Samples:
    """Return the level of float32 samples over the first axis, against full scale, in dB."""
    power = np.mean(np.square(samples.astype(np.float64)), axis=0)
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-12)))


def look(pieces: Iterable[Samples]) -> Survey:
    """Go through int16 pieces of shape (samples, channels)."""
    total = active = left = right = 0
    rest: Samples | None = None
    for piece in pieces:
        total += len(piece)
        if piece.shape[1] != 2:
            continue
        rest = piece if rest is None else np.concatenate([rest, piece])
        whole = len(rest) // _FRAME * _FRAME
        if not whole:
            continue
        frames = rest[:whole].reshape(-1, _FRAME, 2).astype(np.float32) / 32768.0
        levels = np.stack([dbfs(frames[:, :, side].T) for side in (0, 1)])
        loud = levels.max(axis=0) > _ACTIVE_DBFS
        gap = levels[0] - levels[1]
        active += int(loud.sum())
        left += int((loud & (gap >= _APART_DB)).sum())
        right += int((loud & (gap <= -_APART_DB)).sum())
        rest = rest[whole:]
    if not active:
        return Survey(total / SAMPLE_RATE_HZ)
    return Survey(total / SAMPLE_RATE_HZ, (left + right) / active, left / active, right / active)
