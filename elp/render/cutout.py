"""The person cut from the portrait, sampled anew in every frame over the wall behind (chapter "The
renderer").
"""

# S side of the source picture in pixels
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.render.matte import extend, inpaint_background

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
Image = NDArray[Any]  # uint8
DETAIL = 0.7  # of a source picture's own pixels per pixel: with fewer it has no detail to lose


@dataclass(frozen=True, kw_only=True, eq=False)
class Cutout:
    """A person and a wall, ready to be put together.

    Attributes:
        person: uint8 RGB, premultiplied, and how much of each pixel the wall shows through (255:
            all of it). It goes on beyond the picture's edges, and has `up` pixels per source pixel:
            sampled between its pixels a picture loses contrast, the finer the less.
        back: (size, size, 3) uint8, the wall.
        pad: source pixels that the person goes on beyond each edge.
        up: pixels of `person` per source pixel.
    """

    person: Image
    back: Image
    pad: int
    up: int

    @classmethod
    def build(cls, image: Floats, matte: Floats, fine: int, own: float) -> Cutout:
        """From a picture and how much of it is the person.

        Args:
            image: (S, S, 3) float32.
            matte: (S, S) float32.
            fine: source pixels per output pixel: pixel j of a frame is pixel `fine` j of the
                source picture's means.
            own: pixels of the photograph per pixel of `image`.
        """
        import cv2

        side = len(image)
        pad, up = side // 6, 2 if own > DETAIL else 1
        grown = cv2.dilate(
            (matte > 0.02).astype(np.float32), np.ones((2 * (side // 50) + 1,) * 2, np.uint8)
        )
        back = inpaint_background(image, grown)
        picture, wall, cover = (mean4(x) for x in extend(image, back, matte, pad))
        # light can only be added: what is darker than the wall hides it, whatever the matte says
        shows = (np.maximum(picture, 1) / np.maximum(wall, 1)).min(2, keepdims=True)
        wall = np.rint(wall)
        gone = np.rint(255 * np.minimum(1 - cover, shows).clip(0, 1))
        person = np.rint(picture - np.rint(gone * wall / np.float32(255)))
        layer = np.dstack([person, gone]).clip(0, 255).astype(np.uint8)
        return cls(
            person=_finer(layer, up),
            back=np.ascontiguousarray(wall[pad:-pad:fine, pad:-pad:fine], np.uint8),
            pad=pad,
            up=up,
        )

    def __call__(self, at: Floats) -> Image:
        """(size, size, 3) uint8 RGB, the person over the wall.

        Args:
            at: (size, size, 2) float32, where each pixel of the frame was in the source picture.
        """
        import cv2

        where: Floats = (at + np.float32(self.pad)) * np.float32(self.up)
        one = np.empty(0, np.float32)  # no second map: x and y are in one
        seen = cv2.remap(self.person, where, one, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        gone = cv2.cvtColor(cv2.extractChannel(seen, 3), cv2.COLOR_GRAY2RGB)
        person = cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB)
        return cv2.add(person, cv2.multiply(gone, self.back, scale=1 / 255))


def mean4(picture: Floats) -> Floats:
    """Mean of each pixel with its right, lower and diagonal neighbour."""
    padded = np.pad(picture, ((0, 1), (0, 1), (0, 0)), mode="edge")
    return np.ascontiguousarray(
        (padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]) / 4, np.float32
    )


def _finer(picture: Image, up: int) -> Image:
    """`up` times as many pixels: every up-th one is a pixel of `picture`, cubic in between."""
    import cv2

    if up == 1:
        return picture
    to = np.array([[1 / up, 0, 0], [0, 1 / up, 0]])
    size = (up * picture.shape[1], up * picture.shape[0])
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, to, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
