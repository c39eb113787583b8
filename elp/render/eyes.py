"""Lids that close over an eyeball that is not squeezed (chapter "The renderer")."""

# V vertex, S side of the source picture in pixels
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.render.matte import pyramid_fill
from elp.render.rig import smooth
from elp.render.shapes import chaikin, coverage, polygon
from elp.render.topology import IRIS, LOWER, UPPER

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
MEET = 0.13  # where the lids meet, from the lower (0) to the upper lid (1)
WINK = 0.55  # difference of the lids' shares from where on it is meant
FOLLOW = (1.0, 0.42, 0.1)  # how far margin, lid skin and the skin beyond follow a lid


def together(right: float, left: float) -> list[float]:
    """How far the lid pairs (r, l) of one person are closed: alike, but for a wink.

    Lids share a nerve. What a motion says of one lid alone is the tracker's error or the model's;
    differences count from `WINK` on.

    Args:
        right, left: shares of the closed lid that are asked for.

    Returns:
        Two shares between -0.25, opened wider, and 1, closed.
    """
    both, apart = (right + left) / 2, right - left
    apart *= float(smooth((abs(apart) - WINK) / 0.2))
    return [float(np.clip(x, -0.25, 1)) for x in (both + apart / 2, both - apart / 2)]


def close(moved: Floats, eye: str, closure: float, lash: NDArray[np.int64]) -> None:
    """Bring the lids of one eye together, in place.

    Args:
        moved: (V, 2) vertices in source pixels, with every motion but the blink.
        eye: "r" or "l", the subject's.
        closure: 0 leaves the lids, 1 makes them meet exactly, below 0 opens them wider.
        lash: (2, 7) vertices of the upper and lower lash line.
    """
    upper, lower = UPPER[eye][0][1:-1], LOWER[eye][0][1:-1]
    meet = moved[lower] + MEET * (moved[upper] - moved[lower])
    for rows, line, step in (
        (UPPER[eye], lash[0], meet - moved[upper]),
        (LOWER[eye], lash[1], meet - moved[lower]),
    ):
        for row, share in zip(rows, FOLLOW, strict=True):
            moved[row[1:-1]] += share * closure * step
        moved[line] += closure * step


