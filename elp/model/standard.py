"""Units of a corpus <-> zero mean and unit variance (chapter "Simulated dyads")."""

# D coefficient; "..." any leading axes
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Standardiser(nn.Module):
    """Series by name in a corpus's units <-> zero mean and unit variance in every coefficient.

    Args:
        moments: name -> (mean, std), each (D,): `Corpus.stats` gives those of "beta", "pose" and
            "mfcc" over the training split.
    """

    def __init__(self, moments: Mapping[str, tuple[Any, Any]]) -> None:
        super().__init__()
        for name, (mean, std) in moments.items():
            mean, std = (torch.as_tensor(x, dtype=torch.float32).clone() for x in (mean, std))
            self.register_buffer(f"{name}_mean", mean)
            self.register_buffer(f"{name}_std", std.clamp_min(1e-6))

    def moments(self, name: str) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of a series, each (D,) float32."""
        return getattr(self, f"{name}_mean"), getattr(self, f"{name}_std")

    def standardise(self, name: str, x: Tensor) -> Tensor:
        """(..., D) in the corpus's units -> zero mean, unit variance."""
        mean, std = self.moments(name)
        return (x - mean) / std

    def restore(self, name: str, x: Tensor) -> Tensor:
        """The inverse of `standardise`, float32."""
        mean, std = self.moments(name)
        return x.float() * std + mean
