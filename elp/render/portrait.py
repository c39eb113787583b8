"""A real portrait made ready to be re-posed (chapter "The renderer")."""

# P face point, D expression coefficient, S side of the square picture
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from elp.errors import ElpError
from elp.face.model import FaceModel

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Portrait:
    """One picture of a face, tracked, fitted and cut out.

    Attributes:
        image: (S, S, 3) uint8 RGB, the square around the face.
        points: (478, 2) float32, tracked points in its pixels.
        depth: (468,) float32, distance of each face point from the camera in cm, from the fitted model.
        matte: (S, S) float32 in [0, 1], how much of a pixel belongs to the person.
        focal: focal length in pixels of the square picture; its centre is the principal point.
        origin: (3,) float32, the head's centre in camera coordinates, cm.
        rotation: (3,) float32, rotation vector of the head in the portrait.
        beta: (D,) float32, the portrait's own expression.
        model: the face model.
    """

    image: Image
    points: Floats
    depth: Floats
    matte: Floats
    focal: float
    origin: Floats
    rotation: Floats
    beta: Floats
    model: FaceModel
