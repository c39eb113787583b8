"""Video files to frames at 25 per second, and back (chapter "Parameter extraction")."""

# H, W pixels
from __future__ import annotations

import contextlib
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
from elp.motion import FPS
from elp.records import atomic

Image = NDArray[np.uint8]
Values = NDArray[np.float32]
What = TypeVar("What")
# seconds: pictures farther apart are no slow video but a still one, which moves only when the next
# comes
PAUSE = Fraction(1, 5)
AUDIO_RATE = 44100  # of the sound that `write_video` encodes


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a video's header says: size in pixels as displayed (width, height), duration in seconds
    or None, whether it has sound.
    """

    size: tuple[int, int]
    duration: float | None
    audio: bool


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """The file as a PyAV container; raises ElpError for a missing or unreadable one."""
    import av

    if not Path(path).is_file():
        raise ElpError(
            f"{path}: {'a folder' if Path(path).is_dir() else 'no such file'}: give the name of a video"
        )
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        raise ElpError(
            f"{path}: not a readable video: it is corrupt, cut off or of another kind; copy or convert it again"
        ) from error
    with container:
        yield container


def probe(path: str | Path) -> Probe:
    """Read a video's header; raises ElpError for a missing or unreadable file, or one without
    pictures.
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
    """A picture, or what was measured in it: shown from `time` to `end`, in seconds after the first
    picture's time; whether it is the `last`.
    """

    time: Fraction
    end: Fraction
    last: bool
    what: What


def pictures(
    path: str | Path, fps: float = FPS, *, longest: int | None = None
) -> Iterator[Shown[Image]]:
    """Stream a video's own pictures, as `frames` gives them, but at their own times; those that
    `between` needs, at most two for each k / fps.
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
    """The first k at whose time k / rate a later picture is nearer; after the last picture, how
    many frames there are in all.
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


def write_video(
    path: str | Path,
    frames: Iterable[Image],
    fps: float = FPS,
    *,
    audio: tuple[NDArray[np.float32], int] | str | Path | None = None,
    comment: str = "",
) -> None:
    """Write H.264 (yuv420p) and, with sound, AAC to an .mp4, whole or not at all.

    Args:
        path: the file, ending in .mp4.
        frames: (H, W, 3) uint8 RGB pictures, all of one even-sided size.
        audio: samples (n,) or (n, 2) float32 in [-1, 1] with their rate, or a media file whose
            sound is carried along, in step with its pictures; cut to the pictures' length. A file
            without sound gives a silent video.
        comment: text for the file's metadata, such as a provenance mark.

    Raises:
        ElpError: no frames, a wrong shape, or the file cannot be written.
    """
    import av

    if Path(path).suffix.lower() != ".mp4":
        raise ElpError(f"{path}: videos are written as .mp4: give the file that ending")
    source = _sound(audio)
    with (
        atomic(path) as partial,
        av.open(str(partial), "w", options={"movflags": "+faststart"}) as container,
    ):
        if comment:
            container.metadata["comment"] = comment
        rate = Fraction(fps).limit_denominator(1001)
        video, sound = None, None
        for count, image in enumerate(frames):
            if video is None:
                video = _video_stream(container, image, rate)
                sound = (
                    container.add_stream("aac", rate=AUDIO_RATE, layout="stereo")
                    if source is not None
                    else None
                )
            elif image.shape != (video.height, video.width, 3):
                raise ElpError(
                    f"frame {count}: shape {image.shape}, the first was {(video.height, video.width, 3)}: give all one size"
                )
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts, frame.time_base = count, 1 / rate
            container.mux(video.encode(frame))
            if sound is not None and source is not None:
                _encode_sound(container, sound, source, round((count + 1) / rate * AUDIO_RATE))
        if video is None:
            raise ElpError(f"{path}: no frames to write: the motion is empty")
        container.mux(video.encode())
        if sound is not None:
            container.mux(sound.encode())


def _video_stream(container: Any, image: Image, rate: Fraction) -> Any:
    if (
        image.ndim != 3
        or image.shape[2] != 3
        or image.dtype != np.uint8
        or image.shape[0] % 2
        or image.shape[1] % 2
    ):
        raise ElpError(
            f"frame: expected (H, W, 3) uint8 with even sides, got {image.shape} {image.dtype}"
        )
    stream = container.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "veryfast"})
    stream.height, stream.width, stream.pix_fmt = image.shape[0], image.shape[1], "yuv420p"
    return stream


class _Sound:
    """Stereo samples at AUDIO_RATE, taken a few at a time; silence after the end."""

    def __init__(self, blocks: Iterator[NDArray[np.float32]]) -> None:
        self.blocks, self.rest, self.taken = blocks, np.zeros((0, 2), np.float32), 0

    def take(self, count: int) -> NDArray[np.float32]:
        while len(self.rest) < count:
            block = next(self.blocks, None)
            block = np.zeros((count - len(self.rest), 2), np.float32) if block is None else block
            self.rest = np.concatenate([self.rest, block])
        out, self.rest = self.rest[:count], self.rest[count:]
        self.taken += count
        return out


def _sound(audio: tuple[NDArray[np.float32], int] | str | Path | None) -> _Sound | None:
    from elp.media.audio import blocks, has_audio, resampled

    if audio is None:
        return None
    if isinstance(audio, tuple):
        return _Sound(iter([resampled(*audio, AUDIO_RATE, channels=2)]))
    return _Sound(blocks(audio, AUDIO_RATE, channels=2)) if has_audio(audio) else None


def _encode_sound(container: Any, stream: Any, source: _Sound, until: int) -> None:
    import av

    samples = source.take(until - source.taken)
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples.T), format="fltp", layout="stereo"
    )
    frame.sample_rate, frame.pts, frame.time_base = (
        AUDIO_RATE,
        until - len(samples),
        Fraction(1, AUDIO_RATE),
    )
    container.mux(stream.encode(frame))
