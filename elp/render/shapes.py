"""Filled curves, antialiased (chapter "The renderer")."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FINE = 4  # subpixels per pixel and axis


@cache
def chaikin(points: int, times: int = 2) -> NDArray[np.float64]:
    """(points 2^times, points) matrix that turns a closed polygon into a smooth curve by cutting
    its corners.
    """
    matrix = np.eye(points)
    for _ in range(times):
        after = np.roll(matrix, -1, 0)
        matrix = np.stack([0.75 * matrix + 0.25 * after, 0.25 * matrix + 0.75 * after], 1).reshape(
            -1, points
        )
    return matrix


def polygon(rim: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """(H, W) uint8, 255 inside the closed polygon `rim` (N, 2) in pixels."""
    import cv2

    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(rim * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    return mask


def coverage(rim: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """(H, W) float32 in [0, 1], how much of each pixel lies inside the smooth closed curve through
    `rim` (N, 2).
    """
    import cv2

    mask = polygon((chaikin(len(rim)) @ rim + 0.5) * FINE - 0.5, (shape[0] * FINE, shape[1] * FINE))
    return (
        cv2.resize(mask, (int(shape[1]), int(shape[0])), interpolation=cv2.INTER_AREA).astype(
            np.float32
        )
        / 255
    )


def rounded(picture: NDArray[Any]) -> NDArray[Any]:
    """uint8 of colours of 0 to 255, those beyond cut off."""
    import cv2

    return cv2.convertScaleAbs(np.maximum(picture, 0))
