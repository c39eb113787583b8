"""Face landmarks and people by published networks on LiteRT (chapter "Parameter extraction")."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from elp.face.landmarks import TRACKED
from elp.media import weights
from elp.media.network import Network
from elp.media.people import People
from elp.media.tracker import Choice, Image, Points, Seen

SELFIE = 256  # pixels that the segmentation looks at


class LiteRT:
    """A `Vision`; the networks load when the first picture comes."""

    def tracker(self, face: str, *, still: bool) -> LiteRTTracker:
        """See `Vision.tracker`."""
        return LiteRTTracker(face, still=still)

    def person(self, image: Image) -> NDArray[np.float32]:
        """See `Vision.person`: the selfie segmentation."""
        import cv2

        h, w = image.shape[:2]
        # sampled without a half-pixel shift, as MediaPipe does: the same mask to the last bit
        scale = np.array([[SELFIE / w, 0, 0], [0, SELFIE / h, 0]])
        small = cv2.warpAffine(image, scale, (SELFIE, SELFIE))
        (found,) = _selfie()(np.asarray(small, np.float32) / np.float32(255))
        up = cv2.resize(found[..., 0], (w, h), interpolation=cv2.INTER_LINEAR)
        return np.asarray(up, np.float32)


@functools.cache
def _selfie() -> Network:
    return Network(weights.find("selfie"))


class LiteRTTracker:
    """A `Tracker`: everybody is followed until it is clear who is meant, then that person alone."""

    def __init__(self, face: str, *, still: bool) -> None:
        self.face, self.still = face, still
        self._choice = Choice(face)
        self._people: People | None = None

    def __enter__(self) -> LiteRTTracker:
        return self

    def __exit__(self, *_: object) -> None:
        self._people = None

    def __call__(self, image: Image) -> Points:
        """See `Tracker.__call__`."""
        if self.still:
            self._choice = Choice(self.face)
        faces, meant = self.everybody(image), self.meant()
        nobody = np.full((TRACKED, 3), np.nan, np.float32)
        return faces[meant].points if meant in faces else nobody

    def everybody(self, image: Image) -> dict[int, Seen]:
        """See `Tracker.everybody`."""
        if self._people is None:
            self._people = People()
        if self.still:
            self._people.forget()
        faces = {s.person: Seen(s.points, *s.sight) for s in self._people(image)}
        self._choice.add({person: seen.points for person, seen in faces.items()})
        if self._choice.settled and not self.still:
            self._people.only = self._choice.best()
        return faces

    def meant(self) -> int | None:
        """See `Tracker.meant`."""
        return self._choice.best()
