"""What is seen when the lips part (chapter "The renderer")."""

# V vertex, S side of the source picture in pixels, H x W patch around the mouth
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.render.rig import smooth
from elp.render.shapes import coverage, rounded
from elp.render.topology import LIP_LOWER, LIP_UPPER

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
Image = NDArray[Any]  # uint8
RIM = np.concatenate([LIP_UPPER, LIP_LOWER[-2:0:-1]])
SOFT = 0.06  # parting of touching lips at which half of it is seen, in mouth widths
CLOSED = 0.03  # parting of the lips below which they hide the teeth, in mouth widths
TEETH = 0.125  # height of the upper teeth that show, in mouth widths


def gap(points: Floats) -> float:
    """Distance between the inner lips at the middle, in mouth widths, of (V, 2) `points`."""
    return float(
        np.linalg.norm(points[13] - points[14])
        / max(float(np.linalg.norm(points[78] - points[308])), 1e-6)
    )


def seal(moved: Floats, rest: Floats) -> None:
    """Lips that touch are soft, in place.

    The first of a parting only relieves their pressure, and they never pass through each other.

    Args:
        moved: (V, 2) vertices now, source pixels.
        rest: (V, 2) vertices at rest.
    """
    down = moved[152] - moved[10]
    down = down / np.linalg.norm(down)
    was, now = (((p[LIP_LOWER] - p[LIP_UPPER]) * down).sum(1) for p in (rest, moved))
    soft = SOFT * np.linalg.norm(moved[78] - moved[308]) * (1 - smooth((gap(rest) - 0.03) / 0.06))
    parting = np.maximum(now - was, 0)
    wanted = np.where(
        now > was,
        was + parting * parting / (parting + soft + 1e-9),
        np.maximum(now, np.minimum(was, 0)),
    )
    lack = (wanted - now)[1:-1, None] / 2
    moved[LIP_UPPER[1:-1]] -= lack * down
    moved[LIP_LOWER[1:-1]] += lack * down


@dataclass(frozen=True, kw_only=True)
class Mouth:
    """The inside of the mouth: the picture's own teeth where it shows some.

    Otherwise it is dark and warm, with teeth and tongue as it opens.

    Attributes:
        source: (S, S, 4) float32 RGB of the portrait and how much of each pixel lies between its
            lips.
        hollow: (3,) float32 RGB of the depth of the mouth.
        tongue: (3,) float32 RGB.
        teeth: (3,) float32 RGB.
        gap: of the lips at rest, in mouth widths.
    """

    source: Floats
    hollow: Floats
    tongue: Floats
    teeth: Floats
    gap: float

    @classmethod
    def build(cls, image: Floats, points: Floats) -> Mouth:
        """From (S, S, 3) float32 `image` and its (478, 2) tracked `points`."""
        import cv2

        inside = cv2.dilate(coverage(points[RIM], image.shape[:2]), np.ones((3, 3), np.uint8))
        inside = cv2.GaussianBlur(inside, (0, 0), 1.0) * float(
            smooth((gap(points) - CLOSED) / 0.05)
        )
        low, high = (
            np.clip(bound, 0, len(image) - 1).astype(int)
            for bound in (points[RIM].min(0) - 6, points[RIM].max(0) + 7)
        )
        around = image[low[1] : high[1] + 1, low[0] : high[0] + 1].reshape(-1, 3)
        dark, light = np.percentile(around, [8, 85], axis=0)
        return cls(
            source=np.dstack([image, inside]).astype(np.float32),
            gap=gap(points),
            hollow=(0.4 * dark * [1.0, 0.7, 0.68]).astype(np.float32),
            tongue=(0.6 * light * [1.0, 0.6, 0.58]).astype(np.float32),
            # less colourful than the skin
            teeth=(0.95 * (0.7 * light + 0.3 * light.mean())).astype(np.float32),
        )

    def paint(
        self, picture: Image, moved: Floats, skull: Floats, rest: Floats, scale: float
    ) -> None:
        """Show the inside through the opening of the lips, in place.

        Args:
            picture: (size, size, 3) uint8 to paint on.
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
        if (high <= low).any():
            return
        shown = picture[low[1] : high[1], low[0] : high[0]]
        box = shown.astype(np.float32)
        mask = change * cv2.GaussianBlur(coverage(edge - low, box.shape[:2]), (0, 0), 0.6)
        x, y = (np.arange(low[k], high[k], dtype=np.float32) * np.float32(scale) for k in (0, 1))
        y = y[:, None]
        inside = self._inside(x, y, moved)
        if self.gap > CLOSED:
            affine = np.linalg.lstsq(
                np.column_stack([skull, np.ones(len(skull))]), rest[RIM], rcond=None
            )[0].astype(np.float32)
            back = [x * affine[0, k] + y * affine[1, k] + affine[2, k] for k in (0, 1)]
            own = cv2.remap(self.source, back[0], back[1], cv2.INTER_LINEAR)
            inside += own[..., 3:] * (own[..., :3] - inside)
        box += mask[..., None] * (inside - box)
        shown[:] = rounded(box)

    def _inside(self, x: Floats, y: Floats, moved: Floats) -> Floats:
        """(H, W, 3) colours of an invented mouth at source pixels x (W,), y (H, 1), lit from the
        front.
        """
        right, left = moved[78], moved[308]
        width = np.float32(max(float(np.linalg.norm(left - right)), 1e-6))
        along = (left - right) / width

        def place(px: Floats, py: Floats) -> tuple[Floats, Floats]:
            """Shares of the mouth's width: from its right corner to its left, and down."""
            dx, dy = (px - right[0]) / width, (py - right[1]) / width
            return dx * along[0] + dy * along[1], dy * along[0] - dx * along[1]

        u, v = place(x, y)
        top, bottom = (
            np.interp(u, *place(*moved[row].T)).astype(np.float32) for row in (LIP_UPPER, LIP_LOWER)
        )
        room = np.maximum(bottom - top, 1e-3)
        deep = np.clip((v - top) / room, 0, 1)
        opened = float(smooth((gap(moved) - 0.02) / 0.09))
        invented = opened * (1 - float(smooth((self.gap - CLOSED) / 0.05)))
        middle = np.clip(1 - ((u - 0.5) / 0.5) ** 2, 0, 1)
        out = self.hollow * (1 + 0.5 * (1 - middle))[..., None]
        # the tongue's back lies in the dark, its tip in the light
        tongue = 0.9 * opened * smooth(middle / 0.6) * smooth((deep - 0.4) / 0.5)
        out += tongue[..., None] * (self.tongue * (0.55 + 0.45 * deep)[..., None] - out)
        if invented <= 0:
            return out
        below = np.float32(TEETH) * np.sqrt(middle) - (v - top)
        teeth = 0.92 * invented * smooth(below / 0.022) * smooth((middle - 0.12) / 0.35)
        between = np.exp(-((((u - 0.5) * 8.5 + 0.5) % 1 - 0.5) ** 2) / 0.006)  # two teeth
        light = (
            (0.5 + 0.5 * middle) * (1 - 0.07 * between) * (0.72 + 0.28 * smooth((v - top) / 0.05))
        )
        out += teeth[..., None] * (self.teeth * light[..., None] - out)
        return out
