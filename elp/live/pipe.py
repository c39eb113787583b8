"""Pictures and sound that another program pipes in (chapter "Live")."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Generator, Iterator
from typing import Any

from elp.errors import ElpError
from elp.live.taken import STALE, Newest, Taken
from elp.media.audio import HOP, RATE, Mixer
from elp.media.clock import decoded
from elp.media.container import pictures_of, piped, sound_of, url
from elp.media.display import picture, shown_size

STDIN = "-"
BUFFERED = 10 * HOP  # samples that may wait: sound comes in packets of up to 0.2 s
AHEAD = 2.0  # s by which pictures may come too early: a backlog, and not a file that is read
JUMP = 1.0  # s between two pictures' times that is a clock begun anew


class Pipe:
    """A stream with pictures and, perhaps, sound: standard input or a named pipe.

    A program that writes as things happen is followed closely: of pictures that come at once the
    newest counts. One that writes faster than that, as if it copied a file, is held back.

    Args:
        path: of the named pipe; "-" for standard input.

    Raises:
        ElpError: nothing is piped in; entered, when it is no stream with pictures.
    """

    def __init__(self, path: str) -> None:
        if path == STDIN and (sys.stdin is None or os.isatty(0)):
            raise ElpError(
                "-: nothing is piped in: end another program's command with "
                "'-f mpegts - | elp live --camera -'"
            )
        self.path = path
        self._newest = _Piped(path)
        self._brake = _Brake()

    def __enter__(self) -> Pipe:
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self._newest.first()
        return self

    def __exit__(self, *_: object) -> None:
        self._newest.stop.set()
        self._thread.join(timeout=STALE)  # who waits for the writer ends with the process

    def trouble(self) -> list[str]:
        """See `Source.trouble`."""
        return ["the pipe"] if time.monotonic() - self._newest.seen > STALE else []

    def taken(self) -> Generator[Taken, None, None]:
        """See `Source.taken`."""
        return self._newest.taken()

    def _read(self) -> None:
        """All that comes, until the writer ends or the listener does."""
        address = "pipe:0" if self.path == STDIN else url(self.path)
        try:
            with piped(address, self.path) as file:
                self._decode(file)
        except Exception as error:
            self._newest.error = error
        self._newest.stop.set()

    def _decode(self, file: Any) -> None:
        from elp.extraction.tracking import LONGEST

        shown, sound, mixer = pictures_of(file, self.path), sound_of(file), Mixer(RATE, 1)
        aspect, canvas = shown.sample_aspect_ratio, None
        for packet in _packets(file, [shown] if sound is None else [shown, sound]):
            for frame in decoded(packet):
                if packet.stream.index != shown.index:
                    for block in mixer(frame):
                        self._newest.hear(block)
                    continue
                canvas = canvas or shown_size(frame, aspect)
                self._brake.wait(frame.time, self._newest.stop)
                self._newest.see(picture(frame, aspect, canvas, LONGEST))
            if self._newest.stop.is_set():
                return


class _Piped(Newest):
    """`Newest` of a stream that ends.

    Attributes:
        stop: set when nothing more comes, or is wanted. error: what was wrong with the stream.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, "check the program that writes it", buffered=BUFFERED)
        self.stop = threading.Event()
        self.error: Exception | None = None

    def over(self) -> bool:
        """See `Newest.over`."""
        if not self.stop.is_set():
            return False
        if self.error is not None:
            raise self.error
        if self.picture is None:
            raise ElpError(f"{self.name}: ended at once: {self.look_after}")
        return True


def _packets(file: Any, tracks: list[Any]) -> Iterator[Any]:
    """What is written; a writer that breaks off has ended."""
    import av

    with contextlib.suppress(av.error.FFmpegError):
        yield from file.demux(tracks)


class _Brake:
    """Waits where pictures come faster than they were made, but for a backlog."""

    def __init__(self) -> None:
        self.begun, self.shown = time.monotonic(), 0.0
        self.last: float | None = None

    def wait(self, at: float | None, stop: threading.Event) -> None:
        """Until a picture of that time (s) is due; at once where it has none."""
        if at is None:
            return
        if self.last is not None and 0 <= at - self.last <= JUMP:
            self.shown += at - self.last
        self.last = at
        stop.wait(max(0.0, self.shown - AHEAD - (time.monotonic() - self.begun)))
