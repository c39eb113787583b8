"""Building blocks of the networks (chapter "The renderer")."""

# B pair, C channel, H, W pixels
from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Net = TypeVar("Net", bound=nn.Module)


def on(net: Net, device: torch.device | str) -> Net:
    """A network on a device, its pictures' channels last in memory: faster there."""
    return net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def grid(side: int, device: torch.device) -> Tensor:
    """(2, S, S) coordinates x, y of pixel centres in [-1, 1]."""
    axis = (torch.arange(side, device=device, dtype=torch.float32) + 0.5) * (2 / side) - 1
    return torch.stack([axis.expand(side, side), axis[:, None].expand(side, side)])


def resize(x: Tensor, side: int) -> Tensor:
    """(B, C, H, W) at another size; pictures that shrink are averaged."""
    if x.shape[-1] == side:
        return x
    if x.shape[-1] > side:
        return F.interpolate(x, size=(side, side), mode="area")
    return F.interpolate(x, size=(side, side), mode="bilinear", align_corners=False)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Sample a picture where each pixel comes from.

    Args:
        image: (B, C, H, W).
        flow: (B, 2, h, w), x and y to add to a pixel's own place, in halves of the picture's side;
            resized to the picture's size.
    """
    side = image.shape[-1]
    where = grid(side, image.device) + resize(flow.float(), side)
    return F.grid_sample(
        image.float(), where.permute(0, 2, 3, 1), padding_mode="border", align_corners=False
    ).to(image.dtype)


def conv(i: int, o: int, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(i, o, kernel, padding=kernel // 2), nn.BatchNorm2d(o), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """x + two convolutions of x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Hourglass(nn.Module):
    """A U-Net: (B, inputs, S, S) -> (B, channels, S, S), over `depth` halvings."""

    def __init__(self, inputs: int, width: int, depth: int = 4) -> None:
        super().__init__()
        wide = [width * min(5, 2**k) for k in range(depth + 1)]
        self.first = conv(inputs, wide[0])
        self.down = nn.ModuleList(conv(a, b) for a, b in pairwise(wide))
        self.up = nn.ModuleList(conv(wide[k + 1] + wide[k], wide[k]) for k in range(depth))
        self.channels = wide[0]

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        skips = []
        for layer in self.down:
            skips.append(x)
            x = layer(F.avg_pool2d(x, 2))
        for up in reversed(self.up):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = up(torch.cat([x, skips.pop()], 1))
        return x


def fill(image: Tensor, known: Tensor) -> Tensor:
    """Unknown pixels from the known ones around them, coarse to fine (push-pull).

    Args:
        image: (B, C, S, S). known: (B, 1, S, S) in [0, 1].
    """
    side = image.shape[-1]
    if side % 2:
        total = known.sum((2, 3), keepdim=True).clamp(min=1e-6)
        mean = (image * known).sum((2, 3), keepdim=True) / total
        return known * image + (1 - known) * mean
    weight = F.avg_pool2d(known, 2)
    colour = F.avg_pool2d(image * known, 2) / weight.clamp(min=1e-6)
    coarse = fill(colour, (4 * weight).clamp(max=1))
    return known * image + (1 - known) * resize(coarse, side)
