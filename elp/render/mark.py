"""The word in the corner that says what a picture is (chapter "The renderer")."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
WORD = "synthetic"


def stamp(picture: Image) -> Image:
    """`picture` (H, W, 3) with "synthetic" in its lower left corner.

    Light letters with a dark rim, legible from 64 pixels on.
    """
    cover, light = _word(min(picture.shape[:2]))
    h, w = cover.shape[:2]
    out = picture.copy()
    box = out[-h:, :w]
    box[:] = np.rint(box * (1 - cover) + light * cover).astype(np.uint8)
    return out


@cache
def _word(side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coverage and brightness (h, w, 1) of the word for pictures of that side."""
    import cv2

    fine, scale = 4, side / 256 * 0.36
    (w, h), base = cv2.getTextSize(WORD, cv2.FONT_HERSHEY_SIMPLEX, scale * fine, 1)
    pad = round(fine * side / 256 * 5)
    shape = (fine * ((h + base + 2 * pad) // fine), fine * min(side, (w + 2 * pad) // fine))
    rim, letters = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for layer, thick in ((rim, 3.2), (letters, 1.1)):
        width = max(1, round(thick * fine * side / 256))
        cv2.putText(
            layer,
            WORD,
            (pad, shape[0] - pad - base // 2),
            cv2.FONT_HERSHEY_SIMPLEX,
            scale * fine,
            255,
            width,
            cv2.LINE_AA,
        )
    small = [
        cv2.resize(x, (shape[1] // fine, shape[0] // fine), interpolation=cv2.INTER_AREA)[..., None]
        / np.float32(255)
        for x in (rim, letters)
    ]
    cover = np.maximum(0.35 * small[0], 0.8 * small[1])
    return cover, 255 * small[1]
