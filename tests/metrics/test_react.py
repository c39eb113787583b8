"""REACT's metrics: known answers, and the slow way."""

from __future__ import annotations

import numpy as np
import pytest

from elp import metrics
from elp.metrics.react import ccc
from tests.metrics.sets import smooth


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_react_metrics_have_their_known_answers(rng):
    real = [smooth(rng, 1, 100, 3)[0] for _ in range(3)]
    own = [[x, x] for x in real]
    # summed over two samples
    assert metrics.fr_corr(own, [[x] for x in real]) == pytest.approx(2, abs=1e-6)
    # any appropriate one will do
    assert metrics.fr_corr([[real[1]]], [real]) == pytest.approx(1, abs=1e-6)
    assert metrics.fr_dist(own, [[x] for x in real]) == pytest.approx(0, abs=1e-6)
    assert metrics.fr_div(own) == 0
    assert metrics.fr_div([[np.zeros((4, 2)), np.ones((4, 2))]]) == pytest.approx(1)
    assert metrics.fr_dvs([[np.zeros((4, 2))], [np.full((4, 2), 2.0)]]) == pytest.approx(4)
    assert metrics.fr_var(own) == pytest.approx(np.mean([x.var(0, ddof=1).mean() for x in real]))
    long = smooth(rng, 1, 300, 3)[0]
    assert metrics.fr_syn([[long[20:220]]], [long[28:228]]) == 8
    assert metrics.fr_syn([[np.zeros((100, 3))]], [real[0]]) == 0
    several = metrics.evaluate(
        real, real, np.stack([np.stack([x, x[::-1]]) for x in real]), convention="react"
    )
    assert several["frdiv"] > 0


@pytest.mark.parametrize("frames", [3, 40, 260])
def test_synchrony_of_react_equals_the_slow_way(rng, frames):
    lags = sorted(range(-49, 50), key=lambda lag: (abs(lag), lag))
    for _ in range(4):
        s, x = (smooth(rng, 1, frames, 3)[0] + rng.normal(size=3) * 10 for _ in range(2))
        x[:, 2] = 5.0  # a constant coefficient is left out
        score = [np.nan_to_num(metrics.lagged(s[:, :2], x[:, :2], lag).mean()) for lag in lags]
        assert metrics.fr_syn([[x]], [s]) == abs(lags[int(np.argmax(np.round(score, 12)))])


def test_concordance_counts_a_shift_and_a_scale_as_lin_does(rng):
    x = rng.standard_normal((400, 2))
    x = (x - x.mean(0)) / x.std(0)
    for shift in (0.5, -2.0):
        assert ccc(x, x + shift) == pytest.approx(2 / (2 + shift**2), rel=1e-6)
    for scale in (0.5, -3.0):
        assert ccc(x, scale * x) == pytest.approx(2 * scale / (1 + scale**2), rel=1e-6)
