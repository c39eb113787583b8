"""Where faces are in a picture: BlazeFace's two detectors, on the whole and on tiles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from elp.media import weights
from elp.media.network import Crop, Image, Network, patch

# score, centre x and y, width, height, then six points: eyes, nose, mouth, ears; in pixels
Faces = NDArray[np.float32]  # (N, 17)
THRESHOLD = 0.5
OVERLAP = 0.3  # intersection over union beyond which two boxes are one face
LEAST = 350  # pixels: side of the smallest tiles
WIDER = 1.5  # the landmark network's crop in detected boxes


class Detector:
    """Faces in a square window: "near" fills it, "far" is down to an eighth of it."""

    def __init__(self, which: str) -> None:
        self.which, self._net = which, Network(weights.find(which))
        grids = ((16, 2), (8, 6)) if which == "near" else ((48, 1),)
        self.side = 128 if which == "near" else 192
        self._anchors = np.concatenate([_grid(*grid) for grid in grids])

    def __call__(self, image: Image, window: Crop) -> Faces:
        """(N, 17) faces in pixels of the picture."""
        seen = patch(image, window, self.side).astype(np.float32)
        offsets, logits = self._net(seen / np.float32(127.5) - 1)
        score = 1 / (1 + np.exp(-np.clip(logits[:, 0], -80, 80)))
        sure = np.flatnonzero(score > THRESHOLD)
        rows = offsets[sure].reshape(-1, 8, 2) / self.side
        places = [0, 2, 3, 4, 5, 6, 7]  # row 1 is a size
        rows[:, places] += self._anchors[sure][:, None]
        rows *= window.side
        rows[:, places] += np.array([window.x, window.y]) - window.side / 2
        faces = np.concatenate([score[sure, None], rows.reshape(-1, 16)], 1)
        return merge(faces.astype(np.float32))


def _grid(cells: int, each: int) -> NDArray[np.float32]:
    """(cells² · each, 2) centres of a square grid's cells, in its sides."""
    y, x = (np.mgrid[:cells, :cells] + 0.5) / cells
    return np.repeat(np.stack([x.ravel(), y.ravel()], 1), each, 0).astype(np.float32)


def merge(faces: Faces) -> Faces:
    """One row for each face: boxes that overlap are averaged by score (BlazeFace, section 4.2)."""
    out, faces = [], faces[np.argsort(-faces[:, 0])]
    while len(faces):
        same = overlap(faces, faces[0]) > OVERLAP
        mean = np.average(faces[same], axis=0, weights=faces[same, 0])
        out.append(np.concatenate([faces[0, :1], mean[1:]]))
        faces = faces[~same]
    return np.array(out, np.float32).reshape(-1, 17)


def overlap(faces: Faces, face: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) intersection over union of N boxes with one."""
    low = np.maximum(faces[:, 1:3] - faces[:, 3:5] / 2, face[1:3] - face[3:5] / 2)
    high = np.minimum(faces[:, 1:3] + faces[:, 3:5] / 2, face[1:3] + face[3:5] / 2)
    both = np.prod(np.clip(high - low, 0, None), -1)
    union = np.prod(faces[:, 3:5], -1) + np.prod(face[3:5]) - both
    return both / np.maximum(union, 1e-9)


def crop_of(face: NDArray[np.float32]) -> Crop:
    """The landmark network's first crop of a detected face: upright by its eyes."""
    x, y = face[7:9] - face[5:7]
    angle = float(np.arctan2(y, x))
    return Crop(float(face[1]), float(face[2]), WIDER * float(max(face[3:5])), angle)


def tiles(height: int, width: int) -> Iterator[Crop]:
    """Overlapping square windows of a picture: of its shorter side, then of half and a quarter of
    it, while they have 350 pixels. A face up to half as large lies whole in one of them.
    """
    for parts in (1, 2, 4):
        side = min(height, width) / parts
        if side < LEAST and parts > 1:
            return
        for y in _centres(height, side):
            for x in _centres(width, side):
                yield Crop(x, y, side)


def _centres(length: int, side: float) -> list[float]:
    count = int(np.ceil(1.5 * length / side - 0.5))
    return (np.linspace(0, length - side, count) + side / 2).tolist()
