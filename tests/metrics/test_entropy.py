"""SI-D: bits, and clusters that are scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from elp import metrics
from tests.metrics.sets import PARTS, smooth


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_entropy_counts_in_bits(rng):
    centres = np.eye(8)
    assert metrics.entropy([np.repeat(centres, 5, 0)], centres) == pytest.approx(3, abs=1e-4)
    assert metrics.entropy([np.repeat(centres[:1], 40, 0)], centres) == pytest.approx(0, abs=1e-4)
    gt = smooth(rng, 2, 300, 4)
    assert 0 < metrics.entropy(gt, metrics.cluster(gt, 20)) <= math.log2(20)


def test_clusters_are_fitted_to_frames_spread_over_all_clips(rng):
    gt = [smooth(rng, 1, n, 3)[0] for n in (5, 300, 41, 80)]
    gt[1][20:30] = np.nan
    rows = np.concatenate(gt)
    rows = rows[~np.isnan(rows[:, 0])]
    picked = rows[np.linspace(0, len(rows) - 1, 100).round().astype(int)]
    np.testing.assert_array_equal(metrics.cluster(gt, 4, frames=100), metrics.cluster([picked], 4))
    np.testing.assert_array_equal(metrics.cluster(gt, 4, frames=1000), metrics.cluster([rows], 4))


def test_fewer_different_frames_than_clusters():
    rows = np.repeat(np.eye(4), 3000, 0)  # a cluster that loses its rows is scikit-learn's to mend
    assert np.unique(metrics.cluster([rows], 6).round(9), axis=0) == pytest.approx(np.eye(4)[::-1])
    still = metrics.evaluate(*(np.ones((2, 30, 8)) for _ in range(3)), convention="dim", **PARTS)
    assert still["sid_pose"] == pytest.approx(0, abs=1e-4)
    assert np.isfinite(list(still.values())).all()
