"""Random draws that hang together over time, the same however a response is cut into pieces
(chapter "Base, Transformed, U").
"""

# T frame
from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

BLOCK = 64  # rows kept in one piece of memory


class SmoothUniform:
    """Uniform numbers, each column smooth in time: Φ of white normal noise under a Gaussian kernel.

    Each frame's number is uniform on (0, 1), so thresholds and Gumbel noise made of it keep every
    frame's distribution; only neighbours are alike, their normal numbers with correlation exp(-lag²
    / 4 s²). Rows are drawn in the order of time, one generator for all groups.

    Args:
        widths: columns of each group. spreads: s in frames of each group; 0 draws every frame anew.
        generator: CPU generator.
    """

    def __init__(
        self, widths: Sequence[int], spreads: Sequence[float], generator: torch.Generator
    ) -> None:
        self.widths, self.generator = list(widths), generator
        self.kernels = []
        for spread in spreads:
            reach = math.ceil(3 * spread)
            kernel = (
                torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * spread**2))
                if spread
                else torch.ones(1)
            )
            self.kernels.append(kernel / kernel.norm())
        # rows drawn ahead: a number is made of its own frame's row and this many more
        self.past = max(map(len, self.kernels)) - 1
        self.rows = self._white(self.past)
        self.end = self.past  # of what is drawn

    def _white(self, count: int) -> Tensor:
        uniform = torch.rand(count, sum(self.widths), generator=self.generator)
        return torch.special.ndtri(uniform.clamp_(1e-7, 1 - 1e-7))

    def _extend(self, count: int) -> Tensor:
        """Draw `count` rows more; returns them after the `past` ones before them."""
        # a new block, so that a stream does not copy the past for each frame
        if self.end + count > len(self.rows):
            block = torch.empty(self.past + max(count, BLOCK), sum(self.widths))
            block[: self.past] = self.rows[self.end - self.past : self.end]
            self.rows, self.end = block, self.past
        self.rows[self.end : self.end + count] = self._white(count)
        self.end += count
        return self.rows[self.end - count - self.past : self.end]

    def draw(self, count: int) -> list[Tensor]:
        """The next `count` frames: one (count, width) tensor a group."""
        found = []
        for columns, kernel in zip(
            self._extend(count).split(self.widths, dim=1), self.kernels, strict=True
        ):
            recent = columns[self.past + 1 - len(kernel) :]
            # frame by frame: a convolution of this shape is eight times slower, and so no piece
            # changes the rounding
            smooth = torch.stack([kernel @ recent[t : t + len(kernel)] for t in range(count)])
            found.append(torch.special.ndtr(smooth).clamp_(1e-7, 1 - 1e-7))
        return found
