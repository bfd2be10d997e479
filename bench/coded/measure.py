"""Measures of suggested codes against coders' codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1, 0 to 1."""

    precision: float
    recall: float
    f1: float

    def __str__(self) -> str:
        return f"P {self.precision:.3f}  R {self.recall:.3f}  F1 {self.f1:.3f}"


def micro(suggested: Sequence[set[str]], wanted: Sequence[set[str]]) -> Score:
    """Over all pairs of record and code."""
    hits = sum(len(one & other) for one, other in zip(suggested, wanted, strict=True))
    return _score(hits, sum(map(len, suggested)), sum(map(len, wanted)))


def macro(suggested: Sequence[set[str]], wanted: Sequence[set[str]]) -> Score:
    """Mean over the codes that the coders used; a code never suggested has precision 0."""
    hits, said, asked = Counter[str](), Counter[str](), Counter[str]()
    for one, other in zip(suggested, wanted, strict=True):
        hits.update(one & other)
        said.update(one)
        asked.update(other)
    scores = [_score(hits[code], said[code], asked[code]) for code in asked]
    return Score(*(float(np.mean([getattr(each, name) for each in scores])) for name in ("precision", "recall", "f1")))


def categories(codes: set[str]) -> set[str]:
    """The 3-character categories of codes."""
    return {code[:3] for code in codes}


def at_rank(ranked: Sequence[Sequence[str]], wanted: Sequence[set[str]], rank: int) -> tuple[float, float]:
    """Micro precision and recall of the first suggestions of each record."""
    hits = sum(len(set(one[:rank]) & other) for one, other in zip(ranked, wanted, strict=True))
    return hits / max(1, sum(len(one[:rank]) for one in ranked)), hits / sum(map(len, wanted))


def calibration(
    confidence: NDArray[np.float64], right: NDArray[np.float32], bins: int = 10
) -> tuple[float, list[tuple[float, float, int]]]:
    """The expected calibration error, and per bin the mean confidence, the share of right ones and their number."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = [
        (float(confidence[which == each].mean()), float(right[which == each].mean()), int((which == each).sum()))
        for each in range(bins)
        if (which == each).any()
    ]
    return sum(count * abs(said - held) for said, held, count in rows) / len(confidence), rows


def plot(rows: Sequence[tuple[float, float, int]], error: float, path: Path) -> None:
    """A reliability diagram with the number of suggestions per bin."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(2, 1, figsize=(5.5, 6.5), height_ratios=(3, 1), layout="constrained")
    above.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    above.plot([row[0] for row in rows], [row[1] for row in rows], "o-", color="tab:blue")
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="share of right suggestions", xlabel="confidence")
    above.set_title(f"Suggestions above 5 %: expected calibration error {error:.3f}")
    below.bar([row[0] for row in rows], [row[2] for row in rows], width=0.06, color="tab:blue")
    below.set(xlim=(0, 1), ylabel="suggestions", xlabel="confidence")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _score(hits: int, said: int, asked: int) -> Score:
    precision, recall = hits / said if said else 0.0, hits / asked if asked else 0.0
    return Score(precision, recall, 2 * hits / (said + asked) if said + asked else 0.0)
