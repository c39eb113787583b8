"""Pictures of the mesh: wireframes over photographs, shaded heads.

Chapter "Parameter extraction".
"""

# P mesh point, F triangle
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elp.extraction.fit import FaceFit
from elp.face.camera import project
from elp.face.model import SKIN, FaceModel

Image = NDArray[np.uint8]
LIGHT = np.array([-0.3, -0.45, -0.84])


def wireframe(
    image: Image,
    xy: NDArray[np.floating],
    triangles: NDArray[np.integer],
    color: tuple[int, int, int] = (90, 220, 120),
) -> Image:
    """A copy of an (H, W, 3) RGB picture with the mesh's edges drawn over it.

    Its points `xy` (P, 2) are in pixels.
    """
    import cv2

    out = np.ascontiguousarray(image).copy()
    lines = [np.round(xy[t] * 16).astype(np.int32) for t in triangles[:SKIN]]
    return np.asarray(cv2.polylines(out, lines, True, color, 1, cv2.LINE_AA, 4))


def overlay(image: Image, found: FaceFit, model: FaceModel, frame: int = 0) -> Image:
    """A copy of an (H, W, 3) RGB picture with one frame's fitted mesh drawn over it (only for
    models with MediaPipe's topology).
    """
    import torch

    shape = torch.as_tensor(model.shape(found.alpha, found.beta[frame : frame + 1]))
    xy = project(shape, torch.as_tensor(found.pose[frame : frame + 1]), found.focal).numpy()[0]
    return wireframe(image, xy + np.array(image.shape[1::-1]) / 2, model.triangles)


def shaded(
    points: NDArray[np.floating],
    triangles: NDArray[np.integer],
    *,
    size: int = 220,
    yaw: float = 0.0,
    values: NDArray[np.floating] | None = None,
) -> Image:
    """(size, size, 4) RGBA picture of a head, light grey, from straight ahead or turned by `yaw`
    degrees. What is no head is transparent, so that it stands on light pages and on dark ones.

    Args:
        points: (P, 3) in cm.
        values: (P,) numbers in [0, 1] to colour the skin by, dark to bright, in place of shading.
    """
    import cv2

    angle = np.radians(yaw)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    at = points @ turn.T
    xy = at[:, :2] * (size / 18.5) + size / 2
    a, b, c = at[triangles].transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    bright = np.clip(
        normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9) @ LIGHT, 0, 1
    )
    skin = np.stack([80 + 165 * bright, 78 + 155 * bright, 76 + 148 * bright], 1)
    if values is not None:
        import matplotlib

        skin = (
            255 * matplotlib.colormaps["cividis"](np.clip(values[triangles].mean(1), 0, 1))[:, :3]
        )
    skin[SKIN:] = (50, 52, 70)  # eyes and mouth
    out = np.zeros((size, size, 3), np.uint8)
    alpha = np.zeros((size, size), np.uint8)
    for t in np.argsort(-at[triangles].mean(1)[:, 2]):  # painter's order: far ones first
        corners = np.round(xy[triangles[t]] * 16).astype(np.int32)
        cv2.fillConvexPoly(out, corners, skin[t].tolist(), cv2.LINE_AA, 4)
        cv2.fillConvexPoly(alpha, corners, 255, cv2.LINE_AA, 4)
    # both were drawn on black: at a soft edge the colour is what it was before it was dimmed
    full = np.maximum(alpha, 1)[..., None] / 255
    return np.dstack([np.minimum(out / full, 255).round().astype(np.uint8), alpha])
