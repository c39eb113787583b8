"""What somebody looks like: the colours of a face at its mesh points, to tell people apart.

No recognition network: this tells a few people in one video apart, under one light, and nobody from
a crowd. What is compared never leaves memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elp.face.landmarks import POINTS
from elp.media.network import Crop, Image, Points

Looks = NDArray[np.float32]  # (468, 5): log red, green, blue; shares of red and green
GRAIN = 64  # pixels of the patch on which colours are compared: coarser than its sharpness
SAME = 0.78  # alike: one person's pictures of one video 0.8 to 1, two people's 0.7 and less
STRANGE = 0.6  # less alike than this: somebody else, whatever lies between
OTHER = 0.93  # a picture less alike than this to all that are kept is kept too
MOST = 24  # pictures kept of a person
HALF = POINTS // 2  # points that two pictures must share


def looks(seen: Image, points: Points, crop: Crop, size: tuple[int, int]) -> Looks:
    """Colours of a face at its mesh points, whatever its size and turn.

    Args:
        seen: (256, 256, 3) patch of the crop.
        points: (478, 3) in pixels of the picture.
        size: height and width of the picture.

    Returns:
        (468, 5) float32, NaN for points outside the picture.
    """
    import cv2

    small = cv2.resize(seen, (GRAIN, GRAIN), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.0)
    skin = points[:POINTS, :2]
    xy = (skin - (crop.x, crop.y)) @ crop.turn.T * (GRAIN / crop.side) + GRAIN / 2 - 0.5
    x, y = xy.astype(np.float32).T
    colours = cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    colours = colours.reshape(POINTS, 3).astype(np.float32)
    share = colours[:, :2] / (colours.sum(1, keepdims=True) + 30) - 1 / 3
    out = np.concatenate([np.log(colours + 10), share], 1).astype(np.float32)
    # an edge of the picture bleeds a little into its neighbours
    rim = 0.03 * crop.side
    out[((skin < rim) | (skin > np.array(size[::-1]) - rim)).any(1)] = np.nan
    return out


def alike(one: Looks, kept: Sequence[Looks]) -> float:
    """How much a face looks like the most similar of some kept ones: 1 for the same picture.

    The correlation of textures plus the cosine of complexions, less 1, over the points that both
    show; 0 where they share less than half of them.
    """
    rows = np.stack(kept)
    both = np.isfinite(rows[..., 0]) & np.isfinite(one[:, 0])  # (N, 468)
    weight = both[..., None].astype(np.float32)
    a, b = np.where(both[..., None], one, 0), np.where(both[..., None], rows, 0)
    count = np.maximum(both.sum(1), 1)[:, None, None]
    means = [x[..., :3].sum((1, 2), keepdims=True) / (3 * count) * weight for x in (a, b)]
    texture = _cosine(a[..., :3] - means[0], b[..., :3] - means[1])
    similar = texture + _cosine(a[..., 3:], b[..., 3:]) - 1
    return float(np.where(both.sum(1) >= HALF, similar, 0).max())


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) of two (N, 468, K)."""
    dot = np.einsum("npk,npk->n", a, b)
    lengths = np.einsum("npk,npk->n", a, a) * np.einsum("npk,npk->n", b, b)
    return dot / np.sqrt(np.maximum(lengths, 1e-12))
