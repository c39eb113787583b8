"""One continuous triangulation of the picture, moved and sampled back (chapter "The renderer")."""

# V vertex, F triangle
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
STEEP = 4.0  # a triangle squeezed more than this is sampled as if by this much: it is thinner than a pixel, which would overshoot it
SHIFT = 4  # vertices are drawn at 1/16 pixel


@dataclass(frozen=True, kw_only=True, eq=False)
class Warp:
    """A triangulated picture at rest, ready to be sampled at moved vertices.

    Attributes:
        rest: (V, 2) float32, vertices in source pixels.
        triangles: (F, 3) int, vertices of each triangle.
        under: how many triangles at the start of `triangles` any other one hides (inside eyes and mouth).
        scale: source pixels per output pixel.
        size: side of the output in pixels.
    """

    rest: Floats
    triangles: NDArray[np.int64]
    under: int
    scale: float
    size: int
    _edges: NDArray[np.float64] = field(init=False)  # (F, 2, 2) rest edges from each triangle's first corner
    _middle: NDArray[np.float64] = field(init=False)  # (F, 2) rest centroids
    _planes: Floats = field(init=False)  # (6, size, size) scratch: the affine map of each pixel

    def __post_init__(self) -> None:
        corner = self.rest[self.triangles].astype(np.float64)
        object.__setattr__(self, "_edges", corner[:, 1:] - corner[:, :1])
        object.__setattr__(self, "_middle", corner.mean(1))
        object.__setattr__(self, "_planes", np.empty((6, self.size, self.size), np.float32))

    def __call__(self, moved: Floats, depth: Floats) -> tuple[Floats, Floats]:
        """Where each output pixel comes from.

        Args:
            moved: (V, 2) vertices now, in source pixels.
            depth: (V,) distance from the camera; nearer triangles hide farther ones.

        Returns:
            x and y, each (size, size) float32: source coordinates for `cv2.remap`.
        """
        now = (moved / self.scale)[self.triangles].astype(np.float64)  # (F, 3, 2)
        edges = now[:, 1:] - now[:, :1]
        area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
        owner = self._owner(now, area, depth)
        area = np.where(np.abs(area) < 1e-3, np.inf, area)  # a collapsed triangle has one colour
        inverse = np.stack([edges[:, 1, 1], -edges[:, 0, 1], -edges[:, 1, 0], edges[:, 0, 0]], -1).reshape(-1, 2, 2)
        linear = inverse / area[:, None, None] @ self._edges  # pixel offset @ linear = source offset
        steep = np.abs(linear).max((1, 2)) / (STEEP * self.scale)
        linear /= np.maximum(steep, 1)[:, None, None]
        shift = self._middle - (now.mean(1, keepdims=True) @ linear)[:, 0]
        table = np.concatenate([linear.reshape(-1, 4), shift], 1).T.astype(np.float32)
        a = self._planes
        for plane, column in zip(a, np.ascontiguousarray(table), strict=True):
            np.take(column, owner, out=plane, mode="clip")
        axis = np.arange(self.size, dtype=np.float32)
        home = np.broadcast_to(axis * np.float32(self.scale), a[0].shape)
        a[:2] *= axis
        a[2:4] *= axis[:, None]
        return self._settle(a[0] + a[2] + a[4], home), self._settle(a[1] + a[3] + a[5], home.T)

    @staticmethod
    def _settle(source: Floats, home: Floats) -> Floats:
        """Single pixels that fell into a sliver take their neighbours' displacement, and steps at hidden edges are softened."""
        import cv2

        return cv2.blur(cv2.medianBlur(source - home, 3), (3, 3)) + home

    def _owner(self, now: NDArray[np.float64], area: NDArray[np.float64], depth: Floats) -> NDArray[np.int32]:
        """(size, size) triangle seen at each pixel: painted from far to near, those turned away first."""
        import cv2

        owner = np.zeros((self.size, self.size), np.int32)
        rank = np.where(area > 0, 1e6, 0.0) - depth[self.triangles].mean(1)
        rank[: self.under] -= 2e6
        seen = (now.max(1) > -1).all(1) & (now.min(1) < self.size).all(1)
        order = np.argsort(rank, kind="stable")
        corners = np.round(np.clip(now, -self.size, 2 * self.size) * 2**SHIFT).astype(np.int32)
        for index in order[seen[order]].tolist():
            cv2.fillConvexPoly(owner, corners[index], index, 8, SHIFT)
        return owner
