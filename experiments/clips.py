"""A clip of one person, made ready to be acted again by its own first frame (chapter "The
renderer").
"""

# T frame, S side of a picture in pixels
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from elp.extraction.fit import fit
from elp.face.landmarks import OVAL
from elp.face.model import FaceModel
from elp.media.track import landmarks
from elp.media.video import frames
from elp.render import Portrait
from elp.render.matte import matte
from elp.render.portrait import ROOM

SIDE = 256  # pixels, as the paper's
Array = NDArray[Any]
Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Take:
    """A clip, fitted: pictures (T, S, S, 3) and points (T, 478, 2) of a fixed square; the first
    frame as a portrait; the motion from there, beta (T, D) and pose (T, 6) in the first head's own
    axes.
    """

    pictures: Array
    points: Array
    portrait: Portrait
    beta: Array
    pose: Array


def take(path: Path, step: int, longest: int | None = None, smooth: float = 1.0) -> Take:
    """Fit a clip within the square around the face of its first frame, at twice the size.

    Args:
        path: of a video with one face.
        step: frames from one that is taken to the next.
        longest: how many are taken at most.
        smooth: of the fit over time; 0 fits every frame by itself.
    """
    images: list[Image] = []
    for k, image in enumerate(frames(path)):
        if k % step == 0:
            images.append(image)
        if len(images) == longest:
            break
    return fitted(cut(images), smooth)


def fitted(images: list[Image], smooth: float) -> Take:
    """Square pictures of one person, fitted; the first is the portrait."""
    model, large = FaceModel.default(), [resized(x, 2 * SIDE) for x in images]
    points = landmarks(large)
    points[0] = landmarks(large[:1], still=True)[0]
    found = fit(points, (2 * SIDE, 2 * SIDE), model, smooth=smooth)
    turn = Rotation.from_rotvec(found.pose[:, :3])
    own = points[0, :, :2] - np.float32(0.5)
    shape = model.shape(found.alpha, found.beta[0])[model.landmarks]
    portrait = Portrait(
        image=large[0],
        points=own,
        depth=(turn[0].apply(shape)[:, 2] + found.pose[0, 5]).astype(np.float32),
        matte=matte(large[0], own[list(OVAL)]),
        focal=found.focal,
        origin=found.pose[0, 3:],
        rotation=found.pose[0, :3],
        beta=found.beta[0],
        model=model,
    )
    heads = [(turn[0].inv() * turn).as_rotvec(), found.pose[:, 3:] - found.pose[0, 3:]]
    return Take(
        pictures=np.stack([resized(x, SIDE) for x in large]),
        points=points[..., :2] / 2,
        portrait=portrait,
        beta=found.beta - found.beta[0],
        pose=np.concatenate(heads, 1),
    )


def cut(images: list[Image]) -> list[Image]:
    """The same square of every picture: around the first face, as wide as a portrait's."""
    points = landmarks(images[:1], still=True)[0, :, :2]
    low, high = points.min(0), points.max(0)
    side = int(min(ROOM * (high - low).max(), *images[0].shape[:2]))
    room = np.array(images[0].shape[1::-1]) - side
    x, y = np.clip(((low + high) / 2 - [side / 2, 0.47 * side]).astype(int), 0, room)
    return [np.ascontiguousarray(image[y : y + side, x : x + side]) for image in images]


def resized(image: Image, side: int) -> Image:
    """A square picture of another side."""
    how = cv2.INTER_AREA if side < len(image) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (side, side), interpolation=how), np.uint8)
