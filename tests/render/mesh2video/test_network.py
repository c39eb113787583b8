"""The networks: nothing moves where nothing moves, and flows follow the mesh."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from elp.errors import ElpError
from elp.face.landmarks import OVAL
from elp.model import checkpoint as tensors_file
from elp.render.mesh2video import checkpoint
from elp.render.mesh2video.footage import Pair, View
from elp.render.mesh2video.layers import fill, warp
from elp.render.mesh2video.motion import Anchors, KeypointFlow, MeshFlow, inverse, rings
from elp.render.mesh2video.network import Mesh2Video, NetworkConfig


def network(motion: str) -> Mesh2Video:
    torch.manual_seed(0)
    return Mesh2Video(NetworkConfig(motion=motion, width=8, blocks=1, mixer=8)).eval()


@pytest.fixture(scope="module", params=["flow", "fomm"])
def net(request: pytest.FixtureRequest) -> Mesh2Video:
    return network(request.param)


def moved(view: View, x: float, y: float) -> View:
    """The whole picture, shifted by whole pixels."""
    shift = torch.tensor([x, y])
    rolls = {"shifts": (int(y), int(x)), "dims": (-2, -1)}
    at = torch.cat([view.at[..., :2] + shift, view.at[..., 2:]], -1)
    return replace(view, at=at, mesh=view.mesh.roll(**rolls), seen=view.seen.roll(**rolls))


@torch.no_grad()
def test_nothing_is_moved_where_nothing_moves(net: Mesh2Video, pair: Pair) -> None:
    drawn = net(pair.source, pair.source.view)
    assert drawn.flow.abs().max() < 1e-5
    torch.testing.assert_close(drawn.warped, pair.source.photo, rtol=0, atol=1e-3)


@torch.no_grad()
def test_a_picture_is_made_of_wall_portrait_and_paint(net: Mesh2Video, pair: Pair) -> None:
    drawn = net(pair.source, pair.driving)
    assert drawn.image.shape == pair.truth.shape
    assert drawn.image.min() >= 0 and drawn.image.max() <= 1
    torch.testing.assert_close(drawn.gates.sum(1), torch.ones(2, 64, 64))
    assert drawn.occlusion.min() >= 0 and drawn.occlusion.max() <= 1
    known = net.portray(pair.source)  # once a portrait, or once a frame: the same
    assert torch.equal(net(pair.source, pair.driving, known).image, drawn.image)


def test_mesh_flow_follows_a_shift(pair: Pair) -> None:
    view = pair.source.view
    candidates = MeshFlow()(view, moved(view, 4, -3))
    mesh, mask = candidates.flows[:, 3], candidates.extra[:, 2:3]
    back = torch.tensor([-4.0, 3.0]) * 2 / 64  # to where it was, in halves of the side
    inside = (mask > 0.99).expand(-1, 2, -1, -1)
    wanted = back.view(1, 2, 1, 1).expand_as(mesh)
    assert inside.any()
    torch.testing.assert_close(mesh[inside], wanted[inside], rtol=0, atol=1e-4)


def test_keypoints_lie_within_the_picture(pair: Pair) -> None:
    places, slopes = KeypointFlow(8).detector(pair.driving.mesh)
    assert places.shape == (2, 32, 2) and slopes.shape == (2, 32, 2, 2)
    assert places.abs().max() <= 1


def test_anchors_move_and_turn_with_the_mesh(pair: Pair) -> None:
    anchors, at = Anchors(), pair.source.view.at
    places, slopes = anchors(at, 64)
    shift = torch.tensor([6.4, 0, 0])
    torch.testing.assert_close(anchors(at + shift, 64)[0], places + torch.tensor([0.2, 0]))
    _, larger = anchors(at * torch.tensor([2.0, 2, 1]), 64)
    torch.testing.assert_close(larger, 2 * slopes, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(inverse(larger) @ larger, torch.eye(2).expand_as(larger))


def test_an_inverse_of_nearly_nothing_shrinks_and_turns_nothing_over() -> None:
    for sign in (1.0, -1.0):
        flat = torch.tensor([[0.1, 0.02], [0.0, 0.2 * sign]])
        torch.testing.assert_close(inverse(flat) @ flat, 0.4 * torch.eye(2))  # 0.02 of 0.05
    assert torch.equal(inverse(torch.zeros(2, 2)), torch.zeros(2, 2))


def test_rings_shift_turn_and_grow_with_the_face(pair: Pair) -> None:
    at, outline = pair.source.view.at, torch.tensor(OVAL)
    points, hold = rings(at, outline)
    assert hold.min() >= 0 and hold.max() > 0.9 > 0.1 > hold.min()

    def quarter(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([-x[..., 1], x[..., 0], x[..., 2]], -1)

    for change in (
        quarter,
        lambda x: x + torch.tensor([6.0, -3, 0]),
        lambda x: x * torch.tensor([2.0, 2, 1]),
    ):
        now, held = rings(change(at), outline)
        torch.testing.assert_close(now, change(points), rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(held, hold, rtol=0, atol=1e-3)


def test_what_is_unknown_is_filled_from_around() -> None:
    image = torch.zeros(1, 3, 16, 16)
    image[..., :, :8] = 1.0
    known = torch.ones(1, 1, 16, 16)
    known[..., 4:12, 2:6] = 0  # a hole in the bright half
    broken = torch.where(known > 0, image, 0.3)
    filled = fill(broken, known)
    assert (filled[..., 4:12, 2:6] > 0.6).all()
    assert torch.equal(filled * known, image * known)


def test_a_zero_flow_changes_nothing() -> None:
    image = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(warp(image, torch.zeros(1, 2, 8, 8)), image, rtol=0, atol=1e-5)


@torch.no_grad()
def test_a_checkpoint_holds_the_network(net: Mesh2Video, pair: Pair, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, net, {"steps": 3}, half=False)
    read, card = checkpoint.load(path)
    assert card == {"steps": 3} and read.config == net.config
    drawn = [x(pair.source, pair.driving).image for x in (net, read)]
    assert torch.equal(*drawn)
    checkpoint.save(path, net)
    half, _ = checkpoint.load(path)
    torch.testing.assert_close(half(pair.source, pair.driving).image, drawn[0], rtol=0, atol=0.02)


def test_what_is_no_renderer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    net = network("flow")
    with pytest.raises(ElpError, match="no such checkpoint"):
        checkpoint.load(path)
    tensors_file.write(path, {"x": torch.zeros(1)}, {"config": {}})
    with pytest.raises(ElpError, match="not a renderer: train one"):
        checkpoint.load(path)
    for options in ({"width": 2**20}, {"width": 16}, {"what": 1}, [3]):
        tensors_file.write(path, dict(net.state_dict()), {"renderer": options})
        with pytest.raises(ElpError, match="not a renderer of this version"):
            checkpoint.load(path)
    for wrong in (torch.nan, 6e4):
        net.last.bias.data[0] = wrong
        checkpoint.save(path, net)
        with pytest.raises(ElpError, match="NaN"):
            checkpoint.load(path)
