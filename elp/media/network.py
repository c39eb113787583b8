"""Published networks run by LiteRT, and the square patches of pictures that they look at.

Coordinates are pixels counted from the picture's upper left edge: the first pixel's centre is 0.5.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.face.landmarks import CORNERS_L, CORNERS_R, TRACKED
from elp.media import weights

Image = NDArray[Any]  # uint8: OpenCV's own annotations are too wide to be checked
Points = NDArray[np.float32]
SIDE = 256  # pixels of the patch that the landmark network looks at
FULLY_BUFFERED, UNBUFFERED = 0, 2  # how C writes, as its <stdio.h> numbers it
SEEK_HERE = 1
ONE_AT_A_TIME = threading.Lock()
MARGIN = 1.5  # its side in longer sides of the points' upright box


class Crop(NamedTuple):
    """A square of a picture: centre and side in pixels, and how far it is turned, in radians."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    @property
    def turn(self) -> NDArray[np.float64]:
        """(2, 2) rotation from the picture's axes to the crop's."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return np.array([[c, s], [-s, c]])


@contextlib.contextmanager
def unlogged() -> Iterator[None]:
    """What C and C++ code logs meanwhile through its own `stderr` is kept in memory and dropped.

    File descriptor 2 stays as it is, so that other threads and processes lose nothing.
    """
    for stderr, purge in (("stderr", "__fpurge"), ("__stderrp", "fpurge")):  # GNU, musl; macOS
        with contextlib.suppress(AttributeError, OSError, TypeError, ValueError):
            libc = ctypes.CDLL(None)
            stream, drop = ctypes.c_void_p.in_dll(libc, stderr), getattr(libc, purge)
            break
    else:  # Windows: the line is seen
        yield
        return
    kept = ctypes.create_string_buffer(1 << 16)
    with ONE_AT_A_TIME:
        # glibc would let the first words out of a stream that has written before; seeking to where
        # it is makes it forget that
        libc.fseek(stream, ctypes.c_long(0), SEEK_HERE)
        libc.setvbuf(stream, kept, FULLY_BUFFERED, ctypes.c_size_t(len(kept)))
        try:
            yield
        finally:
            drop(stream)
            libc.setvbuf(stream, None, UNBUFFERED, ctypes.c_size_t(0))


class Network:
    """One tflite model: a picture (H, W, 3) float32 in, its outputs without the batch out.

    Raises:
        ElpError: LiteRT is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ElpError(
                'face tracking needs ai-edge-litert: pip install -e ".[media]" in the clone'
            ) from error
        with unlogged():  # the first one says that it is there, and no option keeps it from that
            # from memory: C++ opens no names beyond the system's code page
            self._net = Interpreter(model_content=path.read_bytes(), num_threads=1)
            self._net.allocate_tensors()
        self._entry = self._net.get_input_details()[0]["index"]
        self._exits = [row["index"] for row in self._net.get_output_details()]

    def __call__(self, picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        self._net.set_tensor(self._entry, picture[None])
        self._net.invoke()
        return [self._net.get_tensor(index)[0] for index in self._exits]


def patch(image: Image, crop: Crop, pixels: int) -> Image:
    """(pixels, pixels, 3) uint8 view of a crop; black outside the picture.

    What is shrunk by two or more is averaged over areas first: a small face must not fall between
    the samples.
    """
    import cv2

    shrink, x, y = max(1, int(crop.side // pixels)), 0, 0
    if shrink > 1:
        reach = crop.side / 2 * float(np.abs(crop.turn[0]).sum()) + 2 * shrink
        x, y = max(0, int(crop.x - reach)), max(0, int(crop.y - reach))
        image = _shrunk(image[y : int(crop.y + reach), x : int(crop.x + reach)], shrink)
        if not image.size:
            return np.zeros((pixels, pixels, 3), np.uint8)
    turn = crop.turn * pixels / crop.side
    # a point's place, from the shrunk pixel's centre to the patch's
    move = pixels / 2 - turn @ (crop.x - x - shrink / 2, crop.y - y - shrink / 2) - 0.5
    matrix = np.concatenate([turn * shrink, move[:, None]], 1)
    return cv2.warpAffine(np.ascontiguousarray(image), matrix, (pixels, pixels))


def _shrunk(image: Image, by: int) -> Image:
    """A whole number of times smaller, averaged over areas, of which four by four samples do."""
    import cv2

    h, w = image.shape[0] // by, image.shape[1] // by
    if not h or not w:
        return image[:0]
    step = max(1, by // 4)
    image = image[step // 2 : h * by : step, step // 2 : w * by : step]
    return cv2.resize(np.ascontiguousarray(image), (w, h), interpolation=cv2.INTER_AREA)


def around(points: Points) -> Crop:
    """The crop for the next picture: upright by the eyes, around the points' box."""
    x, y = points[CORNERS_L[0], :2] - points[CORNERS_R[0], :2]
    turn = Crop(0, 0, 1, float(np.arctan2(y, x)))
    upright = points[:, :2] @ turn.turn.T
    low, high = upright.min(0), upright.max(0)
    x, y = (low + high) / 2 @ turn.turn
    return Crop(float(x), float(y), MARGIN * float((high - low).max()), turn.angle)


class Landmarker:
    """The 478 points of the face in a crop (Face Landmarker v2)."""

    def __init__(self) -> None:
        self._net = Network(weights.find("landmarks"))

    def __call__(self, image: Image, crop: Crop) -> tuple[Points, float, Image]:
        """Points (478, 3) in pixels of the picture, how sure the network is of a face (0 to 1), and
        the patch (256, 256, 3) that it saw.
        """
        seen = patch(image, crop, SIDE)
        points, sure, _ = self._net(np.asarray(seen, np.float32) / np.float32(255))
        points = points.reshape(TRACKED, 3) * np.float32(crop.side / SIDE)
        points[:, :2] = (points[:, :2] - crop.side / 2) @ crop.turn + (crop.x, crop.y)
        return points, float(1 / (1 + np.exp(-np.clip(sure.ravel()[0], -80, 80)))), seen
