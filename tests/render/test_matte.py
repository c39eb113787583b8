"""The person cut from a picture, on pictures of a few shapes: what belongs to whom, sharp where the
picture is, and a wall that shows nothing of who stands before it.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from elp.media import track
from elp.render.matte import extend, guided, inpaint_background, matte

SIDE = 64


def test_what_the_edge_cuts_off_is_wall_and_what_is_enclosed_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A person who fills the picture but for a window at each edge, and one within."""
    person = np.ones((SIDE, SIDE), np.float32)
    windows = [np.s_[:14, 26:40], np.s_[-14:, 26:40], np.s_[26:40, :14], np.s_[26:40, -14:]]
    inside = np.s_[44:56, 44:56]
    for window in (*windows, inside):
        person[window] = 0
    image = np.repeat((200 * person[..., None]).astype(np.uint8), 3, 2)
    monkeypatch.setattr(track, "vision", lambda: SimpleNamespace(person=lambda _: person))
    found = matte(image, np.array([[20, 20], [42, 20], [42, 42], [20, 42]], np.float32))
    assert all(found[window][4:-4, 4:-4].max() < 0.1 for window in windows)
    assert found[inside].min() > 0.9 and found[20:42, 20:42].min() > 0.9


def test_a_mask_is_as_sharp_as_the_picture_and_as_soft_as_its_radius() -> None:
    rng = np.random.default_rng(0)
    shape = (rng.uniform(size=(8, 8)) < 0.5).repeat(8, 0).repeat(8, 1).astype(np.float32)
    image = np.repeat((255 * shape[..., None]).astype(np.uint8), 3, 2)
    np.testing.assert_allclose(guided(shape, image, 3), shape, atol=0.05)  # edges stay
    spot = np.zeros((SIDE, SIDE), np.float32)
    spot[32, 32] = 1
    soft = guided(spot, np.full((SIDE, SIDE, 3), 90, np.uint8), 3)  # a mean of means of 7 x 7
    assert (soft > 1e-6).sum() == 13**2 and soft.sum() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_who_hides_the_wall_hardly_shines_into_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hidden = (rng.uniform(size=(16, 16)) < 0.4).repeat(4, 0).repeat(4, 1).astype(np.float32)
    wall = rng.choice([60.0, 160.0], (16, 16, 3)).repeat(4, 0).repeat(4, 1).astype(np.float32)
    dark, bright, plain = (
        inpaint_background(np.where(hidden[..., None] > 0, x, wall).astype(np.float32), hidden)
        for x in (0, 255, 110)
    )
    shines = np.abs(bright - dark)  # a tenth at most, where the wall is four pixels narrow
    assert shines.max() < 25 and shines.mean() < 0.2
    assert plain.min() > 59.9 and plain.max() < 160.1  # continued, not invented


def test_the_wall_is_mirrored_at_the_edge_of_what_hides_it() -> None:
    stripes = 100 + 50 * np.cos(2 * np.pi * np.arange(SIDE) / 8)  # mirrored about 32, themselves
    for axis in (0, 1):
        wall = np.repeat(np.broadcast_to(stripes, (SIDE, SIDE))[..., None], 3, 2)
        wall = np.swapaxes(wall, 0, axis ^ 1).astype(np.float32)
        hidden = np.zeros((SIDE, SIDE), np.float32)
        hidden[(slice(None),) * axis + (slice(33, 37),)] = 1
        filled = inpaint_background(np.where(hidden[..., None] > 0, 0, wall), hidden)
        near = filled[(slice(None),) * axis + (33,)]
        assert np.abs(near - stripes[33]).mean() < 12  # not the stripes' mean, 35 grey levels off


def test_hair_that_the_edge_cuts_gets_a_round_top() -> None:
    pad, left, right = 12, 8, 32
    person = np.zeros((SIDE, SIDE), np.float32)
    person[:, left:right] = 1
    picture = np.full((SIDE, SIDE, 3), 50, np.float32)
    cover = extend(picture, picture, person, pad)[2][:pad, :, 0]
    high = (cover > 0.5).sum(0)  # pixels above the edge, by column
    within = high[pad + left : pad + right]
    assert high.sum() == within.sum() and (within == within[::-1]).all()
    assert within.max() == within[len(within) // 2] == round(0.3 * (right - left))
    assert (np.diff(within[: len(within) // 2]) >= 0).all() and within[0] < within.max() - 2
