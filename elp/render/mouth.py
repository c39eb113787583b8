"""What is seen when the lips part (chapter "The renderer")."""

# V vertex, S side of the source picture in pixels
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elp.render.shapes import coverage
from elp.render.rig import smooth
from elp.render.topology import LIP_LOWER, LIP_UPPER

Floats = NDArray[np.float32]
RIM = np.concatenate([LIP_UPPER, LIP_LOWER[-2:0:-1]])


def gap(points: Floats) -> float:
    """Distance between the inner lips at the middle, relative to the width of the mouth."""
    return float(np.linalg.norm(points[13] - points[14]) / max(np.linalg.norm(points[78] - points[308]), 1e-6))


def keep_apart(moved: Floats, rest: Floats) -> None:
    """Lips that would pass through each other meet instead, in place.

    Args:
        moved: (V, 2) vertices now, source pixels.
        rest: (V, 2) vertices at rest.
    """
    down = moved[152] - moved[10]
    down = down / np.linalg.norm(down)
    was, now = (((p[LIP_LOWER] - p[LIP_UPPER]) * down).sum(1) for p in (rest, moved))
    lack = np.maximum(np.minimum(was, 0) - now, 0)[1:-1, None] / 2
    moved[LIP_UPPER[1:-1]] -= lack * down
    moved[LIP_LOWER[1:-1]] += lack * down


@dataclass(frozen=True, kw_only=True)
class Mouth:
    """The inside of the mouth: the picture's own teeth where it shows some, a dark warm hollow elsewhere.

    Attributes:
        source: (S, S, 4) float32 RGB of the portrait and how much of each pixel lies between its lips.
        hollow: (3,) float32 RGB, the darkest colour inside.
        gap: of the lips at rest.
    """

    source: Floats
    hollow: Floats
    gap: float

    @classmethod
    def build(cls, image: Floats, points: Floats) -> Mouth:
        """From (S, S, 3) float32 `image` and its (478, 2) tracked `points`."""
        import cv2

        inside = coverage(points[RIM], image.shape[:2])
        inside = cv2.dilate(inside, np.ones((3, 3), np.uint8))
        inside = cv2.GaussianBlur(inside, (0, 0), 1.0) * float(smooth((gap(points) - 0.03) / 0.05))
        low, high = points[RIM].min(0).astype(int), points[RIM].max(0).astype(int) + 2
        lips = image[low[1] - 4 : high[1] + 4, low[0] : high[0]].reshape(-1, 3)
        dark = np.percentile(lips, 8, axis=0) if len(lips) else np.full(3, 40.0)
        hollow = 0.45 * dark * np.array([1.0, 0.72, 0.7])
        return cls(source=np.dstack([image, inside]).astype(np.float32), hollow=hollow.astype(np.float32), gap=gap(points))

    def paint(self, picture: Floats, moved: Floats, skull: Floats, rest: Floats, scale: float) -> None:
        """Show the inside through the opening of the lips, in place.

        Args:
            picture: (size, size, 3) float32 to paint on.
            moved: (V, 2) vertices now, source pixels.
            skull: (20, 2) where the rim of the lips would be, had only the head moved.
            rest: (V, 2) vertices at rest, source pixels.
            scale: source pixels per output pixel.
        """
        import cv2

        change = float(smooth(abs(gap(moved) - self.gap) / 0.06))
        if change <= 0:
            return
        edge = moved[RIM] / scale
        low = np.floor(edge.min(0) - 2).astype(int).clip(0)
        high = np.minimum(np.ceil(edge.max(0) + 3).astype(int), len(picture))
        mask = change * cv2.GaussianBlur(coverage(edge - low, (high - low)[::-1]), (0, 0), 0.6)
        x, y = np.meshgrid(np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32))
        x, y = x * scale, y * scale
        affine = np.linalg.lstsq(np.column_stack([skull, np.ones(len(skull))]), rest[RIM], rcond=None)[0].astype(np.float32)
        back = np.stack([x, y, np.ones_like(x)], -1) @ affine
        own = cv2.remap(self.source, back[..., 0], back[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = self.hollow + 0 * own[..., :3]
        share = own[..., 3:]
        colour = share * own[..., :3] + (1 - share) * inside
        box = picture[low[1] : high[1], low[0] : high[0]]
        box += mask[..., None] * (colour - box)
