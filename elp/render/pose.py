"""From a listener's motion to moved vertices (chapter "The renderer")."""

# P face point, V vertex, D expression coefficient
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Floats = NDArray[np.float32]
LINEAR = 0.6  # share of a limit that is reached unchanged; beyond it the approach is smooth


def saturate(x: NDArray[np.floating], low: NDArray[np.floating] | float, high: NDArray[np.floating] | float) -> NDArray[np.floating]:
    """`x` itself within `LINEAR` of the limits (low <= 0 <= high), smoothly bent so that it never passes them.

    Strictly increasing, and its slope is continuous: a motion that leaves the sound range slows down instead of stopping dead.
    """
    limit = np.where(x < 0, -np.asarray(low, float), np.asarray(high, float))
    limit = np.maximum(limit, 1e-9)
    size = np.abs(x) / limit
    room = 1 - LINEAR
    bent = LINEAR + room * np.tanh((size - LINEAR) / room)
    return np.sign(x) * limit * np.where(size <= LINEAR, size, bent)


def head_rotation(vector: Floats, rest: Rotation, limit: Floats) -> Rotation:
    """Rotation of the posed head from the portrait's, about the head's own axes.

    Args:
        vector: (3,) rotation vector of the motion, radians.
        rest: rotation of the head in the portrait.
        limit: (2, 3) lowest and highest angle about each axis.
    """
    own = Rotation.from_rotvec(saturate(np.asarray(vector, float), limit[0], limit[1]))
    return rest * own * rest.inv()


def pose_limits(rest: Rotation) -> Floats:
    """(2, 3) angles in radians within which the warp is sound: 20° in pitch and yaw and 18° in roll from the portrait, less where
    the portrait's own head already looks aside (a cheek that the picture does not show cannot be turned into view)."""
    most = np.deg2rad([20.0, 20.0, 18.0])
    own = rest.as_rotvec()
    spare = np.deg2rad([6.0, 6.0, 10.0])
    high = np.clip(np.deg2rad([32.0, 34.0, 35.0]) - own, spare, most)
    low = -np.clip(np.deg2rad([32.0, 34.0, 35.0]) + own, spare, most)
    return np.stack([low, high]).astype(np.float32)
