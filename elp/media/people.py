"""Everybody in a stream of pictures: each face is followed by its crop, found again when it was
lost, and known again by its looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elp.media.detect import Detector, crop_of, tiles
from elp.media.looks import MOST, OTHER, SAME, STRANGE, Looks, alike, looks
from elp.media.network import Crop, Image, Landmarker, Points, around
from elp.media.sight import AGAIN, FALSE, Sight, apart, second, sight

CROWD = 4  # people told apart
SURE = 0.5  # of a face, the landmark network's own measure
CUT = 25.0  # grey levels: mean difference of two pictures beyond which they are two takes
DOUBT = 25  # pictures for which a face that looks unlike its person is followed, unseen
FRESH = 25  # pictures: what is kept for less may be of a dissolve
SURVEY = 12  # pictures between two looks for others, while somebody is seen
# Looks of networks, counted: a picture with a face takes one, and one without may take no more.
# What was saved while there was a face is spent when it is lost; the first is searched whole.
COSTS = {"near": 0.5, "far": 1.0, "face": 3.0}
INCOME, SAVINGS = 0.8, 100.0


class Sighting(NamedTuple):
    """A face in one picture: whose it is, its points (478, 3) in pixels, how well it is seen."""

    person: int
    points: Points
    sight: Sight


@dataclass
class Person:
    """Somebody: pictures of the face that differ, where it is followed, for how long in doubt; how
    far two looks were apart, and how many pictures ago; in how many pictures it was met, and when
    what is kept was.
    """

    index: int
    kept: list[Looks] = field(default_factory=list)
    crop: Crop | None = None
    doubt: int = 0
    apart: float = 0.0
    looked: int = 0
    met: int = 0
    when: list[int] = field(default_factory=list)

    def like(self, seen: Looks) -> float:
        """How much a face looks like this person; 0 where it does so by what is kept of the last
        second only: a picture that dissolves into another person's.
        """
        old, similar = self._old(), alike(seen, self.kept)
        if not old:
            return similar
        lately = old < len(self.kept)
        return 0.0 if (alike(seen, self.kept[:old]) if lately else similar) < STRANGE else similar

    def doubted(self) -> None:
        """Forget what is kept of the last second: it may be half of another person."""
        if old := self._old():
            del self.kept[old:], self.when[old:]

    def _old(self) -> int:
        return sum(when + FRESH < self.met for when in self.when)

    def remember(self, seen: Looks, similar: float) -> None:
        """Keep what looks new, of a face that is known to be this person's."""
        if similar < OTHER and len(self.kept) < MOST:
            self.kept.append(seen)
            self.when.append(self.met)


