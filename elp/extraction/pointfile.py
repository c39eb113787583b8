"""Tracked points in a file."""

# T frame at 25 per second, 478 landmarks
from __future__ import annotations

from typing import IO

import numpy as np
from numpy.typing import NDArray

from elp.face.landmarks import TRACKED


class PointFile:
    """Tracked points (T, 478, 3) float32 in a file: an hour of them is half a gigabyte.

    Slices and index arrays read what they name. `sight` holds (T, 2), how sure the points are and
    how much the eyes show, 0 to 1 each.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.frames = file, 0
        self.sight: NDArray[np.float32] = np.zeros((0, 2), np.float32)
        self.seen: list[int] = []

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.frames, TRACKED, 3

    def __len__(self) -> int:
        return self.frames

    def append(self, points: NDArray[np.float32]) -> None:
        """Add one frame's (478, 3)."""
        self.file.seek(0, 2)
        self.file.write(np.ascontiguousarray(points, np.float32).tobytes())
        if np.isfinite(points).all():
            self.seen.append(self.frames)
        self.frames += 1

    def row(self, k: int) -> NDArray[np.float32]:
        """One frame's (478, 3)."""
        self.file.seek(k * TRACKED * 12)
        return np.frombuffer(self.file.read(TRACKED * 12), np.float32).reshape(TRACKED, 3)

    def __getitem__(self, which: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        rows = np.arange(self.frames)[which]
        out = np.empty((len(rows), TRACKED, 3), np.float32)
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        for run in np.split(np.arange(len(rows)), breaks) if len(rows) else []:
            self.file.seek(int(rows[run[0]]) * TRACKED * 12)
            data = self.file.read(len(run) * TRACKED * 12)
            out[run] = np.frombuffer(data, np.float32).reshape(-1, TRACKED, 3)
        return out
