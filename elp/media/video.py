"""Video files to frames at 25 per second (chapter "Parameter extraction")."""

# H, W pixels
from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.media.clock import PAUSE as GAP
from elp.media.clock import Clock, running, step
from elp.media.container import opened, pictures_of, sound_of
from elp.media.display import Image, picture, shown_size
from elp.media.extent import Extent
from elp.motion import FPS

Values = NDArray[np.float32]
What = TypeVar("What")
# seconds: pictures farther apart are no slow video but a still one, which moves only when the next
# comes
PAUSE = Fraction(1, 5)
# and what is held for longer than that says nothing about who was filmed
HELD = Fraction(1, 2)
# less than so many pictures a second, over ten minutes, are no video of a person
FEWEST, WHILE = Fraction(1, 5), 600
NONE = "no picture in it can be decoded, or they have more than 8192x4320 pixels: convert it"


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
        stream = pictures_of(container, path)
        first = next(_decoded(container, stream, Clock(), path), None)
        if first is None:
            raise ElpError(f"{path}: {NONE}")
        duration = (
            stream.duration * stream.time_base
            if stream.duration
            else container.duration and Fraction(container.duration, 1_000_000)
        )
        return Probe(
            size=shown_size(first, stream.sample_aspect_ratio),
            duration=float(duration) if duration else None,
            audio=sound_of(container) is not None,
        )


def frames(path: str | Path, fps: float = FPS, *, longest: int | None = None) -> Iterator[Image]:
    """Stream a video as (H, W, 3) uint8 RGB pictures, `fps` per second, upright.

    The picture of time k / fps is the one whose presentation time lies nearest, whatever the file's
    own rate, constant or not; where the file pauses for longer than a frame, the last picture is
    held. There are round(duration · fps) of them, at least one. Memory does not grow with the
    video's length.

    Args:
        path: any file that FFmpeg decodes; grayscale becomes RGB; turned, mirrored and
            stretched pictures, and those of high dynamic range, are as FFmpeg shows them.
        longest: shrink pictures whose longer side exceeds this many pixels.

    Raises:
        ElpError: the file is missing, unreadable or without pictures. A file that breaks off gives
            the pictures before the break and a warning.
    """
    rate, count = _rate(fps), 0
    for shown in _shown(path, longest):
        image, until = None, _until(shown, rate)
        for _ in range(count, until):
            image = shown.what() if image is None else image
            yield image
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

    Those that `between` needs, at most two for each k / fps; where the size changes within the
    stream, as large as they are, in the first one's proportions.
    """
    rate, before = _rate(fps), Fraction(-1)
    for shown in _shown(path, longest, grow=True):
        # some k / fps lies between its two neighbours
        if shown.last or math.ceil(shown.end * rate) - math.floor(before * rate) > 1:
            yield Shown(shown.time, shown.end, shown.last, shown.what())
        before = shown.time


def between(measured: Iterable[Shown[Values]], fps: float = FPS) -> Iterator[Values]:
    """Values at times k / fps, as many as `frames` gives pictures, from values measured in a
    video's own pictures.

    Linear in time between two neighbours, so that another rate adds no jerks; at a picture's own
    time it is that picture's value, unchanged. Nothing is made up where the file pauses or either
    neighbour holds NaN: there it is the nearest picture's value, as in `frames`; and NaN where a
    picture is held for more than half a second, but for 0.1 s around its time and the next one's.

    Args:
        measured: what `pictures` yields, float32 arrays of one shape in the pictures' place.
    """
    rate, count = _rate(fps), 0
    held: Shown[Values] | None = None
    for item in itertools.chain(measured, [None]):
        if held is not None:
            change, until, pause = None, _until(held, rate), held.end - held.time
            near_next = pause if held.last else pause - PAUSE / 2
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
                if pause > HELD and PAUSE / 2 < after < near_next:
                    yield np.full_like(held.what, np.nan)
                elif change is None or after <= 0:
                    yield held.what
                else:
                    yield held.what + np.float32(after / length) * change
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


def _shown(
    path: str | Path, longest: int | None, *, grow: bool = False
) -> Iterator[Shown[Callable[[], Image]]]:
    """Every picture that FFmpeg decodes; it is converted when it is called."""
    clock, skipped, count = Clock(), 0, 0
    with opened(path) as container:
        stream = pictures_of(container, path)
        aspect, canvas = stream.sample_aspect_ratio, None
        last, last_time, start, length = None, Fraction(0), Fraction(0), step(stream)
        for frame in _decoded(container, stream, clock, path):
            time = last_time + length
            if frame.pts is not None and frame.time_base:
                time = frame.pts * frame.time_base
                if clock.end is not None and time > clock.end + GAP:  # no packet lies there
                    time = last_time + length
            canvas = canvas or shown_size(frame, aspect)
            if last is None:
                start = time
            elif time <= last_time:
                skipped += 1
                continue  # a broken clock: time does not run backwards
            else:
                yield Shown(last_time - start, time - start, False, last)
            _sparse(path, count := count + 1, time - start)
            length = _length(frame, stream)
            last, last_time = partial(picture, frame, aspect, canvas, longest, grow=grow), time
        if last is None:
            raise ElpError(f"{path}: {NONE}")
        _clock_warning(path, clock.jumps, skipped, count)
        yield Shown(last_time - start, last_time - start + length, True, last)


def _length(frame: Any, stream: Any) -> Fraction:
    """How long a picture is shown if none follows."""
    length = Fraction(frame.duration * frame.time_base) if frame.duration else Fraction(0)
    return length if 0 < length <= GAP else step(stream)


def _sparse(path: str | Path, count: int, seconds: Fraction) -> None:
    if seconds > WHILE and count < seconds * FEWEST:
        raise ElpError(
            f"{path}: {count} pictures in {float(seconds) / 60:.0f} minutes: its clock is wrong, "
            "or it is no video of a person; convert it to 25 pictures a second"
        )


def _clock_warning(path: str | Path, jumps: int, skipped: int, count: int) -> None:
    if jumps:
        warnings.warn(
            f"{path}: its clock jumps, as in recordings that were joined: "
            "what follows a jump is taken to come right after it",
            stacklevel=1,
        )
    elif skipped > max(1, count // 20):
        warnings.warn(
            f"{path}: {skipped} of {skipped + count} pictures are left out: "
            "their time is that of others before them",
            stacklevel=1,
        )


def _decoded(container: Any, stream: Any, clock: Clock, path: str | Path) -> Iterator[Any]:
    import av

    stream.thread_type = "AUTO"
    extent, some = Extent(stream.index), False
    try:
        for packet in running(container, stream, sound_of(container), clock=clock):
            extent.add(packet)
            if packet.stream.index != stream.index:
                continue
            try:
                for frame in packet.decode():
                    some = True
                    yield frame
            except av.error.FFmpegError:
                extent.damaged = True  # one damaged packet: later ones may be whole
    except av.error.FFmpegError:
        extent.damaged = True
    fault = extent.fault(container, stream, clock, path)
    if fault and some:  # of a file without a picture that is said
        warnings.warn(f"{path}: {fault}", stacklevel=1)
