"""WTLCC: known lags, the slow way, holes, strangers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from elp import metrics
from tests.metrics.sets import smooth


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@settings(max_examples=15, deadline=None)
@given(lag=st.integers(-40, 40), seed=st.integers(0, 1000))
def test_a_known_lag_is_recovered(lag, seed):
    rng = np.random.default_rng(seed)
    long = smooth(rng, 2, 500, 3)
    speaker, listener = long[:, 50:450], long[:, 50 - lag : 450 - lag]
    found = metrics.wtlcc(speaker, listener)
    assert found.lag == lag
    assert found.peak == pytest.approx(1, abs=1e-6)


def test_windowed_correlation_equals_the_slow_way(rng):
    x, y = smooth(rng, 1, 170, 2)[0], smooth(rng, 1, 170, 2)[0] + 100
    found = metrics.wtlcc([x], [y], window=60, max_lag=20, stride=30)
    halves = metrics.wtlcc([x], [y], window=60, max_lag=20)  # windows overlap by half
    assert np.array_equal(halves.curve, found.curve) and halves.windows == found.windows == 4
    for lag in (-20, -3, 0, 11, 20):
        slow = []
        for start in range(0, 170 - 60 + 1, 30):
            a, b = start + lag, start + lag + 60
            if a >= 0 and b <= 170:
                slow.append(
                    np.mean(
                        [stats.pearsonr(x[start : start + 60, d], y[a:b, d])[0] for d in range(2)]
                    )
                )
        assert found.at(lag) == pytest.approx(np.mean(slow), abs=1e-9)


def test_windowed_correlation_passes_over_holes_and_stillness(rng):
    x, y = smooth(rng, 2, 170, 2)
    x[40:110, 0], y[:, 1] = 7.0, 3.0  # still for a window, still throughout
    y[140] = np.nan
    found = metrics.wtlcc([x], [y], window=30, max_lag=45, stride=25)
    starts = [s for s in range(0, 141, 25) if not s <= 140 < s + 30]
    assert found.windows == len(starts)
    for lag in (-45, -8, 0, 31):
        reach = [s for s in starts if 0 <= s + lag <= 140 and not s + lag <= 140 < s + lag + 30]
        slow = [
            0
            if np.ptp(x[s : s + 30, 0]) == 0
            else stats.pearsonr(x[s : s + 30, 0], y[s + lag : s + lag + 30, 0])[0] / 2
            for s in reach
        ]
        assert found.at(lag) == pytest.approx(np.mean(slow), abs=1e-9)


def test_single_window_peaks_are_high_even_between_strangers(rng):
    found = metrics.wtlcc(smooth(rng, 20, 400, 1), smooth(rng, 20, 400, 1))
    assert abs(found.peak) < 0.15
    assert found.window_peak > 0.3


def test_the_shortest_windows_overlap_too(rng):
    x, y = smooth(rng, 2, 40, 1)
    assert metrics.wtlcc([x], [y], window=3, max_lag=2).windows == 38