@dataclass(frozen=True, kw_only=True)
class Eye:
    """One eye in three layers.

    The eyeball behind the lids, the skin of the lid, the line of the lashes.

    Attributes:
        side: "r" or "l", the subject's.
        corner: (2,) place of the patches in the source, pixels.
        ball: (H, W, 3) float32, the source with the lids painted over by what is behind them.
        lid: (H, W, 3) float32, the source with the eye painted over by the skin around it.
        lash: (3,) float32, colour of the lash line.
        iris: (2,) centre of the iris at rest, source pixels.
        radius: of the iris, source pixels.
        width: distance of the corners at rest, source pixels.
    """

    side: str
    corner: Floats
    ball: Floats
    lid: Floats
    lash: Floats
    iris: Floats
    radius: float
    width: float

    @classmethod
    def build(cls, image: Floats, points: Floats, side: str) -> Eye:
        """From (S, S, 3) float32 `image` and its (478, 2) tracked `points`."""
        import cv2

        rim = points[outline(side)]
        width = float(np.linalg.norm(np.ptp(points[UPPER[side][0][[0, -1]]], axis=0)))
        centre, half = rim.mean(0), int(np.ceil(1.0 * width)) + 4
        corner = np.round(centre).astype(int) - half
        grid = np.clip(corner + np.arange(2 * half)[:, None], 0, len(image) - 1)
        patch = image[np.ix_(grid[:, 1], grid[:, 0])]
        inside = polygon(rim - corner, patch.shape[:2]) > 0
        thick = max(1, round(0.035 * width))
        core = cv2.erode(inside.astype(np.uint8), np.ones((2 * thick + 1, 1), np.uint8))
        # half-covered pixels of the rim included
        own = cv2.dilate(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        ball = np.where(
            own[..., None],
            patch,
            cv2.GaussianBlur(pyramid_fill(patch, core.astype(np.float32)), (0, 0), 0.8),
        )
        socket = np.concatenate([UPPER[side][1], LOWER[side][1][-2:0:-1]])
        around = chaikin(len(socket)) @ ((points[socket] - centre) * [1.04, 1.12] + centre - corner)
        skin = 1 - (polygon(around, patch.shape[:2]) > 0).astype(np.float32)
        lid = cv2.GaussianBlur(pyramid_fill(patch, skin), (0, 0), 0.03 * width)
        line = np.round(points[UPPER[side][0][2:-2]] - corner).astype(int)
        near = patch[
            np.clip(line[:, 1, None] + np.arange(-2, 3), 0, 2 * half - 1), line[:, 0, None]
        ].reshape(-1, 3)
        dark = near[np.argsort(near.sum(1))[: max(1, len(near) // 4)]].mean(0)
        c = IRIS[side]
        radius = float(np.linalg.norm(points[c + 1 : c + 5] - points[c], axis=1).mean())
        return cls(
            side=side,
            corner=corner.astype(np.float32),
            ball=ball.astype(np.float32),
            lid=lid.astype(np.float32),
            lash=dark.astype(np.float32),
            iris=points[c].astype(np.float32),
            radius=radius,
            width=width,
        )

    def paint(
        self,
        picture: Floats,
        moved: Floats,
        rest: Floats,
        gaze: Floats,
        closure: float,
        scale: float,
    ) -> None:
        """Show the eyeball through the opening of the lids and draw the closing lid over it, in
        place.

        Args:
            picture: (size, size, 3) float32 to paint on.
            moved: (V, 2) vertices now, lids closed by `closure`, source pixels.
            rest: (V, 2) vertices at rest, source pixels.
            gaze: (2,) shift of the iris, source pixels.
            closure: how far the lids have come together, 0 to 1.
            scale: source pixels per output pixel.
        """
        a, b = UPPER[self.side][0][[0, -1]]
        to, back = (complex(*(p[b] - p[a])) for p in (moved, rest))
        rim = moved[outline(self.side)] / scale
        socket = moved[UPPER[self.side][1]] / scale
        every = np.concatenate([rim, socket])
        low = np.floor(every.min(0) - 4).astype(int).clip(0)
        high = np.minimum(np.ceil(every.max(0) + 5).astype(int), len(picture))
        if (high <= low).any() or abs(to) < 1:
            return
        x, y = np.meshgrid(np.arange(low[0], high[0]) * scale, np.arange(low[1], high[1]) * scale)
        z = ((x - moved[a, 0]) + 1j * (y - moved[a, 1])) * (back / to) + complex(*rest[a])
        x, y = z.real.astype(np.float32), z.imag.astype(np.float32)
        reach = np.exp(
            -((np.hypot(x - self.iris[0], y - self.iris[1]) / (1.7 * self.radius)) ** 4)
        ).astype(np.float32)
        box = picture[low[1] : high[1], low[0] : high[0]]
        mask = coverage(rim - low, box.shape[:2])
        ball = self._sample(
            self.ball, x - np.float32(gaze[0]) * reach, y - np.float32(gaze[1]) * reach
        )
        box += mask[..., None] * (ball - box)
        strength = float(smooth((closure - 0.12) / 0.45))
        if strength > 0:
            lid = self._sample(self.lid, x, y)
            self._lower_lid(box, lid, moved / scale - low, strength, closure)

    def _lower_lid(
        self, box: Floats, lid: Floats, moved: Floats, strength: float, closure: float
    ) -> None:
        """Skin from the crease down to the margin of the upper lid, then the lashes along it."""
        import cv2

        margin, ring, beyond = (moved[row] for row in UPPER[self.side])
        crease = 0.8 * ring + 0.2 * beyond
        width = float(np.linalg.norm(margin[-1] - margin[0]))
        bulge = np.sin(np.linspace(0, np.pi, 9))[:, None] ** 0.6
        down = margin - crease
        down /= np.maximum(np.linalg.norm(down, axis=1, keepdims=True), 1e-6)
        # over the wet rim of the lower lid
        over = margin + 0.045 * width * strength * closure * bulge * down
        sheet = np.concatenate([crease, over[::-1]])
        skin = cv2.GaussianBlur(coverage(sheet, box.shape[:2]), (0, 0), max(0.6, 0.025 * width))
        box += (strength * skin)[..., None] * (lid - box)
        line = np.concatenate(
            [margin - 0.03 * width * bulge * down, (margin + 0.05 * width * bulge * down)[::-1]]
        )
        dark = cv2.GaussianBlur(coverage(line, box.shape[:2]), (0, 0), 0.55)
        box += (0.85 * strength * dark)[..., None] * (self.lash - box)

    def _sample(self, patch: Floats, x: Floats, y: Floats) -> Floats:
        import cv2

        return cv2.remap(
            patch,
            x - self.corner[0],
            y - self.corner[1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )


def outline(side: str) -> NDArray[np.int64]:
    """(16,) points around the opening of an eye."""
    return np.concatenate([UPPER[side][0], LOWER[side][0][-2:0:-1]])
