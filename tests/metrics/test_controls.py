"""Breakages hit the metric they are meant for."""

from __future__ import annotations

import numpy as np
import pytest

from elp import metrics
from tests.metrics.sets import smooth


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("name", metrics.BREAKAGES)
def test_breakages_start_from_the_truth_and_hit_their_metric(name, rng):
    gt = list(smooth(rng, 6, 300, 4) + rng.standard_normal((6, 1, 4)))
    spoil = metrics.BREAKAGES[name]
    for x, y in zip(gt, spoil(gt, 0.0, rng), strict=True):
        np.testing.assert_allclose(y, x)
    broken = spoil(gt, 1.0, rng)
    assert [x.shape for x in broken] == [x.shape for x in gt]
    notices = {
        "constant output": metrics.variance(broken) < 1e-9,
        "noise": metrics.sts(gt, broken, dt=0.04)
        > 2 * metrics.sts(gt, [x + 1 for x in broken[::-1]], dt=0.04) / 3,
        "shuffled pairs": metrics.frechet(gt, broken) > 1
        and metrics.frechet_pooled(gt, broken) < 1e-6,
        "time shift": metrics.wtlcc(gt, broken).lag == metrics.MAX_LAG
        or metrics.wtlcc(gt, broken, max_lag=120).lag == 100,
    }
    assert notices[name]
