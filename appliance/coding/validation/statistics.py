"""Shares with Wilson's interval, intervals by a bootstrap over records, Cohen's kappa, calibration."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

_Z = 1.959964
"""Two-sided 95 percent of the normal distribution."""

BINS = 10


class Interval(BaseModel):
    """A figure with its 95 percent interval; null where nothing was there to count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    low: float | None = None
    high: float | None = None
    of: int = Field(0, description="How many it was counted over.")


class Bin(BaseModel):
    """Suggestions of one range of confidence: how many, what they claimed on average, how many were right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float
    high: float
    count: int
    claimed: float | None
    right: Interval


def wilson(hits: int, of: int) -> Interval:
    """A share with Wilson's score interval (Wilson 1927), which holds near 0 and 1 and for few records."""
    if of == 0:
        return Interval(value=None)
    share = hits / of
    middle = share + _Z * _Z / (2 * of)
    spread = _Z * math.sqrt(share * (1 - share) / of + _Z * _Z / (4 * of * of))
    below = 1 + _Z * _Z / of
    low, high = (middle - spread) / below, (middle + spread) / below
    return Interval(value=share, low=max(0.0, low), high=min(1.0, high), of=of)


def f1(right: float, suggested: float, coded: float) -> float | None:
    """Harmonic mean of precision and recall; None when both sides are empty."""
    return 2 * right / (suggested + coded) if suggested + coded else None


def kappa(both: float, one: float, other: float, cells: float) -> float | None:
    """Cohen's kappa (1960) of two raters over yes and no; None when chance alone explains everything.

    Args:
        both: Cells where both say yes.
        one: Yeses of the one.
        other: Yeses of the other.
        cells: All cells.
    """
    if cells <= 0:
        return None
    agreed = (cells - one - other + 2 * both) / cells
    chance = (one * other + (cells - one) * (cells - other)) / (cells * cells)
    return (agreed - chance) / (1 - chance) if chance < 1 else None


def bootstrap(
    rows: Sequence[tuple[int, int, int]],
    measure: Callable[[float, float, float], float | None],
    *,
    seed: int,
    rounds: int,
) -> Interval:
    """A measure over all records, with percentiles of records drawn again: codes of one record are not independent.

    Args:
        rows: Per record (right, suggested, coded).
        measure: Of the sums of these three.
        seed: Of the draws; the same gives the same interval.
        rounds: How often all records are drawn.
    """
    table = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
    value = measure(*(float(each) for each in table.sum(axis=0))) if len(table) else None
    if value is None or len(table) < 2:
        return Interval(value=value, of=len(table))
    draws = np.random.default_rng(seed)
    found = []
    for _ in range(rounds):
        sums = table[draws.integers(0, len(table), len(table))].sum(axis=0)
        drawn = measure(*(float(each) for each in sums))
        if drawn is not None:
            found.append(drawn)
    if not found:
        return Interval(value=value, of=len(table))
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(value=value, low=float(low), high=float(high), of=len(table))


def calibration(judged: Sequence[tuple[float, bool]]) -> tuple[tuple[Bin, ...], float | None]:
    """Bins of equal width and the expected calibration error: how far confidence is off, weighted by how often."""
    bins = []
    error = 0.0
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        held = [(sure, right) for sure, right in judged if low <= sure < high or (number == BINS - 1 and sure == 1)]
        claimed = sum(sure for sure, _ in held) / len(held) if held else None
        hits = sum(right for _, right in held)
        if claimed is not None:
            error += abs(claimed - hits / len(held)) * len(held) / len(judged)
        bins.append(Bin(low=low, high=high, count=len(held), claimed=claimed, right=wilson(hits, len(held))))
    return tuple(bins), error if judged else None
