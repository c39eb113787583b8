"""STS within and across clips."""

from __future__ import annotations

import math

import numpy as np
import pytest

from elp import metrics
from tests.metrics.sets import smooth


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("joined", [False, True])
def test_steps_within_and_across_clips(rng, joined):
    gt, pred = ([smooth(rng, 1, n, 2)[0] for n in (30, 1, 12)] for _ in range(2))
    gt[2][4] = np.nan
    gaps = [a - b for a, b in zip(gt, pred, strict=True)]
    change = [np.diff(x, axis=0) for x in ([np.concatenate(gaps)] if joined else gaps)]
    squares = [(row**2).sum() for x in change for row in x if np.isfinite(row).all()]
    assert metrics.sts(gt, pred, dt=0.1, joined=joined) == pytest.approx(
        math.sqrt(sum(squares) / 0.1)
    )
    assert metrics.sts(gt, pred, dt=0.1, joined=joined, per_frame=True) == pytest.approx(
        math.sqrt(sum(squares) / 0.1 / len(squares))
    )
    for mean in (False, True):
        alone = [gt[1]], [pred[1]]
        assert math.isnan(metrics.sts(*alone, dt=0.1, joined=joined, per_frame=mean))
