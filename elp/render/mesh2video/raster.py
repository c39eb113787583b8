"""Triangles to pixels, many pictures at a time, on any device (chapter "The renderer")."""

# N picture, V vertex, F triangle, S side of a picture in pixels
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from elp.face.camera import rotation
from elp.face.model import SKIN

NEAR, FAR = 20.0, 140.0  # cm: depths are told apart between them
LIGHT = (-0.3, -0.45, -0.84)  # of the mesh pictures: from the viewer's upper right
OPENING = 255  # grey of eyes and mouth in a mesh picture; skin is 64 to 191, nothing is 0
BITS = 12  # of a depth key that number the triangle
GROUP = 96  # triangles of like size at a time: bounds the memory


def visible(image: Tensor, depth: Tensor, triangles: Tensor, side: int) -> Tensor:
    """Which triangle is seen at each pixel.

    Each triangle is sampled more finely than the pixels, and the nearest sample wins: one scatter
    on a GPU, no loop over triangles.

    Args:
        image: (N, V, 2) vertices in pixels. depth: (N, V) in cm. triangles: (F, 3), F < 4096, their
            edges up to a third of the picture long.

    Returns:
        (N, S, S) int64, F where none is.
    """
    n, f = len(image), len(triangles)
    buffer = torch.full((n, side * side + 1), 2**30, dtype=torch.int32, device=image.device)
    corners = torch.cat([image, depth[..., None]], -1)[:, triangles]  # (N, F, 3, 3)
    edges = corners[..., :2] - corners[..., :2].roll(1, 2)
    longest = edges.norm(dim=-1).amax((0, 2)).clamp(max=side / 3)
    for part in longest.argsort().split(GROUP):
        w = _samples(float(longest[part[-1]]), image.device)
        p = torch.einsum("kc,nfcd->nfkd", w, corners[:, part])
        x, y = p[..., 0].floor().long(), p[..., 1].floor().long()
        inside = (x >= 0) & (y >= 0) & (x < side) & (y < side) & (p[..., 2] > 1)
        at = torch.where(inside, y * side + x, side * side)
        near = ((p[..., 2] - NEAR) / (FAR - NEAR)).clamp(0, 0.999)
        key = ((near * 2**18).int() << BITS) + part.int()[None, :, None]
        buffer.scatter_reduce_(1, at.flatten(1), key.flatten(1), "amin")
    seen = buffer[:, :-1].view(n, side, side)
    return torch.where(seen < 2**30, seen & (2**BITS - 1), f).long()


def _samples(longest: float, device: torch.device) -> Tensor:
    """(K, 3) barycentric weights of a grid finer than a pixel, for edges up to `longest` pixels."""
    dense = int(1.3 * longest) + 3
    i, j = torch.meshgrid(*[torch.arange(dense, device=device)] * 2, indexing="ij")
    keep = i + j < dense
    last = dense - 1 - i - j
    return torch.stack([i[keep], j[keep], last[keep]], -1).float() / (dense - 1)


def barycentric(p: Tensor, q: Tensor, z: Tensor) -> Tensor:
    """Perspective-correct weights (..., M, 3) of points q (M, 2) in triangles p (..., M, 3, 2)
    whose corners are z (..., M, 3) away.
    """
    a, b = p[..., 1, :] - p[..., 0, :], p[..., 2, :] - p[..., 0, :]
    r = q - p[..., 0, :]
    area = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    area = torch.where(area.abs() < 1e-6, torch.full_like(area, 1e-6), area)
    u = (r[..., 0] * b[..., 1] - r[..., 1] * b[..., 0]) / area
    v = (a[..., 0] * r[..., 1] - a[..., 1] * r[..., 0]) / area
    w = torch.stack([1 - u - v, u, v], -1).clamp(0, 1) / z
    return w / w.sum(-1, keepdim=True).clamp(min=1e-9)


def gather(values: Tensor, corner: Tensor) -> Tensor:
    """Rows of `values` (N, V, C) at the triangles' corners `corner` (N, M, 3): (N, M, 3, C)."""
    at = corner.flatten(1)[..., None].expand(-1, -1, values.shape[-1])
    return values.gather(1, at).unflatten(1, (-1, 3))


def camera(shape: Tensor, pose: Tensor) -> Tensor:
    """Points (N, V, 3) in cm, turned and moved by `pose` (N, 6) into camera coordinates."""
    return shape @ rotation(pose[:, :3])[0].mT + pose[:, None, 3:]


def project(points: Tensor, focal: Tensor, side: int) -> Tensor:
    """(N, V, 3): pixels right and down of a picture's corner, and the distance in cm, of points
    (N, V, 3) in camera coordinates, for focal lengths (N,) in pixels.
    """
    image = focal[:, None, None] * points[..., :2] / points[..., 2:] + side / 2
    return torch.cat([image, points[..., 2:]], -1)


def lift(at: Tensor, focal: Tensor, side: int) -> Tensor:
    """The inverse of `project`."""
    return torch.cat(
        [(at[..., :2] - side / 2) / focal[:, None, None] * at[..., 2:], at[..., 2:]], -1
    )


def mesh_picture(
    points: Tensor, focal: Tensor, triangles: Tensor, side: int
) -> tuple[Tensor, Tensor]:
    """The shaded face model, in one channel: what the networks see of a motion.

    Args:
        points: (N, 468, 3) in camera coordinates, cm. focal: (N,) pixels. triangles: (F, 3).

    Returns:
        mesh (N, 1, S, S) uint8: 0 where there is no face, 64 to 191 on skin, 255 in eyes and mouth;
        seen (N, S, S) int16, the triangle at each pixel, F where there is none.
    """
    at = project(points, focal, side)
    seen = visible(at[..., :2], at[..., 2], triangles, side)
    a, b, c = (points[:, triangles[:, k]] for k in range(3))
    normal = F.normalize(torch.cross(b - a, c - a, dim=-1), dim=-1)
    bright = (normal @ torch.tensor(LIGHT, device=points.device)).clamp(0, 1)
    grey = 64 + 127 * bright
    grey[:, SKIN:] = OPENING
    grey = torch.cat([grey, torch.zeros_like(grey[:, :1])], 1)
    mesh = grey.gather(1, seen.flatten(1)).view(len(points), 1, side, side)
    return mesh.byte(), seen.short()
