"""One continuous triangulation of the picture, moved and sampled back (chapter "The renderer")."""

# V vertex, F triangle
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
Indices = NDArray[np.intp]
# a triangle squeezed more than this is sampled as if by this much: it is thinner than a pixel,
# which would overshoot it
STEEP = 4.0
STRIP = 32  # rows of the output at a time


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
    # x and y of each output pixel, twice: the two columns of a map are scaled at once
    _axes: tuple[Floats, Floats] = field(init=False)
    _home: Floats = field(init=False)  # (size, size, 2) where each output pixel is at rest

    def __post_init__(self) -> None:
        corner = self.rest[self.triangles].astype(np.float64)
        moving = ~self.still[self.triangles].all(1)
        axis = np.arange(self.size, dtype=np.float32)
        home = np.stack(np.meshgrid(axis, axis), -1) * np.float32(self.scale)
        base = np.zeros((self.size, self.size), np.int32)
        paint(base, corner / self.scale, np.flatnonzero(~moving))
        for name, value in {
            "_edges": corner[:, 1:] - corner[:, :1],
            "_middle": corner.mean(1),
            "_still": (corner / self.scale)[~moving],
            "_base": base,
            "_moving": moving,
            "_axes": (np.repeat(axis, 2), axis[:, None]),
            "_home": home,
        }.items():
            object.__setattr__(self, name, value)

    def __call__(self, moved: Floats, depth: Floats) -> Floats:
        """Where each output pixel comes from.

        Args:
            moved: (V, 2) vertices now, in source pixels.
            depth: (V,) distance from the camera; nearer triangles hide others.

        Returns:
            (size, size, 2) float32: source coordinates x and y for
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
        return self._settle(self._affine(owner, linear, shift))

    def _affine(
        self, owner: NDArray[np.int32], linear: NDArray[np.float64], shift: NDArray[np.float64]
    ) -> Floats:
        """(size, size, 2) the affine map of each pixel's triangle, at that pixel."""
        # x and y of a source travel as one complex number: half as many look-ups
        columns = [(z[0] + 1j * z[1]).astype(np.complex64) for z in (linear[:2], linear[2:], shift)]
        out = np.empty((self.size, self.size, 2), np.float32)
        across, down = self._axes
        for top in range(0, self.size, STRIP):  # what is at work stays in the processor's cache
            rows = slice(top, top + STRIP)
            by_x, by_y, shifted = (
                np.take(column, owner[rows], mode="clip").view(np.float32) for column in columns
            )
            by_x *= across
            by_y *= down[rows]
            by_x += by_y
            np.add(by_x, shifted, out=out[rows].reshape(by_x.shape))
        return out

    def _settle(self, source: Floats) -> Floats:
        """Single pixels that fell into a sliver take their neighbours' displacement, and steps at
        hidden edges are softened.
        """
        import cv2

        source -= self._home
        return cv2.add(cv2.blur(cv2.medianBlur(source, 3), (3, 3)), self._home)

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
        order = np.argsort(rank, kind="stable")
        paint(owner, now, order if leans else order[self._moving[order]])
        return owner


def paint(owner: NDArray[np.int32], corners: NDArray[np.float64], order: NDArray[np.intp]) -> None:
    """Write the numbers of triangles into the pixels that they cover, in place; later ones hide
    earlier ones.

    Row by row, all triangles at once: a pixel belongs to a triangle if its centre lies inside, on
    its left or on its upper edge, so that neighbours share no pixel and leave none out.

    Args:
        owner: (H, W), contiguous.
        corners: (F, 3, 2) of all triangles, pixels.
        order: (N,) triangles to paint.
    """
    height, width = owner.shape
    x, y = np.moveaxis(corners[order], 2, 0)
    sort = np.argsort(y, 1)
    x, y = np.take_along_axis(x, sort, 1), np.take_along_axis(y, sort, 1)
    first, last = np.ceil(y[:, [0, 2]]).clip(0, height).astype(np.intp).T
    which = np.repeat(np.arange(len(order)), last - first)
    row = _ranges(first, last - first)
    # the long edge, and the upper or the lower one on its other side
    (xa, xb, xc), (ya, yb, yc) = x.T, y.T
    with np.errstate(divide="ignore", invalid="ignore"):  # level edges cross no row
        slopes = np.stack([(xc - xa) / (yc - ya), (xb - xa) / (yb - ya), (xc - xb) / (yc - yb)])
    below = (row >= yb[which]).astype(np.intp)
    one = xa[which] + (row - ya[which]) * slopes[0, which]
    other = x[which, below] + (row - y[which, below]) * slopes[1 + below, which]
    left, right = np.ceil(np.stack([np.minimum(one, other), np.maximum(one, other)])).clip(0, width)
    length = (right - left).astype(np.intp)
    pixels = _ranges(row * width + left.astype(np.intp), length)
    owner.reshape(-1)[pixels] = np.repeat(order[which].astype(owner.dtype), length)


def _ranges(start: Indices, length: Indices) -> Indices:
    """Ranges of integers, one after the other."""
    ends = np.cumsum(length)
    return np.repeat(start - ends + length, length) + np.arange(ends[-1] if len(ends) else 0)