class People:
    """Call it with one picture (H, W, 3) uint8 RGB after the other: who is seen in it."""

    def __init__(self) -> None:
        self._landmarks, self._detectors = Landmarker(), (Detector("near"), Detector("far"))
        self.known: list[Person]
        self.only: int | None  # the one person that is looked for
        self.cut = True  # the last picture began another take
        self._before: NDArray[np.int16] | None
        self.forget()

    def forget(self) -> None:
        """As if the next picture were the first."""
        self.known, self.only, self._before = [], None, None
        self._savings, self._tile, self._count = SAVINGS, 0, 0

    def __call__(self, image: Image) -> list[Sighting]:
        self._notice(image)
        self._savings = min(self._savings + INCOME, SAVINGS)
        wanted = [p for p in self.known if p.crop and self.only in (None, p.index)]
        seen = [s for person in wanted if (s := self._follow(image, person, wanted))]
        if not seen or self.cut:
            seen += self._search(image, seen)
        elif self.only is None and self._count % SURVEY == 0:
            detector = self._detectors[self._count // SURVEY % 2]
            seen += self._look(image, detector, _whole(image), seen)
        self._count += 1
        return seen

    def _notice(self, image: Image) -> None:
        """Whether a cut lies before this picture: nearly all of it changed, or its size."""
        step = max(1, min(image.shape[:2]) // 36)
        small = image[step // 2 :: step, step // 2 :: step, 1].astype(np.int16)
        last, self._before = self._before, small
        if last is None or last.shape != small.shape:
            self.cut = True
        else:
            self.cut = float(np.abs(small - last).mean()) > CUT

    def _follow(self, image: Image, person: Person, others: list[Person]) -> Sighting | None:
        """The person in the crop of the last picture, if it is still that person."""
        assert person.crop is not None
        points, sure, patch = self._landmarks(image, person.crop)
        face = looks(patch, points, person.crop, image.shape[:2])
        similar, person.met = person.like(face), person.met + 1
        taken = any(_close(around(points), o.crop) for o in others if o.index < person.index)
        if sure < SURE or taken or (similar < SAME and (self.cut or person.doubt >= DOUBT)):
            person.crop, person.doubt = None, 0
            return None
        before, person.crop = person.crop, around(points)
        person.doubt = person.doubt + 1 if similar < SAME else 0
        if similar == 0:
            person.doubted()
        if person.doubt or not self._again(image, person, before, points):
            return None
        person.remember(face, similar)
        return Sighting(person.index, points, sight(patch, points, before, person.apart))

    def _again(self, image: Image, person: Person, crop: Crop, points: Points) -> bool:
        """Now and then a second look; False where it shows that there is no face."""
        person.looked += 1
        if person.looked >= AGAIN:
            found = apart(points, self._landmarks(image, second(crop))[0])
            if found > FALSE:
                person.crop = None
                return False
            person.apart, person.looked = (person.apart + found) / 2, 0
        return True

    def _search(self, image: Image, seen: list[Sighting]) -> list[Sighting]:
        """Faces that are not in `seen`: in the whole picture, then in tiles; in all of them where a
        take begins, else in the next two, as far as savings reach.
        """
        near, far = self._detectors
        rows = list(tiles(*image.shape[:2]))
        if not self.cut:
            rows = [rows[(self._tile + k) % len(rows)] for k in range(min(2, len(rows)))]
            self._tile += 2
        out: list[Sighting] = []
        for k, (detector, window) in enumerate(
            [(near, _whole(image)), (far, _whole(image)), *((far, tile) for tile in rows)]
        ):
            if self._savings < COSTS[detector.which] or (k > 1 and (seen or out)):
                return out
            out += self._look(image, detector, window, [*seen, *out])
        if self.cut and not out:
            self._savings = 0.0  # all was searched: no reason to hurry
        return out

    def _look(
        self, image: Image, detector: Detector, window: Crop, seen: list[Sighting]
    ) -> list[Sighting]:
        """Faces in one window that are not in `seen`, of people who are looked for."""
        self._savings -= COSTS[detector.which]
        out: list[Sighting] = []
        for face in detector(image, window):
            if (found := self._meet(image, crop_of(face), [*seen, *out])) is not None:
                out.append(found)
        return out

    def _meet(self, image: Image, crop: Crop, seen: list[Sighting]) -> Sighting | None:
        """Whose face is in a detected crop; None where it is in `seen`, no face, or nobody that is
        looked for.
        """
        if any(_close(crop, around(s.points)) for s in seen):
            return None
        self._savings -= COSTS["face"]
        points, sure, _ = self._landmarks(image, crop)
        if sure < SURE:
            return None
        crop = around(points)  # once more, upright and centred, as it will be followed
        points, sure, patch = self._landmarks(image, crop)
        if sure < SURE or any(_close(around(points), around(s.points)) for s in seen):
            return None
        disagreement = apart(points, self._landmarks(image, second(crop))[0])
        if disagreement > FALSE:
            return None
        face = looks(patch, points, crop, image.shape[:2])
        person, similar = self._whose(face, crop, {s.person for s in seen})
        if person is None:
            return None
        person.crop, person.doubt = around(points), 0
        person.apart, person.looked = disagreement, 0
        person.remember(face, similar)
        return Sighting(person.index, points, sight(patch, points, crop, disagreement))

    def _whose(self, face: Looks, crop: Crop, seen: set[int]) -> tuple[Person | None, float]:
        free = [p for p in self.known if p.index not in seen]
        scores = [(p.like(face), p) for p in free]
        similar, person = max(scores, key=lambda row: row[0], default=(0.0, None))
        if person is not None and similar >= SAME:
            return (person if self.only in (None, person.index) else None), similar
        doubted = any(p.crop and _close(crop, p.crop) for p in free)
        if self.only is not None or doubted or len(self.known) >= CROWD:
            return None, 0.0
        person = Person(len(self.known))
        self.known.append(person)
        return person, 0.0


def _whole(image: Image) -> Crop:
    h, w = image.shape[:2]
    return Crop(w / 2, h / 2, max(h, w))


def _close(one: Crop, other: Crop | None) -> bool:
    """Whether two crops show one face."""
    if other is None:
        return False
    apart = np.hypot(one.x - other.x, one.y - other.y)
    return bool(apart < 0.35 * max(one.side, other.side))
