"""Portraits that lie, are covered, or too small: turned, or said to be wrong."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import pytest
from skimage import data

from elp.face.landmarks import EAR_L, EAR_R, LIDS
from elp.face.model import FaceModel
from elp.render import Portrait, WarpRenderer
from elp.render.doubts import doubts
from elp.render.picture import read
from elp.render.turned import turns


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a good portrait is not doubted
        return Portrait.load(data.astronaut())


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_who_lies_or_stands_on_the_head_is_turned(portrait: Portrait, quarter: int) -> None:
    lying = Portrait.load(np.rot90(data.astronaut(), quarter).copy())
    assert np.abs(lying.points - portrait.points).mean() < 0.01 * len(portrait.image)


def test_no_lid_is_painted_over_a_lens(portrait: Portrait) -> None:
    dark = portrait.image.copy()
    for eye in "rl":
        rim = np.concatenate([portrait.points[list(LIDS[eye][row])] for row in ("crease", "cheek")])
        cv2.fillConvexPoly(dark, cv2.convexHull(rim.astype(np.int32)), (16, 16, 18))
    with pytest.warns(UserWarning, match="eyes are covered"):
        covered = Portrait.load(dark)
    assert not covered.eyes
    renderer, model = WarpRenderer(covered, 128), FaceModel.default()
    shut = renderer.frame(model.beta(blink_l=1, blink_r=1), np.zeros(6))
    assert np.array_equal(shut, renderer.frame(model.beta(), np.zeros(6)))


def test_shut_eyes_open_mouths_and_few_pixels_are_said(portrait: Portrait) -> None:
    points = portrait.points.copy()
    assert list(doubts(points, 1.0, 300.0)) == [] and turns(points) == 0
    assert "50 pixels" in next(doubts(points, 1.0, 50.0))
    assert list(doubts(points, 1.0, 300.0, 20.0)) == []
    assert "34 degrees aside" in next(doubts(points, 1.0, 300.0, 34.4))
    narrow = points.copy()
    for _, p2, p3, _, p5, p6 in (EAR_R, EAR_L):
        narrow[[p2, p3]] = 0.7 * narrow[[p2, p3]] + 0.3 * narrow[[p6, p5]]
    assert "eyes are narrow" in next(doubts(narrow, 1.0, 300.0))
    for _, p2, p3, _, p5, p6 in (EAR_R, EAR_L):
        points[[p2, p3]] = points[[p6, p5]] - [0, 1]
    assert "eyes are shut" in next(doubts(points, 1.0, 300.0))
    points[14] = points[13] + [0, 60]
    assert "mouth is open" in list(doubts(points, 1.0, 300.0))[1]


def test_sixteen_bits_of_transparency_count(tmp_path) -> None:
    level = np.full((8, 8, 4), 20000, np.uint16)
    level[:4, :, 3], level[4:, :, 3] = 0, 65535
    cv2.imwrite(str(tmp_path / "a.png"), level)
    assert (read(tmp_path / "a.png")[0][:4] == 255).all()
