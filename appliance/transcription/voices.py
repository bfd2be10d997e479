"""Which utterances are one voice: two clusters, or none when they do not come clearly apart.

A wrong attribution is worse than none, so several bounds must all hold, and a single utterance between the clusters
belongs to neither. More than two voices are not told apart: a third one falls between, or keeps the clusters together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from appliance.transcription import acoustics

Vectors = np.ndarray[Any, Any]
Samples = np.ndarray[Any, Any]

# Utterances that count, and how much of them each voice needs.
MIN_UTTERANCE_S = 0.8
MIN_VOICE_S = 2.0
MIN_UTTERANCES = 4
# One speaker's utterances differ in median pitch by one or two semitones; a low and a high voice by eight and more.
MIN_PITCH_APART = 4.0
# The distance of the clusters' pitches in their pooled deviation.
MIN_PITCH_RATIO = 2.0
# Mean silhouette over the utterances (Rousseeuw 1987: below 0.25 there is no structure), and for one of them.
MIN_SILHOUETTE = 0.25
MIN_OWN_SILHOUETTE = 0.1
# A semitone weighs as much as this much of a cepstral unit.
_PITCH_WEIGHT = 0.25


@dataclass(frozen=True)
class Clusters:
    """A label, 0 or 1, for each utterance; None where it is unclear. `silhouette` is the mean, −1 to 1."""

    labels: tuple[int | None, ...]
    silhouette: float
    pitch_apart: float


def _two_means(points: Vectors) -> Vectors:
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    first, second = np.unravel_index(distances.argmax(), distances.shape)
    centres = points[[first, second]]
    labels = np.zeros(len(points), dtype=int)
    for _ in range(50):
        found = np.linalg.norm(points[:, None] - centres[None], axis=2).argmin(axis=1)
        if len(set(found.tolist())) < 2 or (found == labels).all():
            break
        labels = found
        centres = np.stack([points[labels == side].mean(axis=0) for side in (0, 1)])
    return labels


def _silhouettes(points: Vectors, labels: Vectors) -> Vectors:
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    result = np.zeros(len(points))
    for index, label in enumerate(labels):
        own = labels == label
        if own.sum() < 2:
            continue
        inside = distances[index][own].sum() / (own.sum() - 1)
        outside = distances[index][~own].mean()
        result[index] = (outside - inside) / max(inside, outside, 1e-9)
    return result


def cluster(vectors: Sequence[Vectors | None], durations_s: Sequence[float]) -> Clusters | None:
    """Return two clusters of voice vectors (see acoustics.voice), or None when there are not clearly two voices."""
    places = [i for i, vector in enumerate(vectors) if vector is not None and durations_s[i] >= MIN_UTTERANCE_S]
    if len(places) < MIN_UTTERANCES:
        return None
    # A long visit has thousands of utterances; the distances of all pairs would grow with the square.
    sample = places if len(places) <= 600 else [places[i] for i in np.linspace(0, len(places) - 1, 600).astype(int)]
    points = np.stack([np.asarray(vectors[i]) for i in sample])
    pitch = points[:, -1]
    scaled = np.append(points[:, :-1], points[:, -1:] * _PITCH_WEIGHT, axis=1)
    labels = _two_means(scaled)
    if len(set(labels.tolist())) < 2:
        return None
    own = _silhouettes(scaled, labels)
    spoken = [sum(durations_s[i] for i, label in zip(sample, labels, strict=True) if label == side) for side in (0, 1)]
    apart = abs(float(np.median(pitch[labels == 0]) - np.median(pitch[labels == 1])))
    spread = float(np.sqrt(np.mean([np.var(pitch[labels == side]) for side in (0, 1)])))
    if min(spoken) < MIN_VOICE_S or own.mean() < MIN_SILHOUETTE or apart < MIN_PITCH_APART:
        return None
    if apart < MIN_PITCH_RATIO * spread:
        return None
    centres = [scaled[labels == side].mean(axis=0) for side in (0, 1)]
    return Clusters(tuple(_label(vectors[i], centres) for i in range(len(vectors))), float(own.mean()), apart)


def _label(vector: Vectors | None, centres: Sequence[Vectors]) -> int | None:
    """Return the nearer centre, or None between the two."""
    if vector is None:
        return None
    point = np.append(vector[:-1], vector[-1:] * _PITCH_WEIGHT)
    near = [float(np.linalg.norm(point - centre)) for centre in centres]
    margin = abs(near[0] - near[1]) / max(max(near), 1e-9)
    return None if margin < MIN_OWN_SILHOUETTE else near.index(min(near))


class AcousticVoices:
    """Tells voices without a model, by mel cepstra and pitch. See turns.VoiceModel."""

    def describe(self, samples: Samples) -> Vectors | None:
        """Return cepstra and pitch, or None where they cannot be had."""
        return acoustics.voice(samples)

    def parties(self, vectors: Sequence[Vectors | None], durations_s: Sequence[float]) -> list[int | None] | None:
        """Return 0, 1 or None (unclear) for each utterance, or None when there are not clearly two voices."""
        found = cluster(vectors, durations_s)
        return None if found is None else list(found.labels)
