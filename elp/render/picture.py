"""An image file, whatever its kind, as the picture that a person sees (chapter "The renderer")."""

# H, W pixels
from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError

Image = NDArray[Any]  # uint8
MOST = 1 << 29  # bytes of an image file
LONGEST = 32000  # pixels: OpenCV warps nothing longer
UNREADABLE = "not a readable image: use a PNG or JPEG"


def read(source: str | Path | Image) -> tuple[Image, str]:
    """(H, W, 3) uint8 RGB and a name for messages.

    Turned upright by the file's own orientation tag; transparency over white.
    """
    import cv2

    if isinstance(source, np.ndarray):
        if source.ndim != 3 or source.shape[2] != 3 or source.dtype != np.uint8 or not source.size:
            raise ElpError(
                "portrait: expected an (H, W, 3) uint8 RGB array, "
                f"got {source.shape} {source.dtype}: convert it first"
            )
        return source, "portrait"
    path = Path(source)
    if not path.is_file():
        raise ElpError(f"{path}: no such image: give the name of a PNG or JPEG")
    image: Image | None
    with _unsaid():
        cover, turn = _cover(path)  # refuses what is too large before it is decoded
        if cover is not None and cover.ndim == 3:
            image, cover = cv2.cvtColor(cover, cv2.COLOR_RGBA2BGR), cover[..., 3]
        else:  # as it is stored: OpenCV turns some kinds of file and not others
            how = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
            image = cv2.imdecode(np.fromfile(path, np.uint8), how)
    if image is None:
        raise ElpError(f"{path}: {UNREADABLE}")
    if cover is not None and cover.shape == image.shape[:2]:
        for row, alpha in zip(image, cover[..., None] / np.float32(255), strict=True):
            row[:] = np.rint(row * alpha + 255 * (1 - alpha))
    return _turned(cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image), turn), str(path)


def _turned(image: Image, tag: int) -> Image:
    """Upright by the orientation tag of TIFF 6.0, 1 to 8; 1, and what is none, is as stored."""
    if tag in (5, 6, 7, 8):  # rows are columns
        image = image.swapaxes(0, 1)
    if tag in (2, 3, 6, 7):
        image = image[:, ::-1]
    if tag in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


@contextlib.contextmanager
def _unsaid() -> Iterator[None]:
    """Decoders say of damaged files what they think of them: nobody hears it."""
    import cv2

    from elp.media.network import unlogged

    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        with unlogged():
            yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _cover(path: Path) -> tuple[Image | None, int]:
    """(H, W) uint8 of an image file that is transparent somewhere, as stored: 255 where it is not,
    or, where OpenCV mixes colours with it, (H, W, 4) with the colours; and its orientation tag.

    Raises ElpError for what no image is, and, by its header alone, for too large a one.
    """
    from PIL import ExifTags
    from PIL import Image as Pillow

    large = f"more than {Pillow.MAX_IMAGE_PIXELS} pixels (half of it where transparent), {LONGEST} "
    large += f"a side, or {MOST} bytes"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            opened = Pillow.open(path)
        with opened as image:
            if max(image.size) > LONGEST or path.stat().st_size > MOST:
                raise Pillow.DecompressionBombError
            clear = image.has_transparency_data
            if clear and image.width * image.height > (Pillow.MAX_IMAGE_PIXELS or 0) // 2:
                raise Pillow.DecompressionBombError  # it is decoded twice
            turn, tiff = image.getexif().get(ExifTags.Base.Orientation, 1), image.format == "TIFF"
            if tiff and clear and turn > 4:  # Pillow turns some of them twice
                raise ElpError(f"{path}: a TIFF with transparency, on its side: save it as PNG")
            turn = 1 if tiff else turn  # both decoders turn these themselves
            if not clear:
                return None, turn
            if image.mode.startswith("I;16"):  # Pillow forgets the transparent level of these
                lit = np.asarray(image) != image.info["transparency"]
                return np.where(lit, np.uint8(255), np.uint8(0)), turn
            if tiff:
                return np.asarray(image.convert("RGBA")), turn
            whole = image if "A" in image.getbands() else image.convert("RGBA")
            return np.asarray(whole.getchannel("A")), turn
    except ElpError:
        raise
    except (Pillow.DecompressionBombWarning, Pillow.DecompressionBombError) as error:
        raise ElpError(f"{path}: {large}: make it smaller") from error
    except (OSError, SyntaxError, TypeError, ValueError) as error:
        raise ElpError(f"{path}: {UNREADABLE}") from error
