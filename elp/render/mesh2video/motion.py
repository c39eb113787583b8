"""Candidates of motion: keypoints as in the paper, or the mesh itself (chapter "The renderer").

A candidate is a flow: for each pixel of the new picture, how far away its place in the portrait
is. All are zero where nothing moves.
"""

# B pair, M candidate, K keypoint, V vertex, s side of the flows in pixels, S of the pictures
from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from elp.face.camera import rotation
from elp.face.landmarks import OVAL
from elp.face.model import FaceModel
from elp.render.mesh2video import raster
from elp.render.mesh2video.footage import View
from elp.render.mesh2video.layers import Hourglass, grid, resize

FLOW = 64  # side of keypoint flows
FINE = 128  # side of mesh flows
COARSE = 32  # side at which the flow around the face is computed: it is smooth
# 32 mesh points: lips, lids, brows, nose, cheeks, outline
ANCHORS = (
    61, 291, 0, 17, 13, 14, 39, 269, 181, 405, 33, 133, 159, 145, 263, 362, 386, 374, 70, 105, 107,
    336, 334, 300, 1, 168, 205, 425, 152, 10, 234, 454,
)  # fmt: skip
RINGS = (1.0, 1.12, 1.28, 1.5, 1.8, 2.2, 2.8)  # around the face's outline, in its radii


class Candidates(NamedTuple):
    """What the mixer chooses from.

    Attributes:
        flows: (B, M, 2, s, s), x and y in halves of the picture's side.
        extra: (B, E, s', s'), more for it to see.
        keypoints: of source and driving, if there are any: places (2 B, K, 2) in [-1, 1] and
            Jacobians (2 B, K, 2, 2).
    """

    flows: Tensor
    extra: Tensor
    keypoints: tuple[Tensor, Tensor] | None = None


class Keypoints(nn.Module):
    """K places and their Jacobians from heatmaps of a mesh picture (Siarohin et al., Eq 4)."""

    def __init__(self, width: int, size: int = 128, temperature: float = 0.1) -> None:
        super().__init__()
        k = len(ANCHORS)
        self.size, self.temperature = size, temperature
        self.net = Hourglass(1, width, 5)
        self.heat = nn.Conv2d(self.net.channels, k, 3, padding=1)
        self.slope = nn.Conv2d(self.net.channels, 4 * k, 3, padding=1)
        nn.init.zeros_(self.slope.weight)
        with torch.no_grad():
            self.slope.bias.copy_(torch.tensor([1.0, 0, 0, 1] * k))  # type: ignore[union-attr]

    def forward(self, mesh: Tensor) -> tuple[Tensor, Tensor]:
        x = self.net(resize(mesh, self.size))
        heat = (self.heat(x).float() / self.temperature).flatten(2).softmax(-1)  # (B, K, s s)
        place = grid(self.size, mesh.device).flatten(1)  # (2, s s)
        # sums, not products of matrices, which autocast would round to bfloat16
        at = (heat[:, :, None] * place).sum(-1)
        slopes = self.slope(x).float().unflatten(1, (-1, 4)).flatten(3)
        return at, (heat[:, :, None] * slopes).sum(-1).unflatten(-1, (2, 2))


class KeypointFlow(nn.Module):
    """The paper's design: K keypoints, found in mesh pictures alone.

    z -> p_s + J_s J_d^-1 (z - p_d) around each (First Order Motion Model, Eq 5).
    """

    candidates = len(ANCHORS) + 1
    extra = len(ANCHORS) + 1

    def __init__(self, width: int) -> None:
        super().__init__()
        self.detector = Keypoints(width)

    def forward(self, source: View, driving: View) -> Candidates:
        b = len(source.mesh)
        places, slopes = self.detector(torch.cat([source.mesh, driving.mesh]))
        z = grid(FLOW, places.device).permute(1, 2, 0)
        ps, pd = places[:b, :, None, None], places[b:, :, None, None]  # (B, K, 1, 1, 2)
        turn = (slopes[:b, :, :, :, None] * inverse(slopes[b:])[:, :, None]).sum(-2)
        off = z - pd
        moved = (turn[:, :, None, None] * off[..., None, :]).sum(-1) + ps - z
        flows = torch.cat([torch.zeros_like(moved[:, :1]), moved], 1).permute(0, 1, 4, 2, 3)
        heat = torch.exp(-50 * off.square().sum(-1)) - torch.exp(-50 * (z - ps).square().sum(-1))
        heat = torch.cat([torch.zeros_like(heat[:, :1]), heat], 1)
        return Candidates(flows, heat, (places, slopes))


