"""Time scales: processes whose memory is known."""

from __future__ import annotations

import numpy as np
import pytest

from elp.metrics.events import (
    autocorrelation,
    autocorrelation_terms,
    autocorrelation_time,
    slow_share,
    slow_terms,
)
from elp.simulator.processes import drift

TIME = np.arange(3000) / 25


@pytest.mark.parametrize("tau", [0.3, 1.0, 2.0])
def test_a_drift_s_own_time_is_found(tau: float) -> None:
    x = drift(np.random.default_rng(0), 200_000, tau, 1.0)[:, 0]
    totals = autocorrelation_terms([x]).sum(0)
    assert autocorrelation_time(totals) == pytest.approx(tau, rel=0.08)
    assert autocorrelation(totals)[:3] == pytest.approx(np.exp(-np.arange(3) / 25 / tau), abs=0.01)


def test_a_sine_s_autocorrelation_is_a_cosine_also_with_gaps() -> None:
    x = np.sin(2 * np.pi * TIME / 8)
    gap = x.copy()
    gap[::7] = np.nan
    for clip in (x, gap):
        curve = autocorrelation(autocorrelation_terms([clip]).sum(0))
        assert curve[:200] == pytest.approx(np.cos(2 * np.pi * TIME[:200] / 8), abs=0.02)


def test_what_never_falls_has_no_time() -> None:
    assert np.isnan(autocorrelation_time(autocorrelation_terms([TIME[:50]], seconds=0.2).sum(0)))
    assert np.isnan(autocorrelation_time(autocorrelation_terms([np.ones(50)]).sum(0)))


def test_slow_and_fast_variance_are_told_apart() -> None:
    """Sines of 0.05 and 0.5 Hz: amplitudes 1 and 2 have variances 1 and 4 to one another."""
    x = np.sin(2 * np.pi * 0.05 * TIME) + 2 * np.sin(2 * np.pi * 0.5 * TIME) + 7
    totals = slow_terms([x, x[:1000]]).sum(0)  # the second is too short
    assert slow_share(totals) == pytest.approx(1 / 5, rel=1e-6)
    assert np.isnan(slow_share(slow_terms([x[:1000]]).sum(0)))
