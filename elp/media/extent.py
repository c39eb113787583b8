"""Whether a file is whole: its header promises more than comes, or it ends inside a packet."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from elp.media.clock import Clock

# seconds by which a track may be shorter than its header says, and a file than its own
TRACK, FILE = Fraction(1, 4), Fraction(1, 2)
FEW = 0.1  # share of the pictures that an edit may leave of a track
# bytes after the last packet of a Matroska file without a duration, and what may stand there
REST, INDEX, TAGS = 64, b"\x1c\x53\xbb\x6b", b"\x12\x54\xc3\x67"


class Extent:
    """How far the packets of a file reach.

    Attributes:
        damaged: something in it could not be read.
    """

    def __init__(self, pictures: int) -> None:
        self.pictures, self.damaged, self._count = pictures, False, 0
        self.bytes, self.end, self._partial = 0, Fraction(0), False

    def add(self, packet: Any) -> None:
        """One packet, of the track `pictures` or another."""
        self._partial |= packet.is_corrupt
        if packet.size and packet.pos is not None:
            self.bytes = max(self.bytes, packet.pos + packet.size)
        if packet.stream_index != self.pictures or not packet.size:
            return
        self._count += 1
        if packet.pts is not None and packet.time_base:
            self.end = max(self.end, (packet.pts + (packet.duration or 0)) * packet.time_base)

    def short(self, container: Any, stream: Any, clock: Clock, path: str | Path) -> bool:
        """Whether the file is damaged or breaks off, as far as can be told."""
        # a broadcast loses a packet now and then, and where recordings are joined
        if self.damaged or (self._partial and container.format.name != "mpegts"):
            return True
        if self._count < FEW * stream.frames:
            return True
        if clock.jumps or clock.end is None:
            return False  # its header speaks of one part
        if stream.duration and stream.time_base:
            declared = ((stream.start_time or 0) + stream.duration) * stream.time_base
            return bool(declared > self.end + TRACK)
        if len(container.streams) > len(clock.tracks):
            return False  # another track may be the longest
        if container.duration:
            return bool(Fraction(container.duration, 10**6) > clock.end - clock.begin + FILE)
        return "matroska" in container.format.name and self._inside(Path(path))

    def _inside(self, path: Path) -> bool:
        """What a browser records has no duration; it ends with a block."""
        with path.open("rb") as file:
            file.seek(self.bytes)
            rest = file.read(REST + 1)
        return len(rest) > REST and INDEX not in rest and TAGS not in rest