def inverse(m: Tensor) -> Tensor:
    """Of 2 x 2 matrices (..., 2, 2), kept away from singular ones."""
    a, b, c, d = m.flatten(-2).unbind(-1)
    det = a * d - b * c
    det = torch.where(det.abs() < 0.05, torch.where(det < 0, -0.05, 0.05).to(det), det)
    return torch.stack([d, -b, -c, a], -1).unflatten(-1, (2, 2)) / det[..., None, None]


class Anchors(nn.Module):
    """What keypoints are taught to be: known mesh points, and how the skin around each is turned
    and stretched.
    """

    rows: Tensor
    solve: Tensor

    def __init__(self, near: int = 80) -> None:
        super().__init__()
        mean = torch.tensor(FaceModel.default().mean)
        points = mean[list(ANCHORS)]
        # the point itself first; with fewer neighbours the affine maps are nearly singular
        rows = torch.cdist(points, mean).topk(near + 1, largest=False).indices
        rest = 0.065 * (mean[rows] - points[:, None])[..., :2]
        solve = torch.linalg.solve(rest.mT @ rest + 2e-3 * torch.eye(2), rest.mT)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("solve", solve, persistent=False)  # (K, 2, near + 1)

    def forward(self, at: Tensor, side: int) -> tuple[Tensor, Tensor]:
        """Places (B, K, 2) in [-1, 1] and Jacobians (B, K, 2, 2) of meshes (B, 468, 3)."""
        p = at[:, self.rows, :2] * (2 / side) - 1
        off = p - p[:, :, :1]
        return p[:, :, 0], (self.solve[None, ..., None] * off[:, :, None]).sum(3).mT


