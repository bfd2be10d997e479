"""Boosted trees and a calibration, applied with numpy; they are grown elsewhere (bench/coded)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees side by side, each padded to the nodes of the largest.

    Args:
        feature: Trees by nodes: the feature that a node asks for.
        threshold: At or below it a row goes left.
        left: The node on the left; a leaf points to itself.
        right: The node on the right; a leaf points to itself.
        value: What a leaf adds to the log odds.
        base: The log odds of no tree.
        depth: Steps from a root to the deepest leaf.
    """

    feature: NDArray[np.uint8]
    threshold: NDArray[np.float32]
    left: NDArray[np.uint8]
    right: NDArray[np.uint8]
    value: NDArray[np.float32]
    base: float
    depth: int

    def odds(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The log odds of each row (rows by features)."""
        trees = np.arange(len(self.feature))[:, None]
        across = np.arange(len(rows))[None, :]
        node = np.zeros((len(self.feature), len(rows)), np.intp)
        for _ in range(self.depth):
            below = rows[across, self.feature[trees, node]] <= self.threshold[trees, node]
            node = np.where(below, self.left[trees, node], self.right[trees, node]).astype(np.intp)
        return self.value[trees, node].sum(0, dtype=np.float64) + self.base


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising line from log odds to how often a suggestion of such odds was right, measured out of sample.

    Args:
        odds: Ascending.
        share: The share of right suggestions at each, 0 to 1.
    """

    odds: NDArray[np.float32]
    share: NDArray[np.float32]

    def confidence(self, odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Between the points straight, beyond them flat."""
        return np.interp(odds, self.odds, self.share)
