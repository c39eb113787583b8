"""Pictures and sound as they happen: a camera and a microphone, or a file that is played (chapter
"Live").
"""

# n sample
from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.live.needs import needed
from elp.media.audio import HOP, RATE
from elp.motion import FPS

Image = NDArray[np.uint8]
Samples = NDArray[np.float32]
STALE = 0.5  # s without a new picture or sound after which a camera or a microphone is lost
BUFFERED = 4 * HOP  # samples that may wait: beyond, a microphone's clock is faster than ours
QUIET = "-8"  # FFmpeg's own log level of saying nothing
OPENING = 10.0  # s that a camera has for its first picture


class Taken(NamedTuple):
    """What happened since the last one: `ticks` frames of 40 ms, more than 1 where the listener was
    too slow; their sound (640 ticks,) at 16 kHz in [-1, 1]; the newest picture (H, W, 3) uint8 RGB,
    None where there is none; and when that was taken, `time.monotonic()`.
    """

    ticks: int
    sound: Samples
    picture: Image | None
    time: float


class Source(Protocol):
    """Where pictures and sound come from; a context manager."""

    def __enter__(self) -> Source: ...

    def __exit__(self, *_: object) -> None: ...

    def taken(self) -> Iterator[Taken]:
        """Frame by frame, at 25 a second by the clock on the wall; ends with a file."""
        ...

    def trouble(self) -> list[str]:
        """What is lost at the moment: of "the camera", "the microphone"."""
        ...


class _Pace:
    """25 ticks a second, counted from the start: nothing adds up over hours."""

    def __init__(self) -> None:
        self.start, self.ticks = time.monotonic(), 0

    def wait(self) -> int:
        """Sleep until the next tick; gives how many have passed, 1 or more."""
        left = self.start + (self.ticks + 1) / FPS - time.monotonic()
        if left > 0:
            time.sleep(left)
        passed = max(1, int((time.monotonic() - self.start) * FPS) - self.ticks)
        self.ticks += passed
        return passed


class File:
    """A video played as a camera would: 25 pictures a second, and its own sound.

    Args:
        path: any video. fast: do not wait for the clock, and leave no picture out.

    Raises:
        ElpError: no such file, or no video.
    """

    def __init__(self, path: str | Path, *, fast: bool = False) -> None:
        from elp.media.video import probe

        self.path, self.fast = path, fast
        probe(path)

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def trouble(self) -> list[str]:
        """Nothing of a file is lost."""
        return []

    def taken(self) -> Iterator[Taken]:
        """See `Source.taken`."""
        from elp.extraction.tracking import LONGEST, ahead
        from elp.media.video import frames

        sound, pace = _Hops(self.path), _Pace()
        pictures = ahead(frames(self.path, longest=LONGEST))
        while True:
            since = list(itertools.islice(pictures, 1 if self.fast else pace.wait()))
            if not since:
                return
            # shown at its tick: what is late counts as latency
            shown = time.monotonic() if self.fast else pace.start + pace.ticks / FPS
            yield Taken(len(since), sound.take(len(since)), since[-1], shown)


class _Hops:
    """A file's sound, 640 samples at a time; silence after its end."""

    def __init__(self, path: str | Path) -> None:
        from elp.media.audio import blocks

        self.blocks, self.rest = blocks(path), np.zeros(0, np.float32)

    def take(self, frames: int) -> Samples:
        need, parts, have = frames * HOP, [self.rest], len(self.rest)
        while have < need:
            block = next(self.blocks, None)
            block = np.zeros(need - have, np.float32) if block is None else block
            parts.append(block)
            have += len(block)
        joined = np.concatenate(parts)
        self.rest = joined[need:]
        return joined[:need]


