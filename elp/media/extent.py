"""Whether a file is whole: its header promises more than comes, or it ends inside a packet."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from elp.media.clock import Clock

# seconds by which a track may be shorter than its header says, and a file than its own
TRACK, FILE = Fraction(1, 4), Fraction(1, 2)
FEW = 0.1  # share of the pictures that an edit may leave of a track
ROOM = 1 << 14  # bytes behind all packets that need no second recording
CUT = "damaged or cut off: only the part that can be decoded is used"
MORE = "more follows behind its end, as in recordings that were joined: only the first is used"
# bytes after the last packet of a Matroska file without a duration, and what may stand there
REST, INDEX, TAGS = 64, b"\x1c\x53\xbb\x6b", b"\x12\x54\xc3\x67"


class Extent:
    """How far the packets of a file reach.

    Attributes:
        damaged: something in it could not be decoded.
    """

    def __init__(self, pictures: int) -> None:
        self.pictures, self.damaged, self._partial = pictures, False, False
        self._bytes, self._end, self._count, self._hidden = 0, Fraction(0), 0, 0

    def add(self, packet: Any) -> None:
        """One packet, of the track `pictures` or another."""
        self._partial |= packet.is_corrupt
        if packet.size and packet.pos is not None:
            self._bytes = max(self._bytes, packet.pos + packet.size)
        if packet.stream_index != self.pictures or not packet.size:
            return
        self._count += 1
        self._hidden += packet.is_discard
        if packet.pts is not None and packet.time_base:
            self._end = max(self._end, (packet.pts + (packet.duration or 0)) * packet.time_base)

    def fault(self, container: Any, stream: Any, clock: Clock, path: str | Path) -> str | None:
        """What is wrong with the file, as far as can be told when all of it was read."""
        if clock.jumps or clock.end is None:
            return None  # its header speaks of one part
        # a broadcast loses a packet now and then
        if self.damaged or (self._partial and container.format.name != "mpegts"):
            return CUT
        if self._count < FEW * stream.frames or self._short(container, stream, clock, Path(path)):
            return CUT
        behind = Path(path).stat().st_size - self._bytes
        # packets of a picture's file have no place in it
        alone = self._bytes and len(container.streams) == len(clock.tracks)
        if self._hidden * 4 > self._count or (alone and behind > max(self._bytes / 4, ROOM)):
            return MORE
        return None

    def _short(self, container: Any, stream: Any, clock: Clock, path: Path) -> bool:
        if stream.duration and stream.time_base:
            declared = ((stream.start_time or 0) + stream.duration) * stream.time_base
            return bool(declared > self._end + TRACK)
        if len(container.streams) > len(clock.tracks):
            return False  # another track may be the longest
        if container.duration and clock.end is not None:
            return bool(Fraction(container.duration, 10**6) > clock.end - clock.begin + FILE)
        return "matroska" in container.format.name and self._inside(path)

    def _inside(self, path: Path) -> bool:
        """What a browser records has no duration; it ends with a block."""
        with path.open("rb") as file:
            file.seek(self._bytes)
            rest = file.read(REST + 1)
        return len(rest) > REST and INDEX not in rest and TAGS not in rest
