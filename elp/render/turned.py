"""Faces that lie or stand on their heads (chapter "The renderer")."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Image = NDArray[Any]  # uint8


def turns(points: Floats) -> int:
    """How many quarter turns to the left bring (478, 2) points upright, 0 to 3."""
    along = points[263] - points[33]
    return round(float(np.degrees(np.arctan2(along[1], along[0]))) / 90) % 4


def again(image: Image, points: Floats) -> Floats:
    """The (478, 2) points of a face found anew where it stands upright, or those that it had."""
    from elp.media.track import landmarks

    low, high = (np.asarray(f(points, 0)) for f in (np.min, np.max))
    room = high - low
    x, y = np.maximum(low - room, 0).astype(int)
    x2, y2 = (high + room).astype(int)
    around = np.ascontiguousarray(image[y:y2, x:x2])
    anew = landmarks([around], still=True)[0, :, :2] + (x, y)
    return anew if np.isfinite(anew).all() else points


def quarters(points: Floats, count: int, turned: Image) -> Floats:
    """Points (N, 2) where they are in the picture that was turned that often to the left."""
    height, width = turned.shape[:2] if count % 2 == 0 else turned.shape[1::-1]
    for _ in range(count):
        points = np.stack([points[:, 1], width - points[:, 0]], 1)
        height, width = width, height
    return points
