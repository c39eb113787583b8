"""Clips that the tests of metrics share."""

# C clip, T frame, D coefficient
from __future__ import annotations

import numpy as np

PARTS = {"pose": slice(0, 6), "expression": slice(6, None)}


def smooth(rng: np.random.Generator, clips: int, frames: int, width: int) -> np.ndarray:
    """(C, T, D) noise whose neighbouring frames are alike."""
    noise = rng.standard_normal((clips, frames + 10, width))
    return np.stack([noise[:, i : i + frames] for i in range(10)]).mean(0) * 3
