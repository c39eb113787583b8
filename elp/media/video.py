"""Video files to frames at 25 per second (chapter "Parameter extraction")."""

# H, W pixels
from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.media.container import opened
from elp.motion import FPS

Image = NDArray[np.uint8]
Values = NDArray[np.float32]
What = TypeVar("What")
# seconds: pictures farther apart are no slow video but a still one, which moves only when the next
# comes
PAUSE = Fraction(1, 5)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a video's header says.

    Size in pixels as displayed (width, height), duration in seconds or None, whether it has sound.
    """

    size: tuple[int, int]
    duration: float | None
    audio: bool


def probe(path: str | Path) -> Probe:
    """Read a video's header.

    Raises ElpError for a missing or unreadable file, or one without pictures.
    """
    with opened(path) as container:
        stream = _stream(container, path)
        first = next(_decoded(container, stream, path), None)
        if first is None:
            raise ElpError(f"{path}: no picture in it can be decoded: copy or convert it again")
        size = (
            (first.width, first.height)
            if first.rotation % 180 == 0
            else (first.height, first.width)
        )
        duration = (
            stream.duration * stream.time_base
            if stream.duration
            else container.duration and Fraction(container.duration, 1_000_000)
        )
        return Probe(
            size=size,
            duration=float(duration) if duration else None,
            audio=bool(container.streams.audio),
        )


def frames(path: str | Path, fps: float = FPS, *, longest: int | None = None) -> Iterator[Image]:
    """Stream a video as (H, W, 3) uint8 RGB pictures, `fps` per second, upright.

    The picture of time k / fps is the one whose presentation time lies nearest, whatever the file's
    own rate, constant or not; where the file pauses for longer than a frame, the last picture is
    held. There are round(duration · fps) of them, at least one. Memory does not grow with the
    video's length.

    Args:
        path: any file that FFmpeg decodes; grayscale becomes RGB, rotation metadata is obeyed.
        longest: shrink pictures whose longer side exceeds this many pixels.

    Raises:
        ElpError: the file is missing, unreadable or without pictures. A file that breaks off gives
            the pictures before the break and a warning.
    """
    rate, count = _rate(fps), 0
    for shown in _shown(path):
        picture, until = None, _until(shown, rate)
        for _ in range(count, until):
            picture = _picture(shown.what, longest) if picture is None else picture
            yield picture
        count = max(count, until)


class Shown(NamedTuple, Generic[What]):
    """A picture, or what was measured in it.

    Shown from `time` to `end`, in seconds after the first picture's time; whether it is the `last`.
    """

    time: Fraction
    end: Fraction
    last: bool
    what: What


def pictures(
    path: str | Path, fps: float = FPS, *, longest: int | None = None
) -> Iterator[Shown[Image]]:
    """Stream a video's own pictures, as `frames` gives them, but at their own times.

    Those that `between` needs, at most two for each k / fps.
    """
    rate, before = _rate(fps), Fraction(-1)
    for shown in _shown(path):
        # some k / fps lies between its two neighbours
        if shown.last or math.ceil(shown.end * rate) - math.floor(before * rate) > 1:
            yield shown._replace(what=_picture(shown.what, longest))
        before = shown.time


def between(measured: Iterable[Shown[Values]], fps: float = FPS) -> Iterator[Values]:
    """Values at times k / fps, as many as `frames` gives pictures, from values measured in a
    video's own pictures.

    Linear in time between two neighbours, so that another rate adds no jerks; at a picture's own
    time it is that picture's value, unchanged. Nothing is made up where the file pauses or either
    neighbour holds NaN: there it is the nearest picture's value, as in `frames`.

    Args:
        measured: what `pictures` yields, float32 arrays of one shape in the pictures' place.
    """
    rate, count = _rate(fps), 0
    held: Shown[Values] | None = None
    for item in itertools.chain(measured, [None]):
        if held is not None:
            change, until = None, _until(held, rate)
            if (
                item is not None
                and item.time - held.time <= PAUSE
                and np.isfinite(held.what).all()
                and np.isfinite(item.what).all()
            ):
                change, length, until = (
                    item.what - held.what,
                    item.time - held.time,
                    math.ceil(item.time * rate),
                )
                until = min(until, _until(item, rate)) if item.last else until
            for k in range(count, until):
                after = k / rate - held.time
                yield (
                    held.what
                    if change is None or after <= 0
                    else held.what + np.float32(after / length) * change
                )
            count = max(count, until)
        held = item


def _rate(fps: float) -> Fraction:
    return Fraction(fps).limit_denominator(1001)


def _until(shown: Shown[Any], rate: Fraction) -> int:
    """The first k at whose time k / rate a later picture is nearer.

    After the last picture, how many frames there are in all.
    """
    if shown.last:
        return max(1, round(shown.end * rate))
    # after a pause, not long before the next picture's time
    return math.ceil((shown.end - min((shown.end - shown.time) / 2, 1 / (2 * rate))) * rate)


def _shown(path: str | Path) -> Iterator[Shown[Any]]:
    """Every picture as FFmpeg decodes it."""
    with opened(path) as container:
        stream = _stream(container, path)
        step = 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)
        last, last_time, start, length = None, Fraction(0), Fraction(0), step
        for frame in _decoded(container, stream, path):
            time = frame.pts * frame.time_base if frame.pts is not None else last_time + length
            if last is None:
                start = time
            elif time <= last_time:
                continue  # a broken clock: time does not run backwards
            else:
                yield Shown(last_time - start, time - start, False, last)
            length = frame.duration * frame.time_base if frame.duration else step
            last, last_time = frame, time
        if last is None:
            raise ElpError(f"{path}: no picture in it can be decoded: copy or convert it again")
        yield Shown(last_time - start, last_time - start + length, True, last)


def _stream(container: Any, path: str | Path) -> Any:
    if not container.streams.video:
        raise ElpError(f"{path}: no pictures in it, only sound: give a video")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _decoded(container: Any, stream: Any, path: str | Path) -> Iterator[Any]:
    import av

    broken, end = False, 0.0
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    end = max(end, frame.time or 0.0)
                    yield frame
            except av.error.FFmpegError:
                broken = True  # one damaged packet: later ones may be whole
    except av.error.FFmpegError:
        broken = True
    declared = (
        float(((stream.start_time or 0) + stream.duration) * stream.time_base)
        if stream.duration
        else 0.0
    )
    if broken or declared > end + 1.0:
        warnings.warn(
            f"{path}: damaged or cut off: only the part that can be decoded is used", stacklevel=3
        )


def _picture(frame: Any, longest: int | None) -> Image:
    shrink = min(1.0, (longest or 1 << 30) / max(frame.width, frame.height))
    width, height = max(2, round(frame.width * shrink)), max(2, round(frame.height * shrink))
    image = frame.to_ndarray(format="rgb24", width=width, height=height)
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))
