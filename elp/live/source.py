"""Pictures and sound as they happen: a camera and a microphone, or a file that is played (chapter
"Live").
"""

# n sample
from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from elp.errors import ElpError
from elp.live.needs import needed
from elp.live.pipe import STDIN, Pipe
from elp.live.taken import STALE, Newest, Pace, Samples, Taken
from elp.media.audio import HOP, RATE
from elp.motion import FPS

BUFFERED = 4 * HOP  # samples that may wait: beyond, a microphone's clock is faster than ours
QUIET = "-8"  # FFmpeg's own log level of saying nothing
OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"  # what OpenCV tells FFmpeg, where somebody chose it


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

    def taken(self) -> Generator[Taken, None, None]:
        """See `Source.taken`."""
        from elp.extraction.tracking import LONGEST, ahead
        from elp.media.video import frames

        sound, pace = _Hops(self.path), Pace()
        with contextlib.closing(ahead(frames(self.path, longest=LONGEST))) as pictures:
            while since := list(itertools.islice(pictures, 1 if self.fast else pace.wait())):
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
        address: number or device of a camera, or an address that FFmpeg opens (rtsp://, http://).
        microphone: its number or name, "default", or None for silence.

    Raises:
        ElpError: entered, when the camera or the microphone cannot be opened.
    """

    def __init__(self, address: int | str, microphone: str | int | None = "default") -> None:
        self.address, self.microphone = address, microphone
        self._newest = Newest(f"camera {address}", "is it covered or in use?", buffered=BUFFERED)
        self._stop = threading.Event()
        self._stream: Any = None

    def __enter__(self) -> Camera:
        import cv2

        # what they have to say is said below
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", QUIET)
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._video = cv2.VideoCapture()
        if not self._open():
            raise ElpError(
                f"camera {self.address}: cannot be opened: check its number or address, "
                "and that no other program uses it"
            )
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        try:
            if self.microphone is not None:
                self._listen()
            self._newest.first()
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
        lost = ["the camera"] if now - self._newest.seen > STALE else []
        deaf = self._stream is not None and now - self._newest.heard > STALE
        return [*lost, "the microphone"] if deaf else lost

    def taken(self) -> Generator[Taken, None, None]:
        """See `Source.taken`."""
        return self._newest.taken()

    def _look(self) -> None:
        """Keep the newest picture; open a camera again that went away."""
        while not self._stop.is_set():
            there, picture = self._video.read()
            if there:
                self._newest.see(np.ascontiguousarray(picture[..., ::-1]))
            elif not self._stop.wait(STALE):
                self._open()

    def _open(self) -> bool:
        """Whether the camera could be opened; one that streams by RTSP, by TCP or else by UDP."""
        if not str(self.address).startswith("rtsp") or OPTIONS in os.environ:
            return bool(self._video.open(self.address))
        try:
            for transport in ("tcp", "udp"):
                os.environ[OPTIONS] = f"rtsp_transport;{transport}"
                if self._video.open(self.address):
                    return True
            return False
        finally:
            del os.environ[OPTIONS]

    def _listen(self) -> None:
        none = ", or give --microphone none"
        sounddevice = needed("sounddevice", "sounddevice", "the microphone", none)
        device = None if self.microphone == "default" else self.microphone

        def hear(samples: Any, frames: int, clock: Any, status: Any) -> None:
            self._newest.hear(np.array(samples[:, 0], np.float32))

        try:
            self._stream = sounddevice.InputStream(
                samplerate=RATE, channels=1, blocksize=HOP // 4, device=device, callback=hear
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise ElpError(
                f"microphone {self.microphone}: {error}: give --microphone another name, or none"
            ) from error


def source(
    camera: str, microphone: str | None = "default", *, fast: bool = False
) -> Camera | File | Pipe:
    """What `--camera` names: a number, a device or an address with "://", a pipe, or a file.

    Args:
        microphone: of a camera: "default", "none", a number or a name.
    """
    piped = camera == STDIN or Path(camera).is_fifo()
    if not piped and not camera.isdecimal() and "://" not in camera and not _device(camera):
        return File(camera, fast=fast)
    if fast:
        raise ElpError(f"{camera}: has its own time: only a file can be read faster")
    if piped:
        return Pipe(camera)
    ears = None if microphone in (None, "none") else microphone
    number = int(ears) if ears is not None and ears.isdecimal() else ears
    return Camera(int(camera) if camera.isdecimal() else camera, number)


def _device(camera: str) -> bool:
    """Whether it names a device, there or not."""
    return camera.startswith("/dev/") or Path(camera).is_char_device()
