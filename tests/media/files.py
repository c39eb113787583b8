"""Small media files of every kind that tests need, by PyAV."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

RATE = 48000
SIZE = (64, 96)  # height, width
LIT = (5, 20)  # pictures that are white, of 25; a click of 2 kHz sounds with each


def picture(k: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Red on the left, blue on the right, green below; white when lit."""
    if k in LIT:
        return np.full((*size, 3), 255, np.uint8)
    out = np.zeros((*size, 3), np.uint8)
    half = size[1] // 2
    out[:, :half, 0], out[:, half:, 2] = 255, 255
    out[-size[0] // 4 :] = [0, 255, 0]
    return out


def click(count: int = 25) -> np.ndarray:
    """(n,) float32 sound of so many pictures at 25 a second."""
    sound = np.zeros(count * RATE // 25, np.float32)
    for k in LIT:
        first = k * RATE // 25
        if first < len(sound):
            sound[first : first + 960] = 0.5 * np.sin(2 * np.pi * 2000 * np.arange(960) / RATE)
    return sound


def make(
    path: Path,
    pictures: Sequence[np.ndarray],
    sounds: Sequence[np.ndarray] = (),
    *,
    times: Sequence[Fraction] | None = None,
    layout: str = "mono",
    codec: str = "libx264",
    audio_codec: str = "aac",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    default: int = 0,
    change: Any = None,
) -> Path:
    """A file of pictures, 25 a second or at `times`, and tracks of sound (channels, n), of which
    one is the default; `change` is told the pictures' track before anything is written.
    """
    times = times or [Fraction(k, 25) for k in range(len(pictures))]
    own = {"g": "12", "x264-params": "scenecut=0"} if codec == "libx264" else {}
    with av.open(f"file:{path}", "w", options=container_options or {}) as container:
        video = container.add_stream(codec, rate=25, options=own | (options or {}))
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = "yuv420p"
        base = Fraction(1, 90000 if codec == "libx264" else 25)
        video.codec_context.time_base = base
        if change is not None:
            change(video)
        tracks = [container.add_stream(audio_codec, rate=RATE, layout=layout) for _ in sounds]
        for number, track in enumerate(tracks):
            track.disposition = Disposition.default if number == default else Disposition(0)
        for at, shown in zip(times, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            frame.pts, frame.time_base = round(at / base), base
            container.mux(video.encode(frame))
            for track, sound in zip(tracks, sounds, strict=True):
                first = round(at * RATE)
                _sound(container, track, np.atleast_2d(sound)[:, first : first + RATE // 25], first)
        container.mux(video.encode())
        for track in tracks:
            container.mux(track.encode())
    return path


def _sound(container: Any, track: Any, part: np.ndarray, first: int) -> None:
    if not part.size:
        return
    layout = track.codec_context.layout.name
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
    container.mux(track.encode(frame))


def matrix(path: Path, *numbers: int) -> Path:
    """Write a display matrix (a b, c d) into an mp4 of one track."""
    a, b, c, d = (65536 * x for x in numbers)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def box(path: Path, name: bytes, offset: int, number: int) -> Path:
    """Write 32 bits into an mp4's first box of that name, so far after the name."""
    data = bytearray(path.read_bytes())
    struct.pack_into(">I", data, data.index(name) + 4 + offset, number)
    path.write_bytes(data)
    return path
