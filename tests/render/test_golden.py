"""The warp's pictures and vertices for a face that needs no tracker, as they were when it was
judged by eye: a constant of lids, lashes, lips, rings or limits that changes unmeant is seen here.

After a change that is meant: python -m tests.render.test_golden
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from elp.face.model import FaceModel
from elp.motion import Motion
from elp.render import Portrait, WarpRenderer
from elp.render.eyes import outline
from elp.render.mouth import RIM
from elp.render.topology import IRIS

GOLDEN = Path(__file__).parents[1] / "golden" / "render.json"
SIDE, FOCAL = 256, 400.0  # pixels of the portrait
PLACE = np.array([0.5, -0.4, 38.0], np.float32)  # cm
MODEL = FaceModel.default()
# shares of named directions, then pose in degrees and cm, looks in degrees, sway in cm
SCENES: dict[str, tuple[dict[str, float], tuple[float, ...], tuple[float, float], float]] = {
    "rest": ({}, (0, 0, 0, 0, 0, 0), (0, 0), 0),
    "shut": ({"blink_l": 1, "blink_r": 1}, (4, 0, 0, 0, 0, 0), (0, 0), 0),
    "half": ({"blink_l": 0.4, "blink_r": 0.5}, (0, -6, 0, 0, 0, 0), (5, -3), 0),
    "wink": ({"blink_l": 0.9, "blink_r": 0.1}, (0, 0, 5, 0, 0, 0), (-6, 2), 0),
    "open": ({"jaw_open": 0.7, "smile_l": 0.6, "smile_r": 0.6}, (0, 8, 0, 0, 0, 0), (0, 0), 0),
    "ajar": ({"jaw_open": 0.15, "frown_l": 1, "frown_r": 1}, (-5, 0, 0, 0.5, 0.3, 1), (0, 0), 0.4),
    "far": ({"smile_l": 4, "smile_r": 4, "jaw_open": 3}, (25, 40, -30, 5, -3, 9), (30, 0), 0),
}


@cache
def portrait(lips: float) -> Portrait:
    """The mean face, a little aside, its lips parted by a share of an open jaw, painted simply."""
    beta = MODEL.beta(jaw_open=lips)
    turn = Rotation.from_rotvec([0.05, -0.12, 0.04])
    solid = turn.apply(MODEL.shape(np.zeros(len(MODEL.identity)), beta)[MODEL.landmarks])
    solid = solid + PLACE
    points = np.zeros((478, 2))
    points[:468] = FOCAL * solid[:, :2] / solid[:, 2:] + SIDE / 2 - 0.5
    for eye, (outer, inner) in {"r": (33, 133), "l": (263, 362)}.items():
        centre, width = (points[outer] + points[inner]) / 2, points[outer] - points[inner]
        radius = 0.2 * np.linalg.norm(width) * np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]])
        points[IRIS[eye] : IRIS[eye] + 5] = centre + radius
    rng = np.random.default_rng(0)
    image = 60 + cv2.resize(rng.uniform(0, 1, (9, 9, 3)) * [170, 130, 110], (SIDE, SIDE))
    for rim, colour in ((outline("r"), 235), (outline("l"), 235), (RIM, 40)):
        cv2.fillPoly(image, [points[rim].round().astype(int)], (colour, colour, colour))
    for eye in "rl":
        at = points[IRIS[eye]].round().astype(int).tolist()
        cv2.circle(image, at, round(float(radius[1, 0])), (90, 60, 30), -1)
    near = np.hypot(*(np.indices((SIDE, SIDE)) - [[[130]], [[128]]])[::-1] / [[[80]], [[100]]])
    return Portrait(
        image=image.astype(np.uint8),
        points=points.astype(np.float32),
        depth=solid[:, 2].astype(np.float32),
        matte=np.clip((1.1 - near) * 12, 0, 1).astype(np.float32),
        focal=FOCAL,
        origin=PLACE,
        rotation=turn.as_rotvec().astype(np.float32),
        beta=beta,
        model=MODEL,
    )


@cache
def renderer(lips: float) -> WarpRenderer:
    return WarpRenderer(portrait(lips), 128)


def found(lips: float, scene: str) -> dict[str, Any]:
    """Some vertices in 1/10 pixel, how far lids are shut and where the eyes look, and the
    picture, coarse, its eyes and mouth finer.
    """
    shares, pose, looks, sway = SCENES[scene]
    turned = np.array([*np.deg2rad(pose[:3]), *pose[3:]])
    whole = MODEL.beta(**shares), turned, np.deg2rad(looks), np.array([0, sway, 0])
    moved, depth, rigid, closure, gaze = renderer(lips).vertices(*whole)
    picture = renderer(lips).frame(*whole).astype(float).mean(2)
    return {
        "moved": (10 * moved[::23]).round().astype(int).ravel().tolist(),
        "rigid": (10 * rigid[::97]).round().astype(int).ravel().tolist(),
        "depth": (10 * depth[::97]).round().astype(int).tolist(),
        "gaze": [round(float(x), 2) for x in [*closure, *gaze]],
        "picture": grey(picture, 8),
        "eyes": grey(picture[36:56, 36:96], 2),
        "mouth": grey(picture[76:96, 48:84], 2),
    }


def grey(picture: np.ndarray, block: int) -> list[int]:
    """Means of blocks of that many pixels."""
    high, wide = (n // block for n in picture.shape)
    means = picture.reshape(high, block, wide, block).mean((1, 3))
    return means.round().astype(int).ravel().tolist()


LEAST = {"moved": 1, "rigid": 1, "depth": 1, "gaze": 0.02, "picture": 1, "eyes": 2, "mouth": 2}
CASES = [(0.0, scene) for scene in SCENES] + [(0.35, scene) for scene in ("open", "ajar")]


@pytest.mark.parametrize(("lips", "scene"), CASES)
def test_a_scene_is_the_golden_one(lips: float, scene: str) -> None:
    golden = json.loads(GOLDEN.read_text())[f"{scene} {lips}"]
    now = found(lips, scene)
    assert now.keys() == golden.keys()
    for name, least in LEAST.items():
        off = np.abs(np.subtract(now[name], golden[name]))
        assert off.max() <= least + 1e-9, (name, np.argmax(off))


def lids() -> list[float]:
    """How bright the eyes are while they blink, frame by frame."""
    rng = np.random.default_rng(1)
    motion = Motion(
        beta=0.3 * MODEL.deviation * rng.normal(size=(5, len(MODEL.deviation))),
        pose=np.zeros((5, 6)),
        blink=np.array([0, 1, 1, 1, 0]),
        valid=np.array([1, 1, 1, 1, 0], bool),
    )
    return [round(frame[40:70, 30:100].mean(), 2) for frame in renderer(0.0).frames(motion)]


def test_a_blink_is_the_golden_one() -> None:
    np.testing.assert_allclose(lids(), json.loads(GOLDEN.read_text())["lids"], atol=0.15)


if __name__ == "__main__":
    scenes = {f"{scene} {lips}": found(lips, scene) for lips, scene in CASES}
    lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in (scenes | {"lids": lids()}).items()]
    GOLDEN.write_text("{\n" + ",\n".join(lines).replace(", ", ",") + "\n}\n")
