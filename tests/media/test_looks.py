"""Looks: the same face looks the same however it lies in the picture; two faces do not."""

from __future__ import annotations

import numpy as np
import pytest

from elp.media.looks import SAME, STRANGE, alike, looks
from elp.media.network import Crop

SIZE = (256, 256)
CROP = Crop(128, 128, 256)


@pytest.fixture
def points() -> np.ndarray:
    spread = np.random.default_rng(0).uniform(40, 216, (478, 2))
    return np.column_stack([spread, np.zeros(478)]).astype(np.float32)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (256, 256, 3)).astype(np.uint8)


def test_rows_and_columns_are_treated_alike(points: np.ndarray) -> None:
    seen = noise(1)
    turned = looks(seen.transpose(1, 0, 2).copy(), points[:, [1, 0, 2]], CROP, SIZE)
    np.testing.assert_allclose(turned, looks(seen, points, CROP, SIZE), atol=1e-5)


def test_looks_are_the_colours_where_the_points_lie(points: np.ndarray) -> None:
    seen = np.zeros((256, 256, 3), np.uint8)
    seen[:, :128], seen[:, 128:] = (200, 100, 50), (60, 60, 60)
    found = looks(seen, points, CROP, SIZE)
    clear = np.abs(points[:468, 0] - 128) > 20
    left = points[:468, 0] < 128
    brown, grey = found[clear & left], found[clear & ~left]
    np.testing.assert_allclose(np.exp(brown[:, :3]) - 10, [[200, 100, 50]] * len(brown), atol=0.5)
    np.testing.assert_allclose(np.exp(grey[:, :3]) - 10, [[60, 60, 60]] * len(grey), atol=0.5)
    assert (brown[:, 3] > 0.15).all() and (brown[:, 4] < 0).all()  # more red, less green
    np.testing.assert_allclose(grey[:, 3:], grey[0, 3], atol=1e-6)  # of a grey all shares are one


def test_what_the_picture_cuts_is_not_known(points: np.ndarray) -> None:
    points[:5, 0], points[5:9, 1] = [-3, 0, 2, 255, 300], [-3, 2, 255, 300]
    found = looks(noise(1), points, CROP, SIZE)
    assert np.isnan(found[:9]).all() and np.isfinite(found[9:]).all()


def test_one_picture_is_alike_and_another_is_not(points: np.ndarray) -> None:
    one, other = (looks(noise(seed), points, CROP, SIZE) for seed in (1, 2))
    assert alike(one, [one]) == pytest.approx(1, abs=1e-5)
    assert alike(one, [other]) < STRANGE < SAME < alike(one, [other, one])
    brighter = one.copy()
    brighter[:, :3] += 0.3  # another light, the same texture
    assert alike(brighter, [one]) > 0.95
    partly = one.copy()
    partly[300:] = np.nan  # only what both show is compared
    assert alike(partly, [one]) == pytest.approx(1, abs=1e-5)
    assert alike(one, [partly]) == pytest.approx(1, abs=1e-5)
    hidden = one.copy()
    hidden[200:] = np.nan  # less than half is shown
    assert alike(hidden, [one]) == 0
