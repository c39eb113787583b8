"""A small network that finds landmarks in pictures: its features are a loss, and another one of its
kind judges what comes out (chapter "The renderer").
"""

# B picture, L landmark, S side of a picture in pixels
from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elp.face.landmarks import EAR_L, EAR_R
from elp.render.mesh2video.layers import grid

LIPS = (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, 78, 81, 13, 311, 308, 402, 14, 178)
EYES = EAR_R + EAR_L
REST = (
    70, 105, 107, 336, 334, 300, 168, 1, 2, 129, 358, 10, 454, 361, 397, 152, 172, 132, 234, 338,
    109,
)  # fmt: skip
MARKS = LIPS + EYES + REST


def _conv(i: int, o: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(i, o, kernel, stride, kernel // 2), nn.BatchNorm2d(o), nn.ReLU(inplace=True)
    )


class LandmarkNet(nn.Module):
    """`MARKS` (B, L, 2) in pixels of a photo (B, 3, S, S): soft-argmax of heatmaps."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        wide = (3, width, 2 * width, 4 * width, 6 * width)
        self.encoder = nn.ModuleList(
            _conv(a, b, 5 if k == 0 else 3, 2) for k, (a, b) in enumerate(pairwise(wide))
        )
        self.deep = _conv(wide[4], wide[4])
        self.lift = nn.ModuleList([_conv(wide[4] + wide[3], wide[3]), _conv(6 * width, 4 * width)])
        self.heat = nn.Conv2d(4 * width, len(MARKS), 1)

    def features(self, x: Tensor) -> list[Tensor]:
        """At a half, a quarter, an eighth and a sixteenth of the photo's size."""
        out = []
        for layer in self.encoder:
            x = layer(x)
            out.append(x)
        return out

    def forward(self, x: Tensor) -> Tensor:
        side, f = x.shape[-1], self.features(x)
        x = self.deep(f[3])
        for layer, skip in zip(self.lift, (f[2], f[1]), strict=True):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = layer(torch.cat([x, skip], 1))
        heat = self.heat(x).float().flatten(2).softmax(-1)
        place = grid(int(heat.shape[-1] ** 0.5), heat.device).flatten(1)
        return ((heat[:, :, None] * place).sum(-1) + 1) * (side / 2)


class Critic(nn.Module):
    """Tells patches of photos from patches of what the network draws; gives its layers' outputs,
    the score last.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        wide = (3, width, 2 * width, 4 * width)
        norm = nn.utils.spectral_norm
        self.layers = nn.ModuleList(
            nn.Sequential(norm(nn.Conv2d(a, b, 4, 2, 1)), nn.LeakyReLU(0.2))
            for a, b in pairwise(wide)
        )
        self.score = norm(nn.Conv2d(wide[3], 1, 4, 1, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        out = []
        for layer in self.layers:
            x = layer(x)
            out.append(x)
        return [*out, self.score(x)]
