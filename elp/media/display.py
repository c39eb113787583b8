"""Decoded pictures as FFmpeg shows them (chapter "Parameter extraction").

Pixels that are not square, turned and mirrored pictures, sizes that change within the stream, high
dynamic range.
"""

# H, W pixels
from __future__ import annotations

import functools
import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Size = tuple[int, int]  # width, height
PQ, HLG = 16, 18  # transfer characteristics, ITU-T H.273
WHITE = 203.0  # cd/m2 that are shown as white: the level of a page's white in HDR (BT.2408)
LEVELS, STEPS = 1 << 16, 4096  # of the signal, and of light that is shown
# light of BT.2020's primaries in those of BT.709
TO_709 = np.array(
    [
        [1.660491, -0.587641, -0.072850],
        [-0.124550, 1.132900, -0.008349],
        [-0.018151, -0.100579, 1.118730],
    ],
    np.float32,
)


def shown_size(frame: Any, aspect: Fraction | None) -> Size:
    """Width and height of a decoded picture as displayed, in square pixels."""
    width, height = _square(frame, aspect)
    return (height, width) if _matrix(frame)[0] else (width, height)


def picture(
    frame: Any, aspect: Fraction | None, canvas: Size, longest: int | None, *, grow: bool = False
) -> Image:
    """A decoded picture (H, W, 3) uint8 RGB, upright, in a canvas that keeps its proportions.

    Args:
        frame: a PyAV video frame.
        aspect: width of a pixel in its heights.
        canvas: displayed size of the stream's first picture. Others are fitted into it, unstretched
            and in the middle, for the camera's axis is there; what is left over is black.
        longest: shrink the canvas if its longer side exceeds this many pixels.
        grow: rather enlarge the canvas than shrink a larger picture: calls begin with small ones.
    """
    shown = shown_size(frame, aspect)
    scale = max(1.0, shown[0] / canvas[0], shown[1] / canvas[1]) if grow else 1.0
    scale = min(scale, (longest or 1 << 30) / max(canvas))
    canvas = max(2, round(canvas[0] * scale)), max(2, round(canvas[1] * scale))
    turned, mirror_x, mirror_y = _matrix(frame)
    fit = min(canvas[0] / shown[0], canvas[1] / shown[1])
    size = max(1, round(shown[0] * fit)), max(1, round(shown[1] * fit))
    if abs(size[0] - canvas[0]) + abs(size[1] - canvas[1]) <= 2:
        size = canvas  # the same proportions, rounded
    image = _rgb(frame, size[::-1] if turned else size)
    image = image.transpose(1, 0, 2) if turned else image
    image = image[:: -1 if mirror_y else 1, :: -1 if mirror_x else 1]
    return np.ascontiguousarray(image if size == canvas else _centred(image, canvas))


def _square(frame: Any, aspect: Fraction | None) -> Size:
    # a ratio that no camera has is a damaged header
    believed = aspect if aspect and Fraction(1, 4) <= aspect <= 4 else 1
    return max(2, round(frame.width * believed)), frame.height


def _matrix(frame: Any) -> tuple[bool, bool, bool]:
    """Of the file's display matrix: are x and y exchanged; then, is x mirrored, is y."""
    # x' = a x + c y, y' = b x + d y
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV gives none where it knows one kind not, such as EXIF; it has the turn
        turn = math.radians(frame.rotation)
        a, b, c, d = math.cos(turn), -math.sin(turn), math.sin(turn), math.cos(turn)
    else:
        if data is None:
            return False, False, False
        a, b, _, c, d = (float(x) for x in np.frombuffer(bytes(data), np.int32)[:5])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0


def _centred(image: Image, canvas: Size) -> Image:
    out = np.zeros((canvas[1], canvas[0], 3), np.uint8)
    top, left = (canvas[1] - image.shape[0]) // 2, (canvas[0] - image.shape[1]) // 2
    out[top : top + image.shape[0], left : left + image.shape[1]] = image
    return out


def _rgb(frame: Any, size: Size) -> Image:
    width, height = size
    if frame.color_trc not in (PQ, HLG):
        return frame.to_ndarray(format="rgb24", width=width, height=height)
    return tone_mapped(
        frame.to_ndarray(format="rgb48le", width=width, height=height), frame.color_trc
    )


def tone_mapped(signal: NDArray[np.uint16], transfer: int) -> Image:
    """HDR (H, W, 3) uint16 in BT.2020 -> (H, W, 3) uint8 in BT.709.

    What is not brighter than white keeps its light, as with FFmpeg's zscale at 203 cd/m2 and
    `tonemap=clip`: faces lie there.
    """
    import cv2

    light = cv2.transform(_light(transfer)[signal], TO_709)
    root = np.sqrt(np.clip(light, 0, 1))  # finer steps in the dark
    return _signal()[(root * (STEPS - 1) + np.float32(0.5)).astype(np.uint16)]


@functools.cache
def _light(transfer: int) -> NDArray[np.float32]:
    """(65536,) light for each level of the signal, 1 is white; BT.2100, tables 4 and 5."""
    x = np.linspace(0, 1, LEVELS)
    if transfer == PQ:
        root = x ** (1 / 78.84375)
        part = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        return (10000 / WHITE * part ** (1 / 0.1593017578125)).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(x <= 0.5, x * x / 3, (np.exp((x - c) / a) + b) / 12)
    # the display's gamma on each channel, as FFmpeg's zscale has it
    return (1000 / WHITE * scene**1.2).astype(np.float32)


@functools.cache
def _signal() -> Image:
    """(4096,) signal of a BT.1886 display for each level of the root of light."""
    return np.rint(255 * np.linspace(0, 1, STEPS) ** (2 / 2.4)).astype(np.uint8)
