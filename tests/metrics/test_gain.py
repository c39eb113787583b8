"""Gain: the share that comes back."""

from __future__ import annotations

import numpy as np
import pytest

from elp import metrics
from tests.metrics.sets import smooth


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("share", [-0.5, 0.0, 0.3])
def test_gain_is_the_share_that_comes_back_whatever_else_moves(share, rng):
    speaker = smooth(rng, 40, 500, 1)
    heard = np.stack(
        [[x[max(t - 25, 0) : t].mean() if t else 0.0 for t in range(len(x))] for x in speaker]
    )[..., None]
    exact = share * heard + 7
    # its first second is not known
    assert metrics.gain(speaker[:, 25:], exact[:, 25:]) == pytest.approx(share, abs=0.1)
    assert metrics.gain(speaker, exact) == pytest.approx(share, abs=1e-2)
    own = 3 * smooth(rng, 40, 500, 1)
    assert metrics.gain(speaker, exact + own) == pytest.approx(share, abs=0.25)
    correlation = metrics.pcc(heard, exact + own)
    assert abs(correlation) < 0.3 * abs(share) + 0.05
    assert metrics.gain(np.ones_like(speaker), exact) == 0.0


def test_gain_passes_over_holes(rng):
    speaker = [smooth(rng, 1, 400, 2)[0] for _ in range(3)]
    listener = [0.4 * np.roll(x, 10, 0) for x in speaker]
    valid = [np.ones(400, bool) for _ in speaker]
    valid[1][100:180] = False
    spoiled = [x.copy() for x in listener]
    spoiled[1][100:180] = 1e6
    clean, masked = (
        metrics.gain_terms(speaker, listener),
        metrics.gain_terms(speaker, spoiled, valid=valid),
    )
    np.testing.assert_array_equal(clean[[0, 2]], masked[[0, 2]])
    assert np.abs(masked).max() < 1e4
    half = metrics.gain_terms(speaker, [0.5 * x for x in spoiled], valid=valid)
    np.testing.assert_allclose(half[:, 0], masked[:, 0] / 2)
