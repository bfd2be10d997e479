"""Whose voice each utterance is, by a speaker model: vectors that are near for one person, whatever is said.

Utterances are joined from the bottom up by mean cosine; what stays apart is another person. The two who speak most are
the parties, a third one belongs to nobody, and so does an utterance that is not clearly nearer to one of the two.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from appliance.errors import UnknownStateError
from appliance.transcription import tensors
from appliance.transcription.campplus import SpeakerNet
from appliance.transcription.filterbank import log_mel
from appliance.transcription.media import SAMPLE_RATE_HZ
from appliance.transcription.voices import Samples, Vectors

FILE = "speaker.safetensors"
# Longer utterances are cut: six seconds say who it is, and the cost and the memory (28 MB for them) are bounded.
_MAX_S = 6.0
# Below this nothing is computed; a name needs so much at least.
_MIN_S = 0.4
# Utterances that may found a voice, and how many of them and how much speech each voice needs.
MIN_UTTERANCE_S = 0.8
MIN_VOICE_UTTERANCES = 2
MIN_VOICE_S = 2.0
# Groups nearer than this by mean cosine are one voice. Measured on 9 real voices (bench/voices.py): pairs of one voice
# have a mean of 0.52 to 0.92, one side behind a telephone's filter 0.29 to 0.64; pairs of two voices at most 0.30.
SAME_VOICE = 0.35
# For one utterance: how near its voice must be, and how much nearer than the next one.
MIN_NEAR = 0.3
MIN_MARGIN = 0.15
# A long visit has thousands of utterances; the similarities of all pairs would grow with the square.
_SAMPLE = 600


class SpeakerVoices:
    """Tells voices by a CAM++ network. See turns.VoiceModel."""

    def __init__(self, net: SpeakerNet) -> None:
        self._net = net

    def describe(self, samples: Samples) -> Vectors | None:
        """Return a vector of length one, or None where there is too little of a voice."""
        if len(samples) < _MIN_S * SAMPLE_RATE_HZ:
            return None
        spare = max(0, len(samples) - round(_MAX_S * SAMPLE_RATE_HZ)) // 2
        found = self._net.embed(log_mel(samples[spare : len(samples) - spare]))
        return found if np.isfinite(found).all() else None

    def parties(self, vectors: Sequence[Vectors | None], durations_s: Sequence[float]) -> list[int | None] | None:
        """Return 0, 1 or None (unclear) for each utterance, or None when there are not clearly two voices."""
        places = [i for i, vector in enumerate(vectors) if vector is not None and durations_s[i] >= MIN_UTTERANCE_S]
        if len(places) > _SAMPLE:
            places = [places[i] for i in np.linspace(0, len(places) - 1, _SAMPLE).astype(int)]
        if len(places) < 2 * MIN_VOICE_UTTERANCES:
            return None
        points = np.stack([vector for i in places if (vector := vectors[i]) is not None])
        spoken_s = np.array([durations_s[i] for i in places])
        groups = [group for group in joined(points) if _founds_a_voice(group, spoken_s)]
        if len(groups) < 2:
            return None
        groups.sort(key=lambda group: -float(spoken_s[group].sum()))
        centres = np.stack([_centre(points[group], spoken_s[group]) for group in groups])
        return [None if vector is None else _nearest(centres @ vector) for vector in vectors]


def load(directory: Path) -> SpeakerVoices | None:
    """Return the speaker model of a folder of weights, None where it has none.

    Raises UnknownStateError where the file is there and is not the network: what is sealed but broken is not "none".
    """
    path = directory / FILE
    if not path.exists():
        return None
    try:
        return SpeakerVoices(SpeakerNet(tensors.read(path)))
    except (KeyError, ValueError) as error:
        raise UnknownStateError(
            f"{path} is not the speaker model: {error}"[:400], hint="build the model image again: fleetctl image model"
        ) from None


def joined(points: Vectors) -> list[list[int]]:
    """Return groups of rows, joined while the nearest two have a mean cosine of SAME_VOICE or more."""
    groups = [[i] for i in range(len(points))]
    means = (points @ points.T).astype(np.float64)
    np.fill_diagonal(means, -np.inf)
    while len(points) > 1:
        first, second = (int(place) for place in np.unravel_index(means.argmax(), means.shape))
        if means[first, second] < SAME_VOICE:
            break
        sizes = len(groups[first]), len(groups[second])
        row = (means[first] * sizes[0] + means[second] * sizes[1]) / sum(sizes)
        # What has been joined, and a group with itself, is never the nearest: both stay at minus infinity.
        means[first] = means[:, first] = row
        means[second] = means[:, second] = -np.inf
        groups[first] += groups[second]
        groups[second] = []
    return [group for group in groups if group]


def _founds_a_voice(group: list[int], spoken_s: Vectors) -> bool:
    return len(group) >= MIN_VOICE_UTTERANCES and float(spoken_s[group].sum()) >= MIN_VOICE_S


def _centre(points: Vectors, spoken_s: Vectors) -> Vectors:
    mean = (points * spoken_s[:, None]).sum(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12))


def _nearest(near: Vectors) -> int | None:
    """Return which of the first two voices it is, from its nearness to each, or None: unclear, or a third one."""
    order = np.argsort(-near)
    best = int(order[0])
    clear = near[best] >= MIN_NEAR and near[best] - near[order[1]] >= MIN_MARGIN
    return best if clear and best < 2 else None
