"""Trees and calibration: what numpy computes is what the definition says."""

import numpy as np

from appliance.coding.ranking.trees import Calibration, Trees


def test_a_row_walks_to_its_leaf() -> None:
    # Root asks feature 0 at 1.0; its right child asks feature 1 at 5.0.
    trees = Trees(
        feature=np.array([[0, 0, 1, 0, 0]], np.uint8), threshold=np.array([[1, 0, 5, 0, 0]], np.float32),
        left=np.array([[1, 1, 3, 3, 4]], np.uint8), right=np.array([[2, 1, 4, 3, 4]], np.uint8),
        value=np.array([[0, 0.5, 0, -1, 2]], np.float32), base=-3.0, depth=2,
    )  # fmt: skip
    rows = np.array([[1.0, 9.0], [1.5, 5.0], [1.5, 5.1]], np.float32)
    assert trees.odds(rows).tolist() == [-2.5, -4.0, -1.0]
    assert trees.odds(rows[:0]).tolist() == []


def test_confidence_is_straight_between_points_and_flat_beyond() -> None:
    line = Calibration(np.array([-2, 0, 2], np.float32), np.array([0.1, 0.5, 0.9], np.float32))
    assert np.allclose(line.confidence(np.array([-9.0, -1.0, 1.0, 9.0])), [0.1, 0.3, 0.7, 0.9])
