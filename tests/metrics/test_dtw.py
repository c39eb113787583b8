"""Dynamic time warping."""

from __future__ import annotations

import math

import numpy as np
import pytest

from elp import metrics


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_dtw_is_the_least_monotone_path(rng):
    x, y = rng.standard_normal((7, 2)), rng.standard_normal((5, 2))
    table = np.full((8, 6), np.inf)
    table[0, 0] = 0
    for i in range(7):
        for j in range(5):
            table[i + 1, j + 1] = ((x[i] - y[j]) ** 2).sum() + min(
                table[i, j], table[i, j + 1], table[i + 1, j]
            )
    assert metrics.dtw(x, y) == pytest.approx(math.sqrt(table[-1, -1]))
    assert metrics.dtw(x, np.repeat(x, 3, 0)) == pytest.approx(0, abs=1e-6)
