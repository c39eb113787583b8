"""A single frame's forms give what the batch's do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from elp.extraction.causal import newest_smoothed
from elp.extraction.energy import Energy
from elp.extraction.fit import TREMBLE, _energy
from elp.extraction.frame import FrameEnergy, turned_by
from elp.extraction.smoothness import smooth_pose
from elp.face import FaceModel
from elp.face.camera import project, rotation

DOUBLE = ("mean", "modes", "deviation", "normals", "weight")


@pytest.fixture(scope="module")
def energy() -> Energy:
    found = _energy(FaceModel.default(), torch.randn(1, 468, 3) * 60, 800.0)
    return replace(found, noise=2.0, **{name: getattr(found, name).double() for name in DOUBLE})


@pytest.mark.parametrize("turn", [0.0, 0.004, 0.4])
def test_normal_equations_of_one_frame(energy: Energy, turn: float) -> None:
    torch.manual_seed(0)
    x = 0.3 * torch.randn(1, 106, dtype=torch.float64)
    x[:, :3] *= turn
    x[:, 5] += 60
    seen = project(energy.shape(x), x[:, :6], 800.0, depth=True)
    seen += 3 * torch.randn(1, 468, 3, dtype=torch.float64)  # some are outliers
    frame, static = FrameEnergy(energy), energy.static(x)
    for _ in range(2):  # nothing of a frame is left for the next one
        h, g = frame.normal(seen[0].numpy(), static[0].numpy(), x[0].numpy())
    np.testing.assert_allclose(frame.static(x[0].numpy()), static[0], rtol=1e-12)
    for found, expected in zip((h, g), energy.normal(seen, static, x), strict=True):
        np.testing.assert_allclose(found, expected[0], atol=1e-10 * float(expected.abs().max()))


@pytest.mark.parametrize("r", [[0.3, -0.5, 0.2], [0.006, 0.004, -0.006], [1e-4, 0, 0], [0, 0, 0]])
def test_a_rotation_and_its_jacobian(r: list[float]) -> None:
    for found, expected in zip(
        turned_by(np.array(r)), rotation(torch.tensor(r, dtype=torch.float64)), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("frames", [4, 15])
def test_the_newest_pose_is_smoothed_as_all_are(frames: int) -> None:
    rng = np.random.default_rng(frames)
    pose = (np.cumsum(rng.normal(size=(frames, 6)), 0) * TREMBLE).astype(np.float32)
    pose[frames // 2 :] += 8 * TREMBLE  # a nod begins
    whole = smooth_pose(pose, np.ones(frames - 1, bool), TREMBLE, 3)
    np.testing.assert_allclose(newest_smoothed(pose, TREMBLE, 3), whole[-1], rtol=1e-6)
