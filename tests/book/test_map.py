"""The map of clips: what the page will draw is what was given."""

from __future__ import annotations

import base64

import numpy as np

from elp.book.widgets import map as clip_map
from elp.face import FaceModel

FACE = FaceModel.default()


def numbers(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def test_positions_keep_their_arrangement():
    xy = np.random.default_rng(0).normal(size=(40, 2))
    levels = clip_map._levels(xy).astype(float)
    assert np.corrcoef(xy[:, 0], levels[:, 0])[0, 1] > 0.999
    assert np.corrcoef(xy[:, 1], levels[:, 1])[0, 1] < -0.999  # upwards in the picture


def test_colours_name_every_clip():
    found = clip_map._coloring(["positive", "negative", "positive"])
    assert found["names"] == ["negative", "positive"]
    assert numbers(found["of"], np.uint8).tolist() == [1, 0, 1]


def test_faces_are_those_of_the_motion():
    rng = np.random.default_rng(0)
    shares = rng.uniform(0, 1, (5, 11, 2))
    axes = np.stack([FACE.beta(smile_l=1, smile_r=1), FACE.beta(jaw_open=0.5)])
    beta = (shares @ axes).astype(np.float32)
    packed = clip_map._faces(beta, FACE)
    K, P, T = packed["components"], packed["count"], packed["frames"]
    points = packed["step"] * numbers(packed["points"], "<i2").reshape(K + 1, P, 2)
    weights = numbers(packed["weights"], np.int8).reshape(5, T, K)
    drawn = points[0] + np.tensordot(weights[3, 1].astype(float), points[1:], 1)
    true = FACE.shape(beta=beta[3, clip_map.EVERY])[:, :2]
    assert np.abs(drawn - true).max() < 0.05  # cm


def test_a_still_shows_every_clip_in_every_layout():
    places = {"one": np.array([[1, 2], [3, 4]], np.uint8), "two": np.zeros((2, 2), np.uint8)}
    page = clip_map._still(places, clip_map._coloring(["neutral", "positive"]))
    assert page.count("<svg") == 2
    assert page.count("h0") == 4
