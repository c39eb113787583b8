"""Blinks: at the right moments, and as many."""

from __future__ import annotations

import numpy as np
import pytest

from elp import metrics
from tests.metrics.sets import smooth


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_blinks_that_never_come_score_zero_and_late_ones_show_their_lag(rng):
    blink = (rng.random((4, 500)) > 0.98).astype(np.uint8)
    assert metrics.blink_wtlcc(blink, np.zeros_like(blink)).peak == 0
    late = metrics.blink_wtlcc(blink[:, 10:], blink[:, :-10])
    assert (late.lag, round(late.peak, 6)) == (10, 1.0)
    scores = metrics.evaluate(
        *(smooth(rng, 4, 500, 7) for _ in range(3)), blink_gt=blink, blink_pred=blink
    )
    assert scores["blink_rate"] == pytest.approx(
        sum((np.diff(b.astype(int), prepend=0) > 0).sum() for b in blink) / (4 * 500) * 25 * 60
    )
    assert metrics.blink_wtlcc(np.zeros((1, 200)), np.ones((1, 200))).peak == 0  # nothing to find
