"""Random draws that hang together over time, the same however a response is cut into pieces (chapter "Base, Transformed, U")."""

# T frame
from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


class SmoothUniform:
    """Uniform numbers, each column smooth in time: Φ of white normal noise under a Gaussian kernel.

    Each frame's number is uniform on (0, 1), so thresholds and Gumbel noise made of it keep every frame's distribution; only
    neighbours are alike, with correlation exp(-lag² / 4 s²). Rows are drawn in the order of time, one generator for all groups.

    Args:
        widths: columns of each group. spreads: s in frames of each group; 0 draws every frame anew.
        generator: CPU generator.
    """

    def __init__(self, widths: Sequence[int], spreads: Sequence[float], generator: torch.Generator) -> None:
        self.widths, self.generator = list(widths), generator
        self.kernels = []
        for spread in spreads:
            reach = math.ceil(3 * spread)
            kernel = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * spread**2)) if spread else torch.ones(1)
            self.kernels.append(kernel / kernel.norm())
        self.longest = max(map(len, self.kernels))
        self.past = self._white(self.longest - 1)

    def _white(self, count: int) -> Tensor:
        uniform = torch.rand(count, sum(self.widths), generator=self.generator)
        return torch.special.ndtri(uniform.clamp(1e-7, 1 - 1e-7))

    def draw(self, count: int) -> list[Tensor]:
        """The next `count` frames: one (count, width) tensor a group."""
        rows = torch.cat([self.past, self._white(count)])
        self.past = rows[len(rows) - self.longest + 1 :]
        found = []
        for columns, kernel in zip(rows.split(self.widths, dim=1), self.kernels, strict=True):
            recent = columns[self.longest - len(kernel) :]
            smooth = F.conv1d(recent.T[:, None], kernel[None, None])[:, 0].T
            found.append(torch.special.ndtr(smooth).clamp(1e-7, 1 - 1e-7))
        return found
