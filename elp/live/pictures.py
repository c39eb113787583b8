"""Frames as pictures: a virtual camera, a film (chapter "Live")."""

# n sample
from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.files import check, postponed
from elp.live.needs import needed
from elp.live.outputs import Frame
from elp.media.audio import RATE as HEARD
from elp.media.write import RATE, write_video
from elp.motion import FPS
from elp.render.frames import PROVENANCE

Image = NDArray[np.uint8]
SIZE = 256
WAITING = 250  # frames that may wait to be encoded, ten seconds
PAUSE = 64  # samples of silence while a resampler still holds the sound back


class VirtualCamera:
    """The portrait as a camera that other programs of this machine can choose.

    Raises:
        ElpError: pyvirtualcam or the system's virtual camera is missing.
    """

    def __init__(self) -> None:
        library = needed("pyvirtualcam", "pyvirtualcam", "--virtual-camera")
        try:
            self._camera = library.Camera(SIZE, SIZE, FPS, print_fps=False)
        except RuntimeError as error:
            raise ElpError(
                f"no virtual camera ({str(error).splitlines()[0]}): install v4l2loopback on Linux, "
                "OBS elsewhere"
            ) from error

    def send(self, frame: Frame) -> None:
        """See `Output.send`."""
        if frame.picture is not None:
            self._camera.send(frame.picture)

    def close(self) -> None:
        """The camera goes away."""
        self._camera.close()


def check_film(path: str | Path) -> None:
    """Raises ElpError for another ending, or a file that cannot be written."""
    if Path(path).suffix.lower() != ".mp4":
        raise ElpError(f"{path}: the film is written as .mp4: give the file that ending")
    check(path)


class Film:
    """What was shown and what the speaker said, as .mp4, whole or not at all.

    It is encoded by a thread. Where that falls ten seconds behind, frames wait for it.

    Args:
        path: the file, ending in .mp4.

    Raises:
        ElpError: another ending, or the file cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        check_film(path)
        self.path = path
        self._box: queue.Queue[Frame | None] = queue.Queue(WAITING)
        self._sound: deque[NDArray[np.float32]] = deque()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def send(self, frame: Frame) -> None:
        """See `Output.send`."""
        while self._error is None:
            try:
                self._box.put(frame, timeout=0.5)
                return
            except queue.Full:
                continue
        raise self._error

    def close(self) -> None:
        """Wait until the file is whole, as signals to stop do; raises what went wrong with it."""
        with postponed():
            if self._error is None:
                self._box.put(None)
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _write(self) -> None:
        try:
            first = self._box.get()
            if first is not None:
                frames = self._frames(first)
                write_video(self.path, frames, audio=self._heard(), comment=PROVENANCE)
        except BaseException as error:
            self._error = error

    def _frames(self, first: Frame) -> Iterator[Image]:
        """Pictures at 25 a second; where numbers are missing the last one is held."""
        import soxr

        resampler = soxr.ResampleStream(HEARD, RATE, 1, dtype="float32")
        frame: Frame | None = first
        shown, picture = first.number, first.picture
        while frame is not None:
            mono = resampler.resample_chunk(frame.sound)
            self._sound.append(np.repeat(mono[:, None], 2, 1))
            while picture is not None and shown < frame.number:
                yield picture
                shown += 1
            picture, shown = frame.picture, frame.number + 1
            if picture is not None:
                yield picture
            frame = self._box.get()

    def _heard(self) -> Iterator[NDArray[np.float32]]:
        while True:
            yield self._sound.popleft() if self._sound else np.zeros((PAUSE, 2), np.float32)
