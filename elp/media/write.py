"""Pictures and sound to a video file, whole or not at all (chapter "The renderer")."""

# H, W pixels, n sample
from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.files import atomic
from elp.media.audio import Samples, blocks, has_audio, resampled
from elp.media.container import url
from elp.motion import FPS

Image = NDArray[np.uint8]
RATE = 44100  # samples per second of the sound that is encoded


def write_video(
    path: str | Path,
    frames: Iterable[Image],
    fps: float = FPS,
    *,
    audio: tuple[Samples, int] | str | Path | Iterator[Samples] | None = None,
    comment: str = "",
) -> None:
    """Write H.264 (yuv420p) and, with sound, AAC to an .mp4, whole or not at all.

    Args:
        path: the file, ending in .mp4.
        frames: (H, W, 3) uint8 RGB pictures, all of one even-sided size.
        audio: samples (n,) or (n, 2) float32 in [-1, 1] with their rate, or a media file whose
            sound is carried along, in step with its pictures; or blocks (n, 2) at 44.1 kHz, taken
            as pictures come. Cut to the pictures' length. A file without sound gives a silent
            video.
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
        av.open(url(partial), "w", format="mp4", options={"movflags": "+faststart"}) as container,
    ):
        if comment:
            container.metadata["comment"] = comment
        rate = Fraction(fps).limit_denominator(1001)
        video, sound = None, None
        for count, image in enumerate(frames):
            if video is None:
                video = _video_stream(container, image, rate)
                if source is not None:
                    sound = container.add_stream("aac", rate=RATE, layout="stereo")
            elif image.shape != (first := (video.height, video.width, 3)):
                raise ElpError(
                    f"frame {count}: shape {image.shape}, the first was {first}: give all one size"
                )
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts, frame.time_base = count, 1 / rate
            container.mux(video.encode(frame))
            if sound is not None and source is not None:
                _encode_sound(container, sound, source, round((count + 1) / rate * RATE))
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
    """Stereo samples at RATE, taken a few at a time; silence after the end."""

    def __init__(self, blocks: Iterator[Samples]) -> None:
        self.blocks, self.rest, self.taken = blocks, np.zeros((0, 2), np.float32), 0

    def take(self, count: int) -> Samples:
        while len(self.rest) < count:
            block = next(self.blocks, None)
            block = np.zeros((count - len(self.rest), 2), np.float32) if block is None else block
            self.rest = np.concatenate([self.rest, block])
        out, self.rest = self.rest[:count], self.rest[count:]
        self.taken += count
        return out


def _sound(audio: tuple[Samples, int] | str | Path | Iterator[Samples] | None) -> _Sound | None:
    if audio is None:
        return None
    if isinstance(audio, Iterator):
        return _Sound(audio)
    if isinstance(audio, tuple):
        return _Sound(iter([resampled(*audio, RATE, channels=2)]))
    return _Sound(blocks(audio, RATE, channels=2)) if has_audio(audio) else None


def _encode_sound(container: Any, stream: Any, source: _Sound, until: int) -> None:
    import av

    samples = source.take(until - source.taken)
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples.T), format="fltp", layout="stereo"
    )
    frame.sample_rate, frame.pts = RATE, until - len(samples)
    frame.time_base = Fraction(1, RATE)
    container.mux(stream.encode(frame))
