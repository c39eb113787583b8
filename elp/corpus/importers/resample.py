"""From any frame rate to 25 per second, each signal by the method that fits it."""

# T frame before, U frame after
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elp.motion import FPS, Floats


def frames_at(frames: int, fps: float) -> int:
    """How many frames at 25 fps fit into `frames` frames at `fps`, first on first."""
    return int(np.floor((frames - 1) / fps * FPS + 1e-6)) + 1 if frames else 0


def linear(x: NDArray[np.floating], fps: float) -> Floats:
    """Straight lines between samples.

    (T, D) at `fps` -> (U, D) at 25 fps. For coefficients, positions, cepstra.
    """
    now = np.arange(frames_at(len(x), fps)) * (fps / FPS)
    low = np.minimum(now.astype(int), max(len(x) - 2, 0))
    part = (now - low)[:, None]
    return ((1 - part) * x[low] + part * x[np.minimum(low + 1, len(x) - 1)]).astype(np.float32)


def rotations(x: NDArray[np.floating], fps: float) -> Floats:
    """Rotation vectors (T, 3) at `fps` -> (U, 3) at 25 fps, along the shortest arc (slerp)."""
    from scipy.spatial.transform import Rotation, Slerp

    if len(x) < 2 or fps == FPS:
        return np.asarray(x, np.float32)
    now = np.arange(frames_at(len(x), fps)) / FPS
    return (
        Slerp(np.arange(len(x)) / fps, Rotation.from_rotvec(x))(np.minimum(now, (len(x) - 1) / fps))
        .as_rotvec()
        .astype(np.float32)
    )


def events(x: NDArray[np.integer], fps: float) -> NDArray[np.uint8]:
    """Flags (T,) at `fps` -> (U,) at 25 fps, so that no blink gets lost.

    One is set where any frame is that is nearest to the new one's span.
    """
    x = np.asarray(x, np.uint8)
    count = frames_at(len(x), fps)
    nearest = np.round(np.arange(len(x)) * FPS / fps).astype(int)
    nearest = np.minimum(nearest, max(count - 1, 0))
    out = np.zeros(count, np.uint8)
    np.maximum.at(out, nearest, x)
    filled = np.zeros(count, bool)
    filled[nearest] = True
    source = np.round(np.arange(count) * fps / FPS).astype(int)
    return np.where(filled, out, x[np.minimum(source, max(len(x) - 1, 0))])


def known(valid: NDArray[np.bool_], fps: float) -> NDArray[np.bool_]:
    """Validity (T,) at `fps` -> (U,) at 25 fps.

    Valid where both frames that a straight line joins are.
    """
    return linear(valid[:, None].astype(np.float32), fps)[:, 0] > 1 - 1e-6
