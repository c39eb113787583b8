"""Pictures and sounds as text that a page holds: data URIs of PNG, WebP, MP4 and MP3."""

from __future__ import annotations

import base64
import io
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elp.errors import ElpError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


GROUND = 44.0  # grey level behind what moves


def uri(mime: str, data: bytes) -> str:
    """`data:` URI of the bytes of a file."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def pixels(picture: Any) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 of a picture: grey or colour, uint8 or float in [0, 1]; with its
    fourth channel where it is partly transparent.

    Raises:
        ElpError: the array is not a picture.
    """
    import numpy as np

    array = np.asarray(picture)
    if array.dtype.kind == "f":
        array = (np.clip(np.nan_to_num(array), 0, 1) * 255).round()
    array = array.astype(np.uint8)
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=-1)
    if array.ndim != 3 or array.shape[-1] not in (3, 4) or not array.size:
        raise ElpError(
            "image: expected (height, width), (height, width, 3) or (height, width, 4), got "
            f"{np.shape(picture)}"
        )
    return np.ascontiguousarray(array)


def on_ground(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(height, width, 3) of a picture: films cannot be transparent, and a dark ground glares on no
    page.
    """
    import numpy as np

    if frame.shape[-1] == 3:
        return frame
    share = frame[..., 3:] / 255
    return np.asarray((frame[..., :3] * share + GROUND * (1 - share)).round(), np.uint8)


def still(frame: NDArray[np.uint8]) -> str:
    """PNG or lossless WebP for drawings, WebP for photographs: whichever is smallest."""
    from PIL import Image

    kinds: list[tuple[str, dict[str, Any]]] = [
        ("png", {"optimize": True}),
        ("webp", {"lossless": True, "method": 6}),
        ("webp", {"quality": 80, "method": 6}),
    ]
    found = []
    for kind, options in kinds:
        file = io.BytesIO()
        Image.fromarray(frame).save(file, kind, **options)
        found.append(uri(f"image/{kind}", file.getvalue()))
    return min(found, key=len)


def video(
    frames: list[NDArray[np.uint8]],
    fps: float,
    sound: tuple[NDArray[np.floating[Any]], int] | None = None,
    crf: int = 26,
) -> str:
    """H.264 in MP4, for every browser; sides are padded to even numbers, the codec's demand.

    Args:
        frames: (H, W, 3) uint8 RGB. fps: frames per second.
        sound: (n,) samples in [-1, 1] and how many a second; AAC, 16 kbit/s.
        crf: constant rate factor of x264: 0 is lossless, 51 the smallest.
    """
    import av
    import numpy as np

    height, width = frames[0].shape[:2]
    pad = ((0, height % 2), (0, width % 2), (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        flags = {"movflags": "+faststart", "fflags": "+bitexact"}
        with av.open(str(path), "w", options=flags) as file:
            stream = file.add_stream(
                "libx264",
                rate=Fraction(fps).limit_denominator(1001),
                options={"crf": str(crf), "preset": "slow", "threads": "1"},
            )
            stream.width, stream.height = width + width % 2, height + height % 2
            stream.pix_fmt = "yuv420p"
            voice = None
            if sound is not None:
                voice = file.add_stream("aac", rate=sound[1], layout="mono")
                voice.bit_rate = 16_000
            for frame in frames:
                padded = np.pad(frame, pad, mode="edge")
                file.mux(stream.encode(av.VideoFrame.from_ndarray(padded, format="rgb24")))
            file.mux(stream.encode())
            if sound is not None and voice is not None:
                said = av.AudioFrame.from_ndarray(
                    np.asarray(sound[0], np.float32)[None], format="fltp", layout="mono"
                )
                said.sample_rate = sound[1]
                file.mux(voice.encode(said))
                file.mux(voice.encode())
        return uri("video/mp4", path.read_bytes())


def sound(samples: NDArray[np.floating[Any]], sr: int) -> str:
    """The samples' `mp3` as a data URI."""
    return uri("audio/mpeg", mp3(samples, sr))


def mp3(samples: NDArray[np.floating[Any]], sr: int) -> bytes:
    """MP3 of (n,) samples in [-1, 1], `sr` of them a second."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, sr, format="MP3", subtype="MPEG_LAYER_III")
    return file.getvalue()
