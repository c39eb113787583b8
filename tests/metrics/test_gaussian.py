"""Gaussians: known distances, terms and barycentres, and the formula as it is usually coded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from elp import metrics


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_frechet_agrees_with_the_matrix_square_root(rng):
    x, y = (
        rng.standard_normal((80, 5)) @ rng.standard_normal((5, 5)),
        rng.standard_normal((60, 5)) + 1,
    )
    a, b = np.cov(x.T), np.cov(y.T)
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * linalg.sqrtm(a @ b).real)
    assert metrics.gaussian_distance(x, y) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), frames=st.integers(2, 40), width=st.integers(1, 12))
def test_frechet_is_a_distance_that_rotation_leaves_alone(seed, frames, width):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, frames, width))
    turn = linalg.qr(rng.standard_normal((width, width)))[0]
    d = metrics.gaussian_distance(x, y)
    assert metrics.gaussian_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert metrics.gaussian_distance(y, x) == pytest.approx(d, rel=1e-7, abs=1e-9)
    assert metrics.gaussian_distance(x @ turn, y @ turn) == pytest.approx(d, rel=1e-6, abs=1e-8)
    assert metrics.gaussian_distance(rng.permutation(x), y) == pytest.approx(d, rel=1e-7, abs=1e-9)


def test_frechet_terms_tell_place_from_manner(rng):
    x = rng.standard_normal((200, 3))
    fit = metrics.Gaussian.of
    assert metrics.gaussian_terms(fit(x), fit(x + np.array([1, 2, 2]))) == (
        pytest.approx(9),
        pytest.approx(0, abs=1e-9),
    )
    place, manner = metrics.gaussian_terms(fit(x), fit(2 * x - x.mean(0)))
    assert (place, manner) == (pytest.approx(0, abs=1e-12), pytest.approx(np.trace(np.cov(x.T))))
    assert sum(metrics.gaussian_terms(fit(x), fit(x[:50] + 1))) == metrics.gaussian_distance(
        x, x[:50] + 1
    )


def test_barycentre_is_the_nearest_gaussian_to_all(rng):
    fit = metrics.Gaussian.of
    one = [fit(s * rng.standard_normal((50, 1))) for s in (1, 3)]
    spread = [np.sqrt((g.root**2).sum()) for g in one]
    # in one dimension deviations average
    assert np.sqrt((metrics.barycentre(one).root ** 2).sum()) == pytest.approx(np.mean(spread))
    given = [fit(rng.standard_normal((30, 4)) @ rng.standard_normal((4, 4))) for _ in range(5)]
    centre = metrics.barycentre(given, steps=500, tolerance=1e-13)
    s = centre.root.T @ centre.root
    half = linalg.sqrtm(s).real
    fixed = np.mean([linalg.sqrtm(half @ g.root.T @ g.root @ half).real for g in given], 0)
    np.testing.assert_allclose(fixed, s, rtol=1e-4, atol=1e-5)  # the equation that defines it

    def far(root):
        moved = metrics.Gaussian(centre.mean, root)
        return np.mean([sum(metrics.gaussian_terms(moved, g)) for g in given])

    for _ in range(10):
        assert far(centre.root) < far(centre.root + 0.05 * rng.standard_normal((4, 4)))
    few = [fit(rng.standard_normal((3, 6))) for _ in range(4)]  # fewer frames than coefficients
    assert all(np.isfinite(metrics.barycentre(few).root).ravel())


def test_frechet_of_coefficients_that_do_not_move(rng):
    x = np.column_stack([rng.standard_normal(300), np.full(300, 7.0)])
    assert metrics.gaussian_distance(x, x) == pytest.approx(0, abs=1e-12)
    assert metrics.gaussian_distance(x, x + np.array([0, 2])) == pytest.approx(4)
