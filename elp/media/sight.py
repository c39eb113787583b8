"""How well a face is seen: found alike at a second look, lit, and with eyes that show."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elp.face.landmarks import CORNERS_L, CORNERS_R, EAR_L, EAR_R
from elp.media.network import SIDE, Crop, Image, Points

AGAIN = 12  # pictures between two second looks at somebody
# the second look's crop: moved and grown, in sides of the first, and turned, in radians
MOVED, GROWN, TURNED = (0.06, 0.03), 1.12, 0.12
# points apart at the second look, in hundredths of the distance of the eyes: faces in the open
# 1 to 2, behind a mask or dark glasses about 3, no face at all 10 and more
ALIKE, FALSE = 2.0, 7.0
MOUTH = (61, 291, 13, 14, 0, 17, 78, 308)
SKIN = (50, 280, 205, 425, 117, 346, 151, 9, 108, 337)  # cheeks and forehead
LIT = 30.0  # grey levels of skin, of 255: below, points rest on noise
# an eye's grey level and its deviation, in those of the skin: dark glasses and a hand before it
# have the first, open and shut eyes the second or more
DARK, BARE = (0.3, 0.5), (0.09, 0.13)
GRAIN = 128  # pixels of the patch on which grey levels are taken
# places on an eye: shares of the way from corner to corner, and of that length up and down
ALONG, ACROSS = np.linspace(0, 1, 12)[None, :, None], np.linspace(-0.3, 0.3, 8)[:, None, None]


class Sight(NamedTuple):
    """How sure points are, and how much the eyes show: 0 to 1 each."""

    confidence: float
    eyes: float


def second(crop: Crop) -> Crop:
    """A crop of the same face that shows it a little differently."""
    x, y = (at + by * crop.side for at, by in zip(crop[:2], MOVED, strict=True))
    return Crop(x, y, GROWN * crop.side, crop.angle + TURNED)


def apart(one: Points, other: Points) -> float:
    """How far two looks (478, 3) at a face disagree about eyes or mouth, whichever is worse.

    In hundredths of the distance of the eyes' outer corners.
    """
    far = np.linalg.norm((one - other)[:, :2], axis=1)
    scale = np.linalg.norm((one[CORNERS_R[0]] - one[CORNERS_L[0]])[:2])
    worst = max(far[[*EAR_R, *EAR_L]].mean(), far[list(MOUTH)].mean())
    return float(100 * worst / max(scale, 1e-6))


def sight(seen: Image, points: Points, crop: Crop, disagreement: float) -> Sight:
    """How well a face is seen in the patch (256, 256, 3) of its crop.

    Args:
        points: (478, 3) in pixels of the picture.
        disagreement: what `apart` gave at the last second look.
    """
    import cv2

    scale = GRAIN / SIDE
    small = cv2.resize(seen, (GRAIN, GRAIN), interpolation=cv2.INTER_AREA)
    red, green, blue = np.asarray(cv2.split(small), np.float32)
    grey = (red + green + blue) / np.float32(3)  # a mean over axes so short takes ten times longer
    xy = ((points[:, :2] - (crop.x, crop.y)) @ crop.turn.T / crop.side + 0.5) * SIDE * scale - 0.5
    skin = float(np.median(_levels(grey, xy[list(SKIN)])))
    eyes = [_levels(grey, _window(xy[e[0]], xy[e[3]])) / (skin + 1) for e in (EAR_R, EAR_L)]
    # the better of the two: a face half in shadow shows one
    shown = min(
        max(_between(float(eye.mean()), *DARK) for eye in eyes),
        max(_between(float(eye.std()), *BARE) for eye in eyes),
    )
    alike = float(np.exp(-max(disagreement - ALIKE, 0.0) / 3))
    return Sight(alike * min(1.0, skin / LIT), shown)


def _levels(grey: NDArray[np.float32], xy: NDArray[np.floating]) -> NDArray[np.float32]:
    import cv2

    x, y = np.moveaxis(xy.astype(np.float32), -1, 0)
    at = np.atleast_2d(x), np.atleast_2d(y)
    out = cv2.remap(grey, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.float32)


def _window(inner: NDArray[np.floating], outer: NDArray[np.floating]) -> NDArray[np.floating]:
    """(8, 12, 2) places on an eye, from corner to corner."""
    along = outer - inner
    across = np.array([-along[1], along[0]])
    return inner + ALONG * along + ACROSS * across


def _between(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)
