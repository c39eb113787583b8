"""FD per clip, paired and pooled."""

from __future__ import annotations

import numpy as np
import pytest

from elp import metrics
from tests.metrics.sets import smooth


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_frechet_of_shifted_and_scaled_gaussians_is_known(rng):
    x = rng.standard_normal((500, 3))
    assert metrics.frechet([x], [x + np.array([3, 0, 4])]) == pytest.approx(25, rel=1e-9)
    centred = x - x.mean(0)
    assert metrics.frechet([centred], [2 * centred]) == pytest.approx(
        np.trace(np.cov(x.T)), rel=1e-9
    )  # (2-1)² tr Σ


def test_pooled_frechet_forgives_swapped_clips_and_the_paired_one_does_not(rng):
    gt, speaker = smooth(rng, 2, 200, 4) + np.array([0, 5])[:, None, None], smooth(rng, 2, 200, 4)
    swapped = gt[::-1]
    assert metrics.frechet_pooled(gt, swapped) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet(gt, swapped) > 50
    # same frames, other coupling
    assert metrics.paired_frechet(speaker, gt, gt[:, ::-1]) > 10 * metrics.frechet(gt, gt[:, ::-1])


@pytest.mark.parametrize("width", [3, 60])
def test_frechet_of_many_clips_is_the_mean_of_each(rng, width):
    gt, pred, speaker = (
        [
            rng.standard_normal((n, width)).cumsum(0)
            for n in (1, 2, 9, 30, 59, 61, 80, 200, 700, 55, 1300)
        ]
        for _ in range(3)
    )
    for x in pred[2], pred[7]:
        x[4:7] = np.nan
    kept = [
        (s[ok], a[ok], b[ok])
        for s, a, b in zip(speaker, gt, pred, strict=True)
        if len(b) > 1
        for ok in [~np.isnan(b[:, 0])]
    ]
    each = [metrics.gaussian_distance(a, b) for _, a, b in kept]
    assert metrics.frechet(gt, pred) == pytest.approx(np.mean(each), rel=1e-9)
    each = [metrics.gaussian_distance(np.hstack([s, a]), np.hstack([s, b])) for s, a, b in kept]
    assert metrics.paired_frechet(speaker, gt, pred) == pytest.approx(np.mean(each), rel=1e-9)
    together = [np.concatenate(x) for x in (gt, [x[~np.isnan(x[:, 0])] for x in pred])]
    assert metrics.frechet_pooled(gt, pred) == pytest.approx(
        metrics.gaussian_distance(*together), rel=1e-9
    )
    assert np.isnan(metrics.frechet_pooled([np.zeros((1, width))], pred))
    assert np.isnan(metrics.frechet(gt[:1], pred[:1]))
