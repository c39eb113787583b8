"""The mesh video: the face model making a motion, which the paper's renderer captures its motion
from (ELP, section 3.4, Figures 5 and 6; chapter "The renderer").
"""

# T frame, P mesh point, F triangle, D expression coefficient
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from elp.errors import ElpError
from elp.face.model import SKIN, FaceModel
from elp.motion import Motion
from elp.render.blink import blink_control

Image = NDArray[Any]  # uint8
FINE = 2  # samples a pixel and axis
FAR = 60.0  # cm from the camera to the head
ROOM = 22.0  # cm that the picture shows at that distance
LIGHT = np.array([-0.3, -0.45, -0.84])
DARK, BRIGHT = np.array([80.0, 78, 76]), np.array([165.0, 155, 148])
INSIDE = (50, 52, 70)  # eyes and mouth
SIZES = (64, 1024)


def mesh_frames(motion: Motion, size: int = 256, model: FaceModel | None = None) -> Iterator[Image]:
    """The shaded mean face making `motion`, blinks closed by `blink_control`.

    Frames that are not valid repeat the last valid one.

    Args:
        motion: T frames.
        size: side of the pictures in pixels.
        model: the face; by default the one that ships.

    Returns:
        T pictures (size, size, 3), uint8 RGB, in constant memory.

    Raises:
        ElpError: the motion has another number of coefficients than the model; the size is not
            usable.
    """
    model = model or FaceModel.default()
    check_size(size)
    if motion.beta.shape[1] != len(model.expression):
        raise ElpError(
            f"motion: {motion.beta.shape[1]} expression coefficients, the face model has "
            f"{len(model.expression)}: use motion of the same model"
        )
    return _frames(motion, size, model)


def check_size(size: int) -> None:
    """Raises ElpError for a side that frames of a video cannot have."""
    if not SIZES[0] <= size <= SIZES[1] or size % 2:
        raise ElpError(
            f"size {size}: frames are {SIZES[0]} to {SIZES[1]} pixels wide, an even number: "
            "choose 256, as the paper does"
        )


def _frames(motion: Motion, size: int, model: FaceModel) -> Iterator[Image]:
    beta = blink_control(motion.beta, motion.blink, model)
    shown = np.zeros(beta.shape[1]), np.zeros(6)
    for t in range(len(motion)):
        if motion.valid[t]:
            shown = beta[t], motion.pose[t]
        yield _picture(model, *shown, size)


def _picture(
    model: FaceModel, beta: NDArray[np.floating], pose: NDArray[np.floating], size: int
) -> Image:
    """Painted from far to near, then averaged over `FINE` x `FINE` samples."""
    import cv2

    at = Rotation.from_rotvec(pose[:3]).apply(model.shape(beta=beta)) + pose[3:] + [0, 0, FAR]
    side = FINE * size
    xy = at[:, :2] / at[:, 2:] * (FAR / ROOM * side) + side / 2
    corners = at[model.triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    smooth = np.zeros_like(at)  # of points: their triangles' mean
    np.add.at(smooth, model.triangles[:SKIN], normal[:SKIN, None])
    normal = smooth[model.triangles].sum(1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    color = DARK + np.clip(normal @ LIGHT, 0, 1)[:, None] * BRIGHT
    color[SKIN:] = INSIDE
    picture = np.full((side, side, 3), 255, np.uint8)
    for t in np.argsort(-corners[..., 2].mean(1)):
        corner = np.round(xy[model.triangles[t]] * 16).astype(np.int32)
        cv2.fillConvexPoly(picture, corner, color[t].tolist(), cv2.LINE_8, 4)
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
