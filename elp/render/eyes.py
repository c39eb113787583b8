"""Lids that close over an eyeball that is not squeezed (chapter "The renderer")."""

# V vertex, S side of the source picture in pixels
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.render.matte import pyramid_fill
from elp.render.rig import smooth
from elp.render.shapes import coverage, polygon, rounded
from elp.render.topology import BROW, IRIS, LOWER, UPPER

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
Image = NDArray[Any]  # uint8
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
        lid = _lid_skin(patch, points - corner, side)
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
        picture: Image,
        moved: Floats,
        rest: Floats,
        gaze: Floats,
        closure: float,
        scale: float,
    ) -> None:
        """Show the eyeball through the opening of the lids and draw the closing lid over it, in
        place.

        Args:
            picture: (size, size, 3) uint8 to paint on.
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
        # turned and scaled like the line between the corners, z -> turn z
        turn = back / to
        across, down = (
            np.arange(low[k], high[k], dtype=np.float32) * np.float32(scale) - moved[a, k]
            for k in range(2)
        )
        x = np.float32(turn.real) * across - np.float32(turn.imag) * down[:, None] + rest[a, 0]
        y = np.float32(turn.imag) * across + np.float32(turn.real) * down[:, None] + rest[a, 1]
        off = ((x - self.iris[0]) ** 2 + (y - self.iris[1]) ** 2) / np.float32(
            1.7 * self.radius
        ) ** 2
        reach = np.exp(-off * off)
        shown = picture[low[1] : high[1], low[0] : high[0]]
        box = shown.astype(np.float32)
        mask = coverage(rim - low, box.shape[:2])
        ball = self._sample(
            self.ball, x - np.float32(gaze[0]) * reach, y - np.float32(gaze[1]) * reach
        )
        box += mask[..., None] * (ball - box)
        strength = float(smooth((closure - 0.12) / 0.45))
        if strength > 0:
            lid = self._sample(self.lid, x, y)
            self._lower_lid(box, lid, moved / scale - low, strength, closure)
        shown[:] = rounded(box)

    def _lower_lid(
        self, box: Floats, lid: Floats, moved: Floats, strength: float, closure: float
    ) -> None:
        """Skin from below the crease down to the portrait's own lashes, which the margin carries;
        then their line, and the wet rim of the lower lid, which a closed eye hides.
        """
        frame = _Frame(moved, self.side)
        u, v = frame(*_pixels(box))
        margin, crease = frame.row(u, UPPER[self.side][0]), frame.crease(u)
        room = np.maximum(margin - crease, 1e-3)
        down = (v - crease) / room
        width = frame.width
        ends = smooth(np.minimum(u, 1 - u) / 0.16)
        lash = 0.03 * width
        sheet = smooth((down + 0.12) / 0.4) * smooth((margin + 0.5 * lash - v) / lash)
        sheet *= smooth(np.minimum(u - 0.02, 0.98 - u) / 0.2) * (room > 0.02 * width)
        box += (strength * sheet)[..., None] * (lid - box)
        thick = np.maximum(0.034 * width * ends, 0.35)
        line = np.exp(-(((v - margin - 0.25 * thick) / thick) ** 2)) * smooth(
            np.minimum(u, 1 - u) / 0.12
        )
        under = smooth((v - margin) / 0.6) * smooth(
            (margin + 0.11 * width * ends - v) / (0.09 * width)
        )
        box += (strength * closure**2 * under * ends)[..., None] * (lid - box)
        box += (0.85 * strength * line)[..., None] * (self.lash - box)

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


class _Frame:
    """Coordinates along an eye: 0 to 1 from its outer to its inner corner, and pixels down."""

    def __init__(self, points: Floats, side: str) -> None:
        self.points, self.side = points, side
        outer, inner = points[UPPER[side][0][[0, -1]]].astype(np.float32)
        self.origin, along = outer, inner - outer
        self.width = max(float(np.linalg.norm(along)), 1e-3)
        self.across = along / np.float32(self.width)
        down = np.array([-self.across[1], self.across[0]], np.float32)
        below = points[LOWER[side][2][4]] - points[UPPER[side][2][4]]
        self.down = down if down @ below > 0 else -down

    def __call__(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Coordinates u, v of pixels x, y."""
        dx, dy = x - self.origin[0], y - self.origin[1]
        across, down = self.across, self.down
        return (dx * across[0] + dy * across[1]) / self.width, dx * down[0] + dy * down[1]

    def back(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Pixels x, y of coordinates u, v."""
        x, y = (
            self.origin[k] + u * self.width * self.across[k] + v * self.down[k] for k in range(2)
        )
        return x, y

    def row(self, u: Floats, row: NDArray[np.int64]) -> Floats:
        """How far down a row of points lies at u."""
        at, down = self(*self.points[row].T.astype(np.float32))
        order = np.argsort(at)
        return np.interp(u, at[order], down[order]).astype(np.float32)

    def crease(self, u: Floats) -> Floats:
        """How far down the crease of the upper lid lies at u."""
        ring, beyond = (self.row(u, UPPER[self.side][k]) for k in (1, 2))
        return 0.8 * ring + 0.2 * beyond


def _pixels(patch: Floats) -> tuple[Floats, Floats]:
    """x (1, W) and y (H, 1) float32 of a patch's pixels."""
    height, width = patch.shape[:2]
    return np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]


def _lid_skin(patch: Floats, points: Floats, side: str) -> Floats:
    """The skin of the upper lid, which an open eye hides: that between crease and brow, mirrored at
    the crease, darker towards the lashes and the corners.

    Args:
        patch: (H, W, 3) float32 around the eye. points: (478, 2) in its pixels.
    """
    import cv2

    frame = _Frame(points, side)
    u, v = frame(*_pixels(patch))
    crease, brow = frame.crease(u), frame.row(u, BROW[side])
    meet = frame.row(u, LOWER[side][0])
    depth = (v - crease) / np.maximum(meet - crease, 0.1 * frame.width)
    reach = 0.58 * np.maximum(crease - brow, 0.1 * frame.width)
    x, y = frame.back(np.clip(u, 0.05, 0.95), crease - reach * (0.4 + 0.6 * np.abs(depth)))
    mirrored = cv2.remap(
        patch,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    middle = np.clip(1 - (2 * u - 1) ** 2, 0, 1)
    light = 1.02 - 0.14 * smooth((depth - 0.45) / 0.55) - 0.12 * (1 - middle)
    return cv2.GaussianBlur(
        mirrored * light[..., None].astype(np.float32), (0, 0), 0.05 * frame.width
    )
