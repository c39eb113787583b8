"""What looks at pictures: trackers, and the rule by which they choose a face.

Chapter "Parameter extraction".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Points = NDArray[np.float32]
FACES = ("largest", "left", "right")
TOGETHER = 25  # pictures that show several people, after which it is settled who is meant
# who is seen in less of the pictures, or is smaller than that share of the largest, is nobody that
# "left" or "right" means
SELDOM, SMALL = 0.1, 0.33


class Seen(NamedTuple):
    """Somebody's face in a picture: points (478, 3), how sure they are and how much the eyes show,
    0 to 1 each.
    """

    points: Points
    confidence: float
    eyes: float


class Tracker(Protocol):
    """Landmarks of one face in a stream of pictures; a context manager.

    A tracker must

    - give the points of `elp.face.landmarks` in their order: 468 of the skin, five for each iris;
    - know people again by place, size and looks, after a cut too, and wherever they come back; give
      nothing for a face of which it is in doubt whose it is;
    - print nothing: libraries that log past `sys.stderr` are silenced.
    """

    def __enter__(self) -> Tracker: ...

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, image: Image) -> Points:
        """Landmarks of the person who is meant, as far as is known by the next picture.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            (478, 3) float32 in pixels: x right, y down, relative depth of the same scale; NaN
            without that face.
        """
        ...

    def everybody(self, image: Image) -> Mapping[int, Seen]:
        """All who are followed in the next picture, by a number for each person."""
        ...

    def meant(self) -> int | None:
        """Whose face is meant, from what was seen so far: at a video's end, throughout it."""
        ...


class Vision(Protocol):
    """Networks that look at pictures; one set of them is named in `elp.media.track.VISIONS`."""

    def tracker(self, face: str, *, still: bool) -> Tracker:
        """A tracker of the face that is meant, one of `FACES`.

        With `still`, pictures have nothing to do with each other.
        """
        ...

    def person(self, image: Image) -> NDArray[np.float32]:
        """(H, W) float32 in [0, 1]: how likely each pixel shows a person."""
        ...


class Choice:
    """Who is meant by "largest", "left" or "right", from everybody's points picture by picture.

    The largest is who takes most of the pictures, all together; left and right are told where
    several are seen together, if that ever happens.
    """

    def __init__(self, rule: str) -> None:
        self.rule, self.together = rule, 0
        self._sizes: dict[int, list[float]] = {}  # sum and number of pictures
        self._places: dict[int, list[float]] = {}  # the same of x
        self._company: dict[int, list[float]] = {}  # of x, in company

    def add(self, faces: Mapping[int, Points]) -> None:
        """Count the next picture: (478, 3) points by person."""
        self.together += len(faces) > 1
        for person, points in faces.items():
            x = float(points[:, 0].mean())
            _count(self._sizes, person, float(np.ptp(points[:, :2], axis=0).sum()))
            _count(self._places, person, x)
            if len(faces) > 1:
                _count(self._company, person, x)

    @property
    def settled(self) -> bool:
        """Several people were together for a second: the choice is final."""
        return self.together >= TOGETHER

    def best(self) -> int | None:
        """The person who is meant; None where nobody was seen."""
        if not self._sizes:
            return None
        if self.rule == "largest":
            return max(self._sizes, key=lambda person: self._sizes[person][0])
        most = max(count for _, count in self._sizes.values())
        often = [p for p, (_, count) in self._sizes.items() if count >= SELDOM * most]
        size = {person: _mean(self._sizes[person]) for person in often}
        able = [person for person in often if size[person] >= SMALL * max(size.values())]
        place = {p: _mean(self._company.get(p, self._places[p])) for p in able}
        return (min if self.rule == "left" else max)(able, key=lambda person: place[person])


def _count(sums: dict[int, list[float]], person: int, value: float) -> None:
    total = sums.setdefault(person, [0.0, 0.0])
    total[0] += value
    total[1] += 1


def _mean(sums: list[float]) -> float:
    return sums[0] / sums[1]
