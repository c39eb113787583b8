"""One continuous triangulation of the picture, moved and sampled back (chapter "The renderer")."""

# P vertex, F triangle, S side of the source picture in pixels
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Warp:
    """A triangulated picture at rest, ready to be sampled at moved vertices.

    Attributes:
        rest: (P, 2) float32, vertices in source pixels.
        triangles: (F, 3) int, vertices of each triangle.
        scale: source pixels per output pixel.
        size: side of the output in pixels.
    """

    rest: Floats
    triangles: NDArray[np.intp]
    scale: float
    size: int

    def __call__(self, moved: Floats, depth: Floats) -> tuple[Floats, Floats]:
        """Where each output pixel comes from.

        Args:
            moved: (P, 2) vertices now, in source pixels.
            depth: (P,) distance from the camera; nearer triangles hide farther ones.

        Returns:
            x and y, each (size, size) float32: source coordinates for `cv2.remap`.
        """
        now = moved / self.scale
        owner = self._owner(now, depth)
        corner = now[self.triangles].astype(np.float64)
        edges = np.stack([corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]], 1)  # (F, 2 edges, 2)
        source = self.rest[self.triangles].astype(np.float64)
        rest = np.stack([source[:, 1] - source[:, 0], source[:, 2] - source[:, 0]], 1)
        area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
        area = np.where(np.abs(area) < 1e-3, np.inf, area)  # a collapsed triangle becomes a constant
        inverse = np.empty_like(edges)
        inverse[:, 0, 0], inverse[:, 1, 1] = edges[:, 1, 1] / area, edges[:, 0, 0] / area
        inverse[:, 0, 1], inverse[:, 1, 0] = -edges[:, 0, 1] / area, -edges[:, 1, 0] / area
        linear = inverse @ rest  # row vector (pixel - corner0) @ linear = source offset
        shift = source[:, 0] - np.einsum("fi,fij->fj", corner[:, 0], linear)
        rows = np.concatenate([linear.reshape(-1, 4), shift], 1).astype(np.float32)[owner]
        axis = np.arange(self.size, dtype=np.float32)
        x, y = axis[None, :], axis[:, None]
        return rows[..., 0] * x + rows[..., 2] * y + rows[..., 4], rows[..., 1] * x + rows[..., 3] * y + rows[..., 5]

    def _owner(self, now: Floats, depth: Floats) -> NDArray[np.int32]:
        """(size, size) index of the triangle seen at each pixel, painted from far to near."""
        import cv2

        owner = np.zeros((self.size, self.size), np.int32)
        fixed = np.round(np.clip(now, -self.size, 2 * self.size) * 16).astype(np.int32)[self.triangles]
        (ax, ay), (bx, by) = (fixed[:, 1] - fixed[:, 0]).T, (fixed[:, 2] - fixed[:, 0]).T
        front = ax.astype(np.int64) * by - ay.astype(np.int64) * bx > 0
        order = np.argsort(-depth[self.triangles].mean(1), kind="stable")
        for index in np.concatenate([order[~front[order]], order[front[order]]]).tolist():
            cv2.fillConvexPoly(owner, fixed[index], index, 8, 4)
        return owner
