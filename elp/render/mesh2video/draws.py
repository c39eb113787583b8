"""Random numbers and fields, all from one generator (chapter "The renderer")."""

# B person, C channel, S side of a picture in pixels
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

CELLS = (4, 8, 16, 32, 64)


@dataclass(frozen=True)
class RandomDraws:
    """Draws on a device; the same seed gives the same numbers.

    Attributes:
        generator: where they all come from, and the device that they are on.
    """

    generator: torch.Generator

    @classmethod
    def seeded(cls, seed: int, device: str | torch.device = "cpu") -> RandomDraws:
        return cls(torch.Generator(device).manual_seed(seed))

    @property
    def device(self) -> torch.device:
        return self.generator.device

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Evenly between `low` and `high`."""
        drawn = torch.rand(shape, generator=self.generator, device=self.device)
        return low + (high - low) * drawn

    def normal(self, *shape: int, scale: tuple[float, ...] | float = 1.0) -> Tensor:
        """Of deviation `scale`, one for all or one for each of the last axis."""
        drawn = torch.randn(shape, generator=self.generator, device=self.device)
        # a tuple is copied to the device, which no recorded step may do
        return drawn * (scale if isinstance(scale, float) else torch.tensor(scale).to(drawn))

    def chance(self, share: float, *shape: int) -> Tensor:
        """1.0 with probability `share`, else 0.0."""
        return (self.uniform(*shape) < share).float()

    def index(self, n: int, *shape: int) -> Tensor:
        """Whole numbers below `n`."""
        return torch.randint(n, shape, generator=self.generator, device=self.device)

    def noise(
        self, b: int, c: int, side: int, cells: tuple[int, ...] = CELLS, fall: float = 0.65
    ) -> Tensor:
        """(B, C, S, S) of about unit deviation: ever finer and weaker random fields, summed."""
        out, total = torch.zeros(b, c, side, side, device=self.device), 0.0
        for k, n in enumerate(cells):
            out += fall**k * F.interpolate(self.normal(b, c, n, n), size=side, mode="bicubic")
            total += fall ** (2 * k)
        return out / total**0.5
