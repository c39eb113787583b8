"""One door to whatever tracks faces and finds people in pictures.

Chapter "Parameter extraction".
"""

# T frame
from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from elp.errors import ElpError
from elp.media.litert import LiteRT
from elp.media.tracker import FACES, Image, Points, Tracker, Vision

# another set of networks: its file, and its name here
VISIONS: dict[str, Vision] = {"litert": LiteRT()}


def vision(name: str = "litert") -> Vision:
    """The set of networks of that name; raises ElpError where there is none."""
    if name not in VISIONS:
        raise ElpError(f"no tracker {name!r}: choose one of {', '.join(VISIONS)}")
    return VISIONS[name]


def tracker(face: str = "largest", *, still: bool = False) -> Tracker:
    """Landmarks of one face in a stream of pictures; use it as a context manager.

    With several faces, `face` says which is meant: the "largest", or the one most to the "left" or
    "right" of the picture (see `elp.media.tracker.Choice`); people are known again by their looks.

    Args:
        face: "largest", "left" or "right".
        still: treat every picture by itself (slower, for unrelated photographs).

    Raises:
        ElpError: `face` is none of the three, or the networks are not installed.
    """
    if face not in FACES:
        raise ElpError(f"face {face!r}: choose one of {', '.join(FACES)}")
    return vision().tracker(face, still=still)


def landmarks(images: Iterable[Image], *, face: str = "largest", still: bool = False) -> Points:
    """(T, 478, 3) landmarks in pixels of T pictures, NaN where there is no face; see `tracker`."""
    with tracker(face, still=still) as found:
        return np.stack([found(image) for image in images])
