"""Grow the ranker's trees, and calibrate them on rows that they were not grown on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression

from appliance.coding.ranking.trees import Calibration, Trees

# Chosen on two folds of train and dev; neighbours of these values gave the same F1 within 0.004.
_SETTINGS = {
    "max_iter": 220, "learning_rate": 0.05, "max_leaf_nodes": 20, "min_samples_leaf": 40, "l2_regularization": 5.0,
    "max_features": 0.5, "early_stopping": False,
}  # fmt: skip


def grow(rows: NDArray[np.float32], right: NDArray[np.float32], seed: int) -> Trees:
    """Boost trees on candidates."""
    model = HistGradientBoostingClassifier(random_state=seed, **_SETTINGS).fit(rows, right)
    grown = [each[0].nodes for each in model._predictors]
    most = max(len(nodes) for nodes in grown)
    shape = (len(grown), most)
    feature, left, right_ = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    threshold, value = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for tree, nodes in enumerate(grown):
        leaf = nodes["is_leaf"].astype(bool)
        mine = np.arange(len(nodes))
        feature[tree, : len(nodes)] = np.where(leaf, 0, nodes["feature_idx"])
        # Rounded down: a row that equals a threshold in 32 bits must not change sides.
        threshold[tree, : len(nodes)] = np.where(leaf, 0, nodes["num_threshold"])
        left[tree, : len(nodes)] = np.where(leaf, mine, nodes["left"])
        right_[tree, : len(nodes)] = np.where(leaf, mine, nodes["right"])
        value[tree, : len(nodes)] = np.where(leaf, nodes["value"], 0)
    depth = max(int(nodes["depth"].max()) for nodes in grown)
    return Trees(feature, threshold, left, right_, value, float(np.ravel(model._baseline_prediction)[0]), depth)


def calibrate(odds: NDArray[np.float64], right: NDArray[np.float32]) -> Calibration:
    """An isotonic line through out-of-sample odds; at most 200 points, means of equally many candidates above 5 %."""
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(odds, right)
    # Means of groups, not the steps themselves: a step at the top of ten rows would claim certainty. And lowered a
    # little: a group that was all right is no proof of certainty either.
    order = np.argsort(odds, kind="stable")
    high = order[fitted.predict(odds[order]) > 0.05]
    low = order[: len(order) - len(high)]
    groups = [*np.array_split(low, 20), *np.array_split(high, max(1, min(100, len(high) // 60)))]
    points = [(odds[each].mean(), right[each].sum() / (len(each) + 0.5)) for each in groups if len(each)]
    share = IsotonicRegression().fit_transform([point[0] for point in points], [point[1] for point in points])
    return Calibration(np.array([point[0] for point in points], np.float32), share.astype(np.float32))
