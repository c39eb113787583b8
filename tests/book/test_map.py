"""The map of clips: what the page will draw is what was given."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np

from elp.book import atlas
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
    packed = clip_map._faces(clip_map.moves(beta, FACE), FACE)
    K, P, T = packed["components"], packed["count"], packed["frames"]
    points = numbers(packed["points"], "<i2").reshape(K + 1, P, 2).astype(float)
    still, moved = packed["steps"]
    weights = zlib.decompress(base64.b64decode(packed["weights"]))
    weights = np.frombuffer(weights, np.int8).reshape(K, 5, T)
    drawn = still * points[0] + moved * np.tensordot(weights[:, 3, 1].astype(float), points[1:], 1)
    true = FACE.shape(beta=beta[3, clip_map.EVERY])[:, :2]
    assert np.abs(drawn - true).max() < 0.05  # cm


def test_a_still_shows_every_clip_in_every_layout():
    places = {"one": np.array([[10, 20], [200, 99]], np.uint8), "two": np.full((1, 2), 255)}
    coloring = clip_map._coloring(["neutral", "positive"])
    page = clip_map._still(places, coloring)
    assert page.count("<img") == 2
    of = numbers(coloring["of"], np.uint8)
    seen = [clip_map._dots(xy, of[: len(xy)], coloring["colors"]) for xy in places.values()]
    shown = [{tuple(x) for x in panel.reshape(-1, 4).tolist() if x[3]} for panel in seen]
    assert [len(colors) for colors in shown] == [2, 1], "the second layout has the first clip only"


def test_an_atlas_comes_back_from_its_record():
    rng = np.random.default_rng(0)
    words = rng.choice(["negative", "positive"], 30).tolist()
    labels = atlas._labels(words, sorted(rng.choice(["1/0", "1/1"], 30)), ["test"] * 30)
    beta = rng.normal(0, 0.1, (30, 10, len(FACE.beta()))).astype(np.float32)
    layouts = {"V": rng.integers(0, 256, (30, 2)).astype(np.uint8)}
    made = atlas.Atlas(layouts, labels, clip_map.moves(beta, FACE))
    back = atlas.read(json.loads(json.dumps(atlas.record(made))))
    assert back.labels == labels
    assert sorted(labels["random label"]) == sorted(words) and labels["random label"] != words
    np.testing.assert_array_equal(back.layouts["V"], layouts["V"])
    for mine, theirs in zip(made.shown, back.shown, strict=True):
        np.testing.assert_array_equal(mine, theirs)
