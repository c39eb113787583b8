"""What makes a picture right (chapter "The renderer")."""

# B pair, S side of a picture in pixels
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from elp.face.model import SKIN
from elp.render.mesh2video.footage import Pair
from elp.render.mesh2video.landmarks import LandmarkNet
from elp.render.mesh2video.motion import Anchors
from elp.render.mesh2video.network import Drawn

SCALES = 4
AROUND = 9  # pixels: eyes and mouth and what is around them
TAUGHT = 10.0
SLOPES = 0.2  # weight of a keypoint's Jacobian beside its place


def pyramid(x: Tensor, y: Tensor) -> Tensor:
    """L1 of colours (B, C, S, S) and of their differences between neighbours, at several sizes."""
    total = x.new_zeros(())
    for _ in range(SCALES):
        e = x - y
        across, down = e[..., 1:] - e[..., :-1], e[..., 1:, :] - e[..., :-1, :]
        total = total + e.abs().mean() + across.abs().mean() + down.abs().mean()
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return total


def perceptual(net: LandmarkNet, x: Tensor, y: Tensor) -> Tensor:
    """L1 of a network's features at two sizes, each channel in units of its own deviation."""
    total = x.new_zeros(())
    for _ in range(2):
        with torch.no_grad():
            wanted = net.features(y)
        for a, b in zip(net.features(x), wanted, strict=True):
            scale = b.float().std((0, 2, 3), correction=0, keepdim=True) + 1e-3
            total = total + ((a - b).float() / scale).abs().mean()
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return total


def focus(x: Tensor, y: Tensor, seen: Tensor) -> Tensor:
    """L1 on eyes and mouth, as far as they are open, and around them: they weigh next to nothing in
    a mean over the picture.

    Args:
        seen: (B, S, S), the model's triangle at each pixel; those from `SKIN` on close eyes and
            mouth.
    """
    inside = ((seen >= SKIN) & (seen < SKIN + 46)).float()[:, None]
    inside = F.max_pool2d(inside, AROUND, 1, AROUND // 2)
    return ((x - y).abs() * inside).sum() / (3 * inside.sum()).clamp(min=1)


def taught(drawn: Drawn, pair: Pair, anchors: Anchors) -> Tensor:
    """L1 between keypoints and the mesh points that they should be."""
    assert drawn.keypoints is not None
    at = torch.cat([pair.source.view.at, pair.driving.at])
    places, slopes = anchors(at, pair.truth.shape[-1])
    found, turned = drawn.keypoints
    return TAUGHT * ((found - places).abs().mean() + SLOPES * (turned - slopes).abs().mean())


def reconstruction(drawn: Drawn, pair: Pair, features: LandmarkNet) -> Tensor:
    """All losses of a picture but the critic's and the keypoints'."""
    truth = pair.truth
    on_person = pair.cover * drawn.warped, pair.cover * truth
    return (
        pyramid(drawn.image, truth)
        + 0.5 * pyramid(*on_person)
        + 0.25 * perceptual(features, drawn.image, truth)
        + focus(drawn.image, truth, pair.driving.seen)
    )
