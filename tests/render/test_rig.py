"""The mesh over the picture: its front to the camera, flat, and turned as the face is."""

from __future__ import annotations

import numpy as np
import pytest

from elp.render import rig
from elp.render.topology import BROW
from tests.render.test_golden import FOCAL, MODEL, SIDE, portrait


def area(mesh: rig.Rig) -> np.ndarray:
    """(F,) twice the signed area of each triangle at rest."""
    a, b, c = (mesh.rest[mesh.triangles[:, k]] for k in range(3))
    return (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]


def built(quarter: int, reverse: bool) -> rig.Rig:
    face, centre = portrait(0.0), SIDE / 2
    turn = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), quarter)
    points = (face.points[:468] - centre) @ turn.T + centre
    triangles = MODEL.triangles[:, ::-1] if reverse else MODEL.triangles
    return rig.build(points.astype(np.float32), face.depth, triangles, SIDE, FOCAL)


@pytest.mark.parametrize("quarter", range(4))
def test_triangles_turn_their_front_to_the_camera_however_the_face_lies(quarter: int) -> None:
    upright, turned = built(0, False), built(quarter, True)
    for mesh in (turned, built(quarter, False)):
        assert (area(mesh)[rig.UNDER :] > 0).mean() > 0.97
    assert len(turned.triangles) == len(upright.triangles)
    np.testing.assert_allclose(turned.weight, upright.weight, atol=1e-4)
    np.testing.assert_allclose(np.abs(area(turned)), np.abs(area(upright)), rtol=1e-2, atol=0.5)


def test_what_follows_the_head_fades_outwards() -> None:
    mesh = built(0, False)
    assert (mesh.weight[:468] == 1).all() and mesh.weight.min() == 0 and mesh.weight.max() == 1
    rings = mesh.weight[-len(rig.OVAL) * len(rig.RINGS) :].reshape(len(rig.RINGS), -1)
    assert rings[0].mean() > rings[4].mean() > 0.01 > rings[-1].mean()
    np.testing.assert_allclose(mesh.follow.sum(1), 1, atol=1e-4)  # a mean of what is seen
    corners = mesh.spread[:468] - np.eye(468)
    assert not corners.any()


def test_brows_lie_alike_on_both_sides_and_run_to_the_nose() -> None:
    right, left = (MODEL.mean[BROW[side]] for side in "rl")
    np.testing.assert_allclose(right * [-1, 1, 1], left, atol=1e-5)
    assert (np.diff(left[:, 0]) < 0).all() and left[-1, 0] > 0
