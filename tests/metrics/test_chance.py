"""The level of chance."""

from __future__ import annotations

import numpy as np
import pytest

from elp import metrics
from tests.metrics.sets import smooth


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_chance_level_separates_a_coupled_pair_from_strangers(rng):
    speaker = smooth(rng, 12, 300, 2)
    listener = [
        0.7 * np.roll(s, 10, 0) + 0.7 * other
        for s, other in zip(speaker, smooth(rng, 12, 300, 2), strict=True)
    ]

    def measure(a, b):
        return metrics.wtlcc(a, b).peak

    strangers = metrics.chance(measure, speaker, listener, rng=rng, rounds=10)
    assert measure(speaker, listener) > strangers.max() + 0.2
    assert len(strangers) == 10
