"""One running clock for a file's pictures and sound, whatever its stamps do.

Recordings joined end to end begin their clock again, others jump by hours. Times go on then, in
pictures and sound alike, so that both stay in step (chapter "Parameter extraction").
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from elp.media.container import opened, pictures_of, sound_of

# seconds: nothing pauses for longer, unless another track goes on meanwhile (as FFmpeg has it); and
# by how much a clock may go back
PAUSE, BACK = Fraction(10), Fraction(1, 10)


class Clock:
    """Moves the stamps of packets, in the order of the file, onto a clock that never jumps.

    A file is in parts, each with an offset. A track that jumps goes on with the next part, which
    another track may have begun before: packets of two tracks lie close together, not in order.

    Attributes:
        jumps: how often a clock jumped, in what is shown.
        begin: where the first packet begins, in seconds.
        end: where the latest packet ends, in seconds; None before there is one.
    """

    def __init__(self) -> None:
        self.offsets, self.jumps = [Fraction(0)], 0
        self.begin = Fraction(0)
        self.end: Fraction | None = None
        self._part: dict[int, int] = {}
        self._last: dict[int, Fraction] = {}  # when a track's latest packet begins
        self._next: dict[int, Fraction] = {}  # and ends

    @property
    def tracks(self) -> set[int]:
        """Numbers of the tracks that were seen."""
        return set(self._part)

    def place(self, packet: Any) -> None:
        """Shift one packet's stamps; those that cannot be are taken away."""
        track, stamp, base = packet.stream_index, packet.dts, packet.time_base
        part = self._part.setdefault(track, 0)
        if stamp is None or not base:  # when it is decoded is not known
            if packet.pts is not None and base:
                packet.pts += round(self.offsets[part] / base)
            return
        raw = stamp * base
        if self._jumps(track, raw + self.offsets[part]):
            known = len(self.offsets)
            part = self._part[track] = self._another(track, raw, part)
            self.jumps += part >= known and not packet.is_discard
        now = raw + self.offsets[part]
        shift = round(self.offsets[part] / base)
        late = (packet.pts - stamp) * base if packet.pts is not None else 0
        packet.pts = packet.pts + shift if packet.pts is not None and late <= PAUSE else None
        packet.dts = stamp + shift
        self.jumps += late > PAUSE
        length = packet.duration * base if packet.duration else Fraction(0)
        self.begin = now if self.end is None else min(self.begin, now)
        self._last[track] = now
        self._next[track] = now + (length if 0 < length <= PAUSE else step(packet.stream))
        self.end = max(self._next.values())

    def _jumps(self, track: int, now: Fraction) -> bool:
        if self.end is None:
            return False
        return now < self._last.get(track, now) - BACK or now > self.end + PAUSE

    def _another(self, track: int, raw: Fraction, part: int) -> int:
        for later in range(part + 1, len(self.offsets)):
            if not self._jumps(track, raw + self.offsets[later]):
                return later
        self.offsets.append(self._next.get(track, self.end or Fraction(0)) - raw)
        return len(self.offsets) - 1


def step(stream: Any) -> Fraction:
    """Seconds from one picture to the next, as far as the header can be believed."""
    rate = getattr(stream, "average_rate", None) or getattr(stream, "guessed_rate", None) or 25
    return 1 / Fraction(rate) if 1 <= rate <= 1000 else Fraction(1, 25)


def running(container: Any, *streams: Any, clock: Clock | None = None) -> Iterator[Any]:
    """Packets of some tracks, on one clock; ends where the file breaks off.

    The last of each track is empty and makes its decoder give what it holds back: of that one
    `stream_index` is 0, whatever the track; its `stream` is right.
    """
    clock = clock or Clock()
    for packet in container.demux(*(stream for stream in streams if stream is not None)):
        if packet.size or packet.dts is not None:
            clock.place(packet)
        yield packet


def start(path: str | Path) -> Fraction:
    """When the first picture that can be decoded is shown, on the running clock; 0 without one.

    Pictures before the first whole group cannot be: a header's start is that of the first packet.
    """
    import av

    with opened(path) as container:
        if container.streams.best("video") is None:
            return Fraction(0)
        stream = pictures_of(container, path)
        try:
            for packet in running(container, stream, sound_of(container)):
                if packet.stream.index != stream.index:
                    continue
                for frame in decoded(packet):
                    return frame.pts * frame.time_base if frame.pts is not None else Fraction(0)
        except av.error.FFmpegError:
            pass
    return Fraction(0)


def decoded(packet: Any) -> list[Any]:
    """What is in one packet; nothing where it is damaged: later ones may be whole."""
    import av

    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        return []
