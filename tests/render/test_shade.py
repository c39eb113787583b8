"""Light on a face that moves."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from elp.render import Portrait, WarpRenderer
from elp.render.shade import MOST, normals


@pytest.fixture(scope="module")
def lit() -> WarpRenderer:
    return WarpRenderer(Portrait.load(data.astronaut()), 128)


@pytest.fixture(scope="module")
def unlit(lit: WarpRenderer) -> WarpRenderer:
    return WarpRenderer(lit.portrait, 128, shade=False)


def test_at_rest_light_changes_nothing(lit: WarpRenderer, unlit: WarpRenderer) -> None:
    rest = np.zeros(len(lit.portrait.beta)), np.zeros(6)
    assert np.array_equal(lit.frame(*rest), unlit.frame(*rest))


def test_normals_have_length_one_and_look_at_the_camera(lit: WarpRenderer) -> None:
    shade = lit._shade
    assert shade is not None
    normal = normals(lit._solid[:468], shade.triangles, shade.corners)
    assert np.allclose(np.linalg.norm(normal, axis=1), 1)
    assert normal[1, 2] < -0.5 and normal[454, 0] * normal[234, 0] < 0  # the nose; the two cheeks


def test_a_smile_folds_the_cheek_and_nothing_else(lit: WarpRenderer, unlit: WarpRenderer) -> None:
    beta, pose = lit.portrait.model.beta(smile_l=0.8, smile_r=0.8), np.zeros(6)
    with_light, without = (r.frame(beta, pose).astype(float).mean(2) for r in (lit, unlit))
    at = lit.vertices(beta, pose)[0] / 2
    x, y = at[[206, 426]].round().astype(int).T
    assert (with_light[y, x] < 0.96 * without[y, x]).all()
    outside = np.ones_like(with_light, bool)
    low, high = at[:468].min(0).astype(int), at[:468].max(0).astype(int) + 1
    outside[low[1] : high[1], low[0] : high[0]] = False
    assert np.array_equal(with_light[outside], without[outside])


@pytest.mark.parametrize("angle", [-0.5, 0.5])
def test_light_on_a_turned_head_changes_softly(
    lit: WarpRenderer, unlit: WarpRenderer, angle: float
) -> None:
    turned = np.zeros(len(lit.portrait.beta)), np.array([0, angle, 0, 0, 0, 0])
    ratio = (lit.frame(*turned) + 8.0) / (unlit.frame(*turned) + 8.0)
    assert ratio.min() > np.exp(-1.3 * MOST) - 0.05 and ratio.max() < np.exp(1.3 * MOST) + 0.05
    assert np.abs(ratio - 1).max() > 0.01
