"""What a listener gets to see and hear, and when (chapter "Live")."""

# n sample
from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.media.audio import HOP
from elp.motion import FPS

Image = NDArray[np.uint8]
Samples = NDArray[np.float32]
STALE = 0.5  # s without a new picture or sound after which a camera or a microphone is lost
OPENING = 10.0  # s that a camera has for its first picture


class Taken(NamedTuple):
    """What happened since the last one: `ticks` frames of 40 ms, more than 1 where the listener was
    too slow; their sound (640 ticks,) at 16 kHz in [-1, 1]; the newest picture (H, W, 3) uint8 RGB,
    None where there is none; and when that was taken, `time.monotonic()`: now, without one.
    """

    ticks: int
    sound: Samples
    picture: Image | None
    time: float


class Source(Protocol):
    """Where pictures and sound come from; a context manager."""

    def __enter__(self) -> Source: ...

    def __exit__(self, *_: object) -> None: ...

    def taken(self) -> Generator[Taken, None, None]:
        """Frame by frame, at 25 a second by the clock on the wall; ends with a file."""
        ...

    def trouble(self) -> list[str]:
        """What is lost at the moment: of "the camera", "the microphone"."""
        ...


class Pace:
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


class Newest:
    """The newest picture and the sound that waits: threads bring them, ticks take them.

    Args:
        name, look_after: the source, and what to do where it shows nothing: for what is said.
        buffered: samples that may wait; beyond, whoever brings them has a faster clock than ours.
    """

    def __init__(self, name: str, look_after: str, *, buffered: int) -> None:
        self.name, self.look_after, self.buffered = name, look_after, buffered
        self.picture: Image | None = None
        self.seen = self.heard = time.monotonic()
        self._sound: deque[Samples] = deque()

    def see(self, picture: Image) -> None:
        """The next picture."""
        self.picture, self.seen = picture, time.monotonic()

    def hear(self, samples: Samples) -> None:
        """The next sound (n,)."""
        self._sound.append(samples)
        self.heard = time.monotonic()

    def over(self) -> bool:
        """Whether nothing will come any more; raises ElpError where nothing ever did."""
        return False

    def first(self) -> None:
        """Wait for the first picture; raises ElpError where none comes."""
        begun = time.monotonic()
        while self.picture is None:
            if self.over() or time.monotonic() - begun > OPENING:
                raise ElpError(f"{self.name}: gives no picture: {self.look_after}")
            time.sleep(0.02)

    def taken(self) -> Generator[Taken, None, None]:
        """See `Source.taken`."""
        pace = Pace()
        while not self.over():
            count = pace.wait()
            picture, at, now = self.picture, self.seen, time.monotonic()
            if now - at > STALE:
                picture, at = None, now
            yield Taken(count, self._take(count * HOP), picture, at)

    def _take(self, need: int) -> Samples:
        """So many samples of what was heard, silence where they are missing."""
        waiting = np.concatenate([np.zeros(0, np.float32), *_drained(self._sound)])
        waiting = waiting[max(0, len(waiting) - need - self.buffered) :]
        if len(rest := waiting[need:].copy()):
            self._sound.appendleft(rest)
        out = np.zeros(need, np.float32)
        out[: min(need, len(waiting))] = waiting[:need]
        return out


def _drained(box: deque[Samples]) -> Iterator[Samples]:
    """What a queue holds by now."""
    for _ in range(len(box)):
        yield box.popleft()
