"""Lids that close over an eyeball that is not squeezed (chapter "The renderer")."""

# V vertex, S side of the source picture in pixels
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elp.render.matte import pyramid_fill
from elp.render.topology import IRIS, LOWER, UPPER

Floats = NDArray[np.float32]
LINE = 0.13  # where the lids meet, from the lower (0) to the upper lid (1)
FOLLOW = (1.0, 0.42, 0.1)  # how far margin, lid skin and the skin beyond follow a lid


def close(moved: Floats, eye: str, closure: float, lash: NDArray[np.int64]) -> None:
    """Bring the lids of one eye together, in place.

    Args:
        moved: (V, 2) vertices in source pixels, with every motion but the blink.
        eye: "r" or "l", the subject's.
        closure: 0 leaves the lids, 1 makes them meet exactly, below 0 opens them wider.
        lash: (2, 7) vertices of the upper and lower lash line.
    """
    upper, lower = UPPER[eye][0][1:-1], LOWER[eye][0][1:-1]
    gap = moved[upper] - moved[lower]
    meet = moved[lower] + LINE * gap
    for rows, line, step in ((UPPER[eye], lash[0], meet - moved[upper]), (LOWER[eye], lash[1], meet - moved[lower])):
        step = closure * step
        for row, share in zip(rows, FOLLOW, strict=True):
            moved[row[1:-1]] += share * step
        moved[line] += step


@dataclass(frozen=True, kw_only=True)
class Eye:
    """One eyeball: the picture inside the lids, continued behind them.

    Attributes:
        side: "r" or "l", the subject's.
        ball: (S, S, 3) float32, the source with the lids painted over by what is behind them.
        iris: (2,) centre of the iris at rest, source pixels.
        radius: of the iris, source pixels.
    """

    side: str
    ball: Floats
    iris: Floats
    radius: float

    @classmethod
    def build(cls, image: Floats, points: Floats, side: str) -> Eye:
        """From (S, S, 3) float32 `image` and its (478, 2) tracked `points`."""
        import cv2

        rim = points[outline(side)]
        width = np.linalg.norm(points[UPPER[side][0][0]] - points[UPPER[side][0][-1]])
        inside = polygon(rim, image.shape[:2])
        thick = max(1, round(0.035 * width))
        core = cv2.erode(inside, np.ones((2 * thick + 1, 1), np.uint8))
        low = np.floor(rim.min(0) - 0.6 * width).astype(int).clip(0)
        high = np.ceil(rim.max(0) + 0.6 * width).astype(int)
        box = np.s_[low[1] : high[1], low[0] : high[0]]
        n = max(image[box].shape[:2])
        patch, known = np.zeros((n, n, 3), np.float32), np.zeros((n, n), np.float32)
        h, w = image[box].shape[:2]
        patch[:h, :w], known[:h, :w] = image[box], core[box] > 127
        filled = cv2.GaussianBlur(pyramid_fill(patch, known), (0, 0), 0.8)[:h, :w]
        keep = cv2.dilate(inside, np.ones((3, 3), np.uint8))[box, None] if False else (inside[box] > 0)[..., None]
        ball = image.copy()
        ball[box] = np.where(keep, image[box], filled)
        centre = IRIS[side]
        radius = float(np.linalg.norm(points[centre + 1 : centre + 5] - points[centre], axis=1).mean())
        return cls(side=side, ball=ball, iris=points[centre].astype(np.float32), radius=radius)

    def paint(self, picture: Floats, moved: Floats, rest: Floats, gaze: Floats, scale: float) -> None:
        """Show the eyeball through the opening of the lids, in place.

        Args:
            picture: (size, size, 3 or 4) float32 to paint on.
            moved: (V, 2) vertices now, source pixels.
            rest: (V, 2) vertices at rest, source pixels.
            gaze: (2,) shift of the iris, source pixels.
            scale: source pixels per output pixel.
        """
        import cv2

        rim = moved[outline(self.side)]
        edge = rim / scale
        low = np.floor(edge.min(0) - 2).astype(int).clip(0)
        high = np.minimum(np.ceil(edge.max(0) + 3).astype(int), len(picture))
        if (high <= low).any():
            return
        mask = opening(edge - low, (high - low)[::-1])
        x, y = np.meshgrid(np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32))
        x, y = x * scale, y * scale
        a, b = UPPER[self.side][0][[0, -1]]
        to, back = (complex(*(p[b] - p[a])) for p in (moved, rest))
        turn = back / to
        z = (x - moved[a, 0]) + 1j * (y - moved[a, 1])
        z = z * turn + complex(*rest[a])
        x, y = z.real.astype(np.float32), z.imag.astype(np.float32)
        reach = np.exp(-((np.hypot(x - self.iris[0], y - self.iris[1]) / (1.7 * self.radius)) ** 4)).astype(np.float32)
        ball = cv2.remap(self.ball, x - gaze[0] * reach, y - gaze[1] * reach, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        box = picture[low[1] : high[1], low[0] : high[0], :3]
        box += mask[..., None] * (ball - box)


def outline(side: str) -> NDArray[np.int64]:
    """(16,) points around the opening of an eye."""
    return np.concatenate([UPPER[side][0], LOWER[side][0][-2:0:-1]])


def polygon(rim: Floats, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """(H, W) uint8, 255 inside the closed curve through `rim` (N, 2) in pixels."""
    import cv2

    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(rim * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    return mask


def opening(rim: Floats, shape: tuple[int, ...]) -> Floats:
    """(H, W) float32 coverage of the pixels by the smooth closed curve through `rim`, antialiased."""
    import cv2

    fine = 4
    for _ in range(2):  # Chaikin: cut the corners
        after = np.roll(rim, -1, 0)
        rim = np.stack([0.75 * rim + 0.25 * after, 0.25 * rim + 0.75 * after], 1).reshape(-1, 2)
    mask = polygon((rim + 0.5) * fine - 0.5, (shape[0] * fine, shape[1] * fine))
    return cv2.resize(mask, (int(shape[1]), int(shape[0])), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
