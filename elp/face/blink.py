"""Eye aspect ratio and blinks (chapter "Parameter extraction")."""

# T frame
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.face.landmarks import EAR_L, EAR_R, TRACKED
from elp.motion import FPS

FIXED = 0.2  # thresholds in public code lie at 0.16 to 0.26


def ear(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Eye aspect ratio (|p2 - p6| + |p3 - p5|) / (2 |p1 - p4|) of the right and the left eye (Soukupová and Čech 2016).

    About 0.3 for an open eye and below 0.15 for a shut one. The paper's φ uses the inverse, large when the eye is shut: `1 / ear(points)`.

    Args:
        points: (T, 468 or 478, 2 or 3) landmarks; with depth, distances are measured in space, so that a turned head keeps its ratio.

    Returns:
        (T, 2) float32, NaN where the points are.
    """
    points = np.asarray(points, np.float32)
    if points.ndim != 3 or points.shape[1] < TRACKED - 10:
        raise ElpError(f"points: expected (T, 468 or 478, 2 or 3), got {points.shape}: pass the tracker's landmarks")
    out = []
    for eye in (EAR_R, EAR_L):
        p1, p2, p3, p4, p5, p6 = (points[:, k] for k in eye)
        high = np.linalg.norm(p2 - p6, axis=-1) + np.linalg.norm(p3 - p5, axis=-1)
        out.append(high / np.maximum(2 * np.linalg.norm(p1 - p4, axis=-1), 1e-6))
    return np.stack(out, -1)
