"""A folder of videos of people who talk, as footage to train a renderer on (chapter "The
renderer").
"""

# T frame, S side of a picture in pixels
from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp.errors import ElpError
from elp.face.landmarks import OVAL, POINTS
from elp.face.model import FaceModel
from elp.render.mesh2video import raster
from elp.render.mesh2video.draws import RandomDraws
from elp.render.mesh2video.footage import Footage

Image = NDArray[Any]  # uint8
ENDINGS = (".mp4", ".mov", ".mkv", ".avi", ".webm")
STEP = 5  # frames between two that are looked at: neighbours hardly differ
LONGEST = 400  # frames that are looked at in one video
LEAST = 4.0  # pixels of rms, at most, by which a fit may miss the points


def footage(
    folder: str | Path, states: int, side: int, device: str | torch.device = "cpu"
) -> Footage:
    """Every video of a folder as one person in `states` states, spread over the video.

    Args:
        folder: of files with one face each; those that show none are left out, with a warning.
        side: of the square pictures in pixels.

    Raises:
        ElpError: there is no such folder, or no usable video in it.
    """
    found = sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in ENDINGS)
    clips = []
    for path in found:
        try:
            clips.append(clip(path, states, side))
        except ElpError as error:
            warnings.warn(f"left out: {error}", stacklevel=2)
    if not clips:
        raise ElpError(f"{folder}: no usable video: give a folder of videos with one face each")
    tensors = {name: torch.stack([c[name] for c in clips]).to(device) for name in clips[0]}
    return Footage(tensors, RandomDraws.seeded(0, device))


def clip(path: Path, states: int, side: int) -> dict[str, Tensor]:
    """One video in a fixed square around its first face: (T, ...) of each of `Footage`'s tensors.

    Raises ElpError where too few frames show a face.
    """
    from elp.extraction.fit import fit
    from elp.media.track import landmarks
    from elp.render.matte import matte

    pictures = list(_square(path, 2 * side))
    points = landmarks(pictures)
    seen = np.flatnonzero(np.isfinite(points[:, 0, 0]))
    if len(seen) < states:
        raise ElpError(f"{path}: {len(seen)} frames show a face, {states} are needed")
    rows = seen[np.linspace(0, len(seen) - 1, states).round().astype(int)]
    model = FaceModel.default()
    found = fit(points[rows] / 2, (side, side), model, smooth=0)
    if np.median(found.rms) > LEAST * side / 256:
        raise ElpError(f"{path}: the face could not be fitted: use a video from the front")
    shape = torch.tensor(model.shape(found.alpha, found.beta))
    pose, focal = torch.tensor(found.pose), torch.full((states,), float(found.focal))
    solid = raster.camera(shape, pose)
    mesh, where = raster.mesh_picture(solid, focal, torch.tensor(model.triangles).long(), side)
    covers = [matte(pictures[t], points[t, list(OVAL), :2].astype(np.float32) - 0.5) for t in rows]
    return {
        "photo": _small([pictures[t] for t in rows], side),
        "matte": _small([(255 * x[..., None]).astype(np.uint8) for x in covers], side),
        "mesh": mesh,
        "seen": where,
        "at": raster.project(solid, focal, side),
        "pose": pose,
        "focal": focal,
        "truth": torch.tensor(points[rows, :POINTS, :2] / 2, dtype=torch.float32),
    }


def _square(path: Path, side: int) -> Iterator[Image]:
    """Every `STEP`th frame, cut to the square around the first one's face."""
    import cv2

    from elp.media.video import frames
    from elp.render.portrait import find

    place = None
    for k, image in enumerate(frames(path)):
        if k == STEP * LONGEST:
            return
        if k % STEP == 0:
            if place is None:
                place = _around(find(image, "largest", str(path)), image)
            left, top, wide = place
            cut = image[top : top + wide, left : left + wide]
            yield cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA)


def _around(points: NDArray[Any], image: Image) -> tuple[int, int, int]:
    """Left, top and side of the square around a face, as large as the picture has room for."""
    from elp.render.portrait import ROOM

    low, high = points.min(0), points.max(0)
    height, width = image.shape[:2]
    side = int(min(ROOM * (high - low).max(), height, width))
    left, top = (low + high) / 2 - (side / 2, 0.47 * side)
    return int(np.clip(left, 0, width - side)), int(np.clip(top, 0, height - side)), side


def _small(pictures: list[Image], side: int) -> Tensor:
    """(T, C, S, S) uint8 of pictures (2 S, 2 S, C)."""
    import cv2

    shrunk = [cv2.resize(x, (side, side), interpolation=cv2.INTER_AREA) for x in pictures]
    return torch.tensor(np.stack([x.reshape(side, side, -1) for x in shrunk])).permute(0, 3, 1, 2)
