"""What looks at pictures: trackers, and the rules by which they choose a face.

Chapter "Parameter extraction".
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Points = NDArray[np.float32]
FACES = ("largest", "left", "right")
FAR = 0.75  # of a face's width and height together: who has moved farther is another person


class Tracker(Protocol):
    """Landmarks of one face in a stream of pictures; a context manager.

    A tracker must

    - give the points of `elp.face.landmarks` in their order: 468 of the skin, five for each iris;
    - follow one face: the one that `choose` takes where several first appear together, and from
      then on the `nearest` one; give NaN where it is not seen, never somebody else's points;
    - print nothing: libraries that log past `sys.stderr` are silenced.
    """

    def __enter__(self) -> Tracker: ...

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, image: Image) -> Points:
        """Landmarks of the next picture.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            (478, 3) float32 in pixels: x right, y down, relative depth of the same scale; NaN
            without the face.
        """
        ...


class Vision(Protocol):
    """Networks that look at pictures; one set of them is named in `elp.media.track.VISIONS`."""

    def tracker(self, face: str, *, still: bool) -> Tracker:
        """A tracker of the face that is meant, one of `FACES`.

        With `still`, pictures have nothing to do with each other.
        """
        ...

    def small_face(self, image: Image, face: str) -> Points:
        """(478, 3) points of one picture's face that its tracker overlooked for being small, or
        NaN.
        """
        ...

    def person(self, image: Image) -> NDArray[np.float32]:
        """(H, W) float32 in [0, 1]: how likely each pixel shows a person."""
        ...


def choose(faces: list[Points], rule: str) -> Points:
    """The largest face, or the one farthest to the left or right of the picture."""
    if rule == "largest":
        return max(faces, key=_size)
    return (min if rule == "left" else max)(faces, key=lambda face: float(face[:, 0].mean()))


def nearest(faces: list[Points], last: Points) -> Points | None:
    """The face closest to the last one seen; None where even that is another person."""
    distance = [float(np.linalg.norm((face - last)[:, :2].mean(0))) for face in faces]
    best = int(np.argmin(distance))
    return faces[best] if distance[best] < FAR * _size(last) else None


def _size(points: Points) -> float:
    return float(np.ptp(points[:, 0]) + np.ptp(points[:, 1]))