class Camera:
    """A camera or a network stream, and a microphone.

    Args:
        address: number of a camera, or an address that FFmpeg opens (rtsp://, http://).
        microphone: its number or name, "default", or None for silence.

    Raises:
        ElpError: entered, when the camera or the microphone cannot be opened.
    """

    def __init__(self, address: int | str, microphone: str | int | None = "default") -> None:
        self.address, self.microphone = address, microphone
        self._newest: tuple[Image | None, float] = (None, 0.0)
        self._stop = threading.Event()
        self._heard: deque[Samples] = deque()
        self._when = time.monotonic()
        self._stream: Any = None

    def __enter__(self) -> Camera:
        import cv2

        # what they have to say is said below
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", QUIET)
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._video = cv2.VideoCapture(self.address)
        if not self._video.isOpened():
            raise ElpError(
                f"camera {self.address}: cannot be opened: check its number or address, "
                "and that no other program uses it"
            )
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        try:
            if self.microphone is not None:
                self._listen()
            self._first()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)
        self._video.release()
        if self._stream is not None:
            self._stream.stop()
            self._stream.close()

    def trouble(self) -> list[str]:
        """See `Source.trouble`."""
        now = time.monotonic()
        lost = ["the camera"] if now - self._newest[1] > STALE else []
        deaf = self._stream is not None and now - self._when > STALE
        return [*lost, "the microphone"] if deaf else lost

    def taken(self) -> Iterator[Taken]:
        """See `Source.taken`."""
        pace = _Pace()
        while True:
            count = pace.wait()
            picture, at = self._newest
            lost = time.monotonic() - at > STALE
            yield Taken(count, self._hops(count), None if lost else picture, at)

    def _first(self) -> None:
        """Wait for the first picture."""
        begun = time.monotonic()
        while self._newest[0] is None:
            if time.monotonic() - begun > OPENING:
                raise ElpError(f"camera {self.address}: gives no picture: is it covered or in use?")
            time.sleep(0.02)

    def _look(self) -> None:
        """Keep the newest picture; open a camera again that went away."""
        while not self._stop.is_set():
            there, picture = self._video.read()
            if there:
                self._newest = np.ascontiguousarray(picture[..., ::-1]), time.monotonic()
            elif not self._stop.wait(STALE):
                self._video.open(self.address)

    def _listen(self) -> None:
        sounddevice = needed("sounddevice", "sounddevice", "the microphone")
        device = None if self.microphone == "default" else self.microphone

        def hear(samples: Any, frames: int, clock: Any, status: Any) -> None:
            self._heard.append(np.array(samples[:, 0], np.float32))
            self._when = time.monotonic()

        try:
            self._stream = sounddevice.InputStream(
                samplerate=RATE, channels=1, blocksize=HOP // 4, device=device, callback=hear
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise ElpError(
                f"microphone {self.microphone}: {error}: give --microphone another name, or none"
            ) from error

    def _hops(self, count: int) -> Samples:
        """The sound of so many frames, silence where it is missing."""
        waiting = np.concatenate([np.zeros(0, np.float32), *_drained(self._heard)])
        need = count * HOP
        surplus = max(0, len(waiting) - need - BUFFERED)
        waiting = waiting[surplus:]
        if len(rest := waiting[need:].copy()):
            self._heard.appendleft(rest)
        out = np.zeros(need, np.float32)
        out[: min(need, len(waiting))] = waiting[:need]
        return out


def _drained(box: deque[Samples]) -> Iterator[Samples]:
    """What a queue holds by now."""
    for _ in range(len(box)):
        yield box.popleft()


def source(camera: str, microphone: str | None = "default", *, fast: bool = False) -> Camera | File:
    """What `--camera` names: a number, an address with "://", or a file.

    Args:
        microphone: of a camera: "default", "none", a number or a name.
    """
    if camera.isdecimal() or "://" in camera:
        if fast:
            raise ElpError(f"{camera}: a camera has its own time: only a file can be read faster")
        ears = None if microphone in (None, "none") else microphone
        number = int(ears) if ears is not None and ears.isdecimal() else ears
        return Camera(int(camera) if camera.isdecimal() else camera, number)
    return File(camera, fast=fast)
