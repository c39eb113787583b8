"""A network as a renderer: the portrait itself at rest, lids that close, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from elp.errors import ElpError
from elp.face.landmarks import LIDS
from elp.face.model import FaceModel
from elp.motion import Motion
from elp.render import Portrait, prepare
from elp.render.mesh2video import checkpoint
from elp.render.mesh2video.footage import Footage
from elp.render.mesh2video.network import Mesh2Video, NetworkConfig
from elp.render.mesh2video.renderer import NetworkRenderer

MODEL = FaceModel.default()
STILL = np.zeros(len(MODEL.expression)), np.zeros(6)


@pytest.fixture(scope="module")
def portrait(footage: Footage) -> Portrait:
    """A simulated person who looks at the camera, as `Portrait.load` would know them."""
    tensors = {name: x[0, 0].numpy() for name, x in footage.tensors.items()}
    points = np.zeros((478, 2), np.float32)
    points[:468] = tensors["at"][:, :2] - 0.5
    return Portrait(
        image=np.ascontiguousarray(tensors["photo"].transpose(1, 2, 0)),
        points=points,
        depth=tensors["at"][:, 2],
        matte=tensors["matte"][0].astype(np.float32) / 255,
        focal=float(tensors["focal"]),
        origin=tensors["pose"][3:],
        rotation=tensors["pose"][:3],
        beta=np.zeros(len(MODEL.expression), np.float32),
        model=MODEL,
    )


@pytest.fixture(scope="module", params=["flow", "fomm"])
def renderer(request: pytest.FixtureRequest, portrait: Portrait) -> NetworkRenderer:
    torch.manual_seed(1)
    net = Mesh2Video(NetworkConfig(motion=request.param, width=8, blocks=1, mixer=8)).eval()
    return NetworkRenderer(portrait, 64, net)


def test_at_rest_the_portrait_is_shown(renderer: NetworkRenderer, portrait: Portrait) -> None:
    error = renderer.frame(*STILL).astype(int) - portrait.image
    assert np.abs(error).max() <= 1


def test_frames_follow_the_motion_and_repeat_what_is_not_valid(renderer: NetworkRenderer) -> None:
    pose = np.zeros((3, 6), np.float32)
    pose[1:, 3] = [2, 4]
    beta, blink = np.zeros((3, len(MODEL.expression))), np.zeros(3)
    valid = np.array([True, True, False])
    motion = Motion(beta=beta, pose=pose, blink=blink, valid=valid)
    frames = list(renderer.frames(motion))
    assert [f.shape for f in frames] == [(64, 64, 3)] * 3 and frames[0].dtype == np.uint8
    assert np.array_equal(frames[1], frames[2]) and not np.array_equal(frames[0], frames[1])
    assert np.array_equal(frames[1], next(renderer.frames(motion[1:])))
    with pytest.raises(ElpError, match="7 expression coefficients"):
        renderer.frames(Motion(beta=np.zeros((3, 7)), pose=pose, blink=blink))


def test_a_blink_closes_the_lids_of_the_mesh(renderer: NetworkRenderer) -> None:
    def opening(share: float) -> float:
        view = renderer.view(MODEL.beta(blink_l=share, blink_r=share), np.zeros(6))
        eyes = view.mesh[0, 0, : int(view.at[0, 1, 1])]  # above the tip of the nose
        return float((eyes == 1).float().sum())

    assert opening(1) < 0.2 * opening(0)
    assert opening(1) < opening(0.5) < opening(0)


def test_closed_lids_meet_and_do_not_pass_each_other(renderer: NetworkRenderer) -> None:
    def apart(share: float) -> float:
        at = renderer.view(MODEL.beta(blink_l=share, blink_r=share), np.zeros(6)).at[0]
        rows = [at[list(LIDS[eye][row][1:-1]), :2] for eye in "rl" for row in ("upper", "lower")]
        return float((torch.cat(rows[::2]) - torch.cat(rows[1::2])).norm(dim=-1).mean())

    assert apart(1) < 0.05 * apart(0)
    assert apart(0.5) == pytest.approx(0.5 * apart(0), rel=0.1)


def test_designs_and_checkpoints_must_agree(portrait: Portrait, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, Mesh2Video(NetworkConfig(motion="fomm", width=8, blocks=1, mixer=8)))
    assert isinstance(prepare(portrait, 64, "fomm", path), NetworkRenderer)
    with pytest.raises(ElpError, match="a fomm network"):
        prepare(portrait, 64, "flow", path)
    with pytest.raises(ElpError, match="needs a checkpoint"):
        prepare(portrait, 64, "fomm")
    with pytest.raises(ElpError, match="learns nothing"):
        prepare(portrait, 64, "warp", path)
    with pytest.raises(ElpError, match="size 63"):
        prepare(portrait, 63, "fomm", path)