class MeshFlow(nn.Module):
    """Exact displacements in place of keypoints.

    Candidates: stay; skull and hair, turned with the head as rings around the face; the same rings
    letting go below, as a neck does; and each pixel's own displacement of the mesh seen there.
    """

    candidates = 4
    extra = 5
    triangles: Tensor
    outline: Tensor

    def __init__(self) -> None:
        super().__init__()
        triangles = torch.tensor(FaceModel.default().triangles).long()
        self.register_buffer("triangles", triangles, persistent=False)
        self.register_buffer("outline", torch.tensor(OVAL), persistent=False)

    def forward(self, source: View, driving: View) -> Candidates:
        with torch.autocast(source.at.device.type, enabled=False):
            around = shell(source, driving, self.outline)  # (B, 2, 2, s, s)
            inside, mask = self._mesh(source, driving)
        around = resize(around.flatten(1, 2), FINE).unflatten(1, (2, 2))
        mesh = mask * inside + (1 - mask) * around[:, 1]
        flows = torch.stack([torch.zeros_like(mesh), *around.unbind(1), mesh], 1)
        meshes = [resize(v.mesh, FINE) for v in (source, driving)]
        return Candidates(flows, torch.cat([*meshes, mask, mesh], 1))

    def _mesh(self, source: View, driving: View) -> tuple[Tensor, Tensor]:
        """Flow (B, 2, s, s) of the mesh where it is seen, and where it is (B, 1, s, s)."""
        b, full = len(driving.seen), driving.seen.shape[-1]
        step = full // FINE if full > FINE else 1
        seen = driving.seen[:, step // 2 :: step, step // 2 :: step].long()
        s = seen.shape[-1]
        corner = self.triangles[seen.clamp(max=len(self.triangles) - 1)].view(b, -1, 3)
        now = raster.gather(unit(driving.at, full), corner)
        pixel = grid(s, driving.at.device).flatten(1).T
        weight = raster.barycentric(now[..., :2], pixel, now[..., 2])[..., None]
        step_back = raster.gather((unit(source.at, full) - unit(driving.at, full))[..., :2], corner)
        flow = (weight * step_back).sum(2).mT.unflatten(2, (s, s))
        mask = (seen < len(self.triangles))[:, None].float()
        return resize(flow * mask, FINE), resize(mask, FINE)


def unit(at: Tensor, side: int) -> Tensor:
    """Pixels (B, V, 3) of a picture, and distances, to [-1, 1]; the distances stay."""
    return torch.cat([at[..., :2] * (2 / side) - 1, at[..., 2:]], -1)


def shell(source: View, driving: View, outline: Tensor) -> Tensor:
    """(B, 2, 2, s, s) flows of what surrounds the face: as rigid as the skull, and letting go below
    like a neck.

    Rings around the outline, which fall back in depth like a skull, make the head's movement; their
    displacement is spread over the picture by inverse distance.

    Args:
        outline: (36,) which points of the mesh are the face's outline.
    """
    side = source.seen.shape[-1]
    rest, hold = rings(source.at, outline)  # (B, V, 3), (B, V, 1)
    back = rotation(source.pose[:, :3])[0]
    turn = rotation(driving.pose[:, :3])[0] @ back.mT
    solid = raster.lift(rest, source.focal, side) - source.pose[:, None, 3:]
    moved = raster.project(solid @ turn.mT + driving.pose[:, None, 3:], driving.focal, side)
    step = unit(rest, side)[..., :2] - unit(moved, side)[..., :2]
    place = grid(COARSE, rest.device).flatten(1).T  # (s s, 2)
    flows = []
    for share in (torch.ones_like(hold), hold):
        now = unit(rest, side)[..., :2] - share * step
        far = (place[None, :, None] - now[:, None]).square().sum(-1)  # (B, s s, V)
        weight = (far + 1e-3) ** -2
        weight = weight / weight.sum(-1, keepdim=True)
        # a sum over vertices as a product of matrices, in float32
        flows.append((weight @ (share * step)).mT.unflatten(2, (COARSE, COARSE)))
    return torch.stack(flows, 1)


def rings(at: Tensor, outline: Tensor) -> tuple[Tensor, Tensor]:
    """Points around faces (B, 468, 3) in pixels and cm: (B, V, 3), and how far each follows the
    head (B, V, 1).
    """
    oval = at[:, outline]
    centre = (oval[..., :2].amax(1) + oval[..., :2].amin(1))[:, None] / 2
    top, chin = at[:, 10, :2], at[:, 152, :2]
    up = top - chin
    height = up.norm(dim=-1, keepdim=True).clamp(min=1e-3)
    up = up / height
    middle, across = ((top + chin) / 2)[:, None], torch.stack([-up[:, 1], up[:, 0]], -1)
    back = oval[..., 2].amax(1, keepdim=True) + 2.0  # cm: the skull's outline lies behind the face
    points, hold = [], []
    for scale in RINGS:
        place = centre + scale * (oval[..., :2] - centre)
        fall = min(0.5, 0.75 * (scale - 1))
        deep = oval[..., 2] + fall * (back - oval[..., 2]).clamp(min=0)
        points.append(torch.cat([place, deep[..., None]], -1))
        v = ((place - middle) * up[:, None]).sum(-1) / height
        h = ((place - middle) * across[:, None]).sum(-1) / height
        wide = 0.4 + 0.5 * _smooth((v + 0.7) / 0.6)  # hair above, only the neck below
        hold.append(_smooth((v + 1.1) / 0.6) * (1 - _smooth((h.abs() - wide) / 0.45)))
    return torch.cat(points, 1), torch.cat(hold, 1)[..., None]


def _smooth(x: Tensor) -> Tensor:
    """0 below 0, 1 above 1, 3x² - 2x³ between."""
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)
