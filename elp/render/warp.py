"""One continuous triangulation of the picture, moved and sampled back (chapter "The renderer")."""

# V vertex, F triangle
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
# a triangle squeezed more than this is sampled as if by this much: it is thinner than a pixel,
# which would overshoot it
STEEP = 4.0
SHIFT = 4  # vertices are drawn at 1/16 pixel


@dataclass(frozen=True, kw_only=True, eq=False)
class Warp:
    """A triangulated picture at rest, ready to be sampled at moved vertices.

    Attributes:
        rest: (V, 2) float32, vertices in source pixels.
        triangles: (F, 3) int, vertices of each triangle.
        still: (V,) bool, vertices that never move: triangles of such are painted once.
        under: how many triangles at the start of `triangles` any other one hides (inside eyes and
            mouth).
        scale: source pixels per output pixel.
        size: side of the output in pixels.
    """

    rest: Floats
    triangles: NDArray[np.integer[Any]]
    still: NDArray[np.bool_]
    under: int
    scale: float
    size: int
    # (F, 2, 2) rest edges from each triangle's first corner
    _edges: NDArray[np.float64] = field(init=False)
    _middle: NDArray[np.float64] = field(init=False)  # (F, 2) rest centroids
    _still: NDArray[np.float64] = field(init=False)  # corners of the triangles that never move
    _base: NDArray[np.int32] = field(init=False)  # (size, size) triangles that never move
    _moving: NDArray[np.bool_] = field(init=False)  # (F,)
    _planes: Floats = field(init=False)  # (6, size, size) scratch: the affine map of each pixel

    def __post_init__(self) -> None:
        corner = self.rest[self.triangles].astype(np.float64)
        object.__setattr__(self, "_edges", corner[:, 1:] - corner[:, :1])
        object.__setattr__(self, "_middle", corner.mean(1))
        object.__setattr__(self, "_moving", ~self.still[self.triangles].all(1))
        object.__setattr__(self, "_base", np.zeros((self.size, self.size), np.int32))
        object.__setattr__(self, "_still", (corner / self.scale)[~self._moving])
        self._paint(self._base, corner / self.scale, np.flatnonzero(~self._moving))
        object.__setattr__(self, "_planes", np.empty((6, self.size, self.size), np.float32))

    def __call__(self, moved: Floats, depth: Floats) -> tuple[Floats, Floats]:
        """Where each output pixel comes from.

        Args:
            moved: (V, 2) vertices now, in source pixels.
            depth: (V,) distance from the camera; nearer triangles hide others.

        Returns:
            x and y, each (size, size) float32: source coordinates for
            `cv2.remap`.
        """
        # (F, 3, 2) corners in output pixels
        now = (moved / self.scale)[self.triangles].astype(np.float64)
        edges = now[:, 1:] - now[:, :1]
        (ax, ay), (bx, by) = edges[:, 0].T, edges[:, 1].T
        area = ax * by - ay * bx
        owner = self._owner(now, area, depth)
        # a collapsed triangle has one colour
        area = np.where(np.abs(area) < 1e-3, np.inf, area)
        # pixel offset @ linear = source offset: the inverse of the edges now
        # times the edges at rest
        (px, py), (qx, qy) = self._edges[:, 0].T, self._edges[:, 1].T
        rows = [by * px - ay * qx, by * py - ay * qy]
        rows += [ax * qx - bx * px, ax * qy - bx * py]
        linear = np.stack(rows) / area
        size = np.abs(linear).reshape(2, 2, -1).max((0, 1))
        linear /= np.maximum(size / (STEEP * self.scale), 1)
        x, y = ((now[:, 0] + now[:, 1] + now[:, 2]) / 3).T
        shift = self._middle.T - (linear[:2] * x + linear[2:] * y)
        table = np.concatenate([linear, shift]).astype(np.float32)
        a = self._planes
        for plane, column in zip(a, table, strict=True):
            np.take(column, owner, out=plane, mode="clip")
        axis = np.arange(self.size, dtype=np.float32)
        home = np.broadcast_to(axis * np.float32(self.scale), a[0].shape)
        a[:2] *= axis
        a[2:4] *= axis[:, None]
        source_x, source_y = a[0] + a[2] + a[4], a[1] + a[3] + a[5]
        return self._settle(source_x, home), self._settle(source_y, home.T)

    @staticmethod
    def _settle(source: Floats, home: Floats) -> Floats:
        """Single pixels that fell into a sliver take their neighbours' displacement, and steps at
        hidden edges are softened.
        """
        import cv2

        return cv2.blur(cv2.medianBlur(source - home, 3), (3, 3)) + home

    def _owner(
        self, now: NDArray[np.float64], area: NDArray[np.float64], depth: Floats
    ) -> NDArray[np.int32]:
        """(size, size) triangle seen at each pixel.

        Painted from far to near, those turned away first.
        """
        # somebody who leans moves even what rests otherwise
        leans = bool(np.abs(now[~self._moving] - self._still).max(initial=0) > 0.01)
        owner = np.zeros_like(self._base) if leans else self._base.copy()
        rank = np.where(area > 0, 1e6, 0.0) - depth[self.triangles] @ np.full(3, 1 / 3)
        rank[: self.under] -= 2e6
        low, high = (
            np.minimum(np.minimum(now[:, 0], now[:, 1]), now[:, 2]),
            np.maximum(np.maximum(now[:, 0], now[:, 1]), now[:, 2]),
        )
        seen = (
            (self._moving | leans)
            & (high[:, 0] > -1)
            & (high[:, 1] > -1)
            & (low[:, 0] < self.size)
            & (low[:, 1] < self.size)
        )
        order = np.argsort(rank, kind="stable")
        self._paint(owner, now, order[seen[order]])
        return owner

    def _paint(
        self, owner: NDArray[np.int32], corners: NDArray[np.float64], order: NDArray[np.intp]
    ) -> None:
        import cv2

        fixed = np.round(np.clip(corners[order], -self.size, 2 * self.size) * 2**SHIFT).astype(
            np.int32
        )
        paint = cv2.fillConvexPoly
        for index, corner in zip(order.tolist(), fixed, strict=True):
            paint(owner, corner, index, cv2.LINE_8, SHIFT)
