"""What holds still while a face moves: bone and rigid motion (chapter "Parameter extraction")."""

# P point
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elp.face.landmarks import CORNERS_L, CORNERS_R

Array = NDArray[np.float64]


def rigid(face: Array) -> Array:
    """(7, P*3) orthonormal basis of translations, small rotations and scale."""
    centred = face - face.mean(0)
    basis = (
        [np.tile(e, (len(face), 1)) for e in np.eye(3)]
        + [np.cross(e, centred) for e in np.eye(3)]
        + [centred]
    )
    return np.linalg.qr(np.stack([b.ravel() for b in basis]).T)[0].T


def skull(count: int) -> Array:
    """(P,) 1 over bone that no expression moves: nose bridge, eye corners, temples; else 0."""
    weight = np.zeros(count)
    weight[[168, 6, 197, 195, 5, *CORNERS_L, *CORNERS_R, 127, 356, 162, 389, 234, 454]] = 1
    return weight
