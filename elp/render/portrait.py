"""A real portrait made ready to be re-posed (chapter "The renderer")."""

# P face point (468), D expression coefficient, S side of the square picture
from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from elp.errors import ElpError
from elp.face.landmarks import TRACKED
from elp.face.model import FaceModel
from elp.render.doubts import SEEN, doubts
from elp.render.picture import read
from elp.render.turned import again, quarters, turns

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
Image = NDArray[Any]  # uint8
ROOM = 2.3  # side of the square picture in heights of the face
SMALL = 40  # pixels: a lower face gives no portrait
ASIDE = 50  # degrees of yaw: from there on one picture shows half a face
LARGE = 1024  # pixels: the square picture is not kept finer than this
FINE = 512  # pixels: nor coarser, so that 256-pixel frames are sampled twice as finely


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Portrait:
    """One picture of a face: cropped, tracked, fitted and cut out.

    Attributes:
        image: (S, S, 3) uint8 RGB, the square around the face.
        points: (478, 2) float32, tracked points in its pixels.
        depth: (468,) float32, distance of each face point from the camera in cm, from the fitted
            model.
        matte: (S, S) float32 in [0, 1], how much of a pixel belongs to the person.
        focal: focal length in pixels of the square picture; its centre is the principal point.
        origin: (3,) float32, the head's centre in camera coordinates, cm.
        rotation: (3,) float32, rotation vector of the head, 0 facing the camera.
        beta: (D,) float32, the portrait's own expression.
        model: the face model.
        eyes: whether they show; lids are not painted over glass or a hand.
    """

    image: Image
    points: Floats
    depth: Floats
    matte: Floats
    focal: float
    origin: Floats
    rotation: Floats
    beta: Floats
    model: FaceModel
    eyes: bool = True

    @classmethod
    def load(
        cls, source: str | Path | Image, *, face: str = "largest", model: FaceModel | None = None
    ) -> Portrait:
        """Find, turn upright, crop, track, fit and cut out the face of one picture.

        One warning says what of it will look wrong: shut or covered eyes, a head that looks aside,
        an open mouth, few pixels.

        Args:
            source: an image file, or (H, W, 3) uint8 RGB.
            face: which face, where there are several: "largest", "left" or "right" (in the
                picture).
            model: the face model; by default the one that ships.

        Raises:
            ElpError: the image is missing, not readable, not (H, W, 3) uint8, shows no face, or one
                too small or in profile; `face` is none of the three.
        """
        from elp.extraction.fit import fit
        from elp.face.landmarks import OVAL
        from elp.render.matte import matte

        image, name = read(source)
        model = model or FaceModel.default()
        image, whole = upright(image, face, name)
        square = crop(image, whole)
        points, shown = seen(square)
        if not np.isfinite(points).all():
            raise ElpError(
                f"{name}: the face could not be tracked: "
                "use a portrait that looks towards the camera"
            )
        found = fit(points[None], (len(square), len(square)), model)
        aside = float(np.rad2deg(np.abs(found.pose[0, 1])))
        if aside > ASIDE:
            raise ElpError(
                f"{name}: the head looks {aside:.0f} degrees aside, {ASIDE} at most can be moved: "
                "use one that faces the camera"
            )
        turn = Rotation.from_rotvec(found.pose[0, :3])
        depth = (
            turn.apply(model.shape(found.alpha, found.beta[0])[model.landmarks])[:, 2]
            + found.pose[0, 5]
        )
        # the tracker counts from the picture's edge, arrays from the first pixel's centre
        points = points[:, :2] - np.float32(0.5)
        if said := list(doubts(points, shown, float(np.ptp(whole[:, 1])), aside)):
            warnings.warn(f"{name}: {'; '.join(said)}", stacklevel=2)
        return cls(
            image=square,
            points=points,
            depth=depth.astype(np.float32),
            matte=matte(square, points[list(OVAL)]),
            focal=found.focal,
            origin=found.pose[0, 3:],
            rotation=found.pose[0, :3],
            beta=found.beta[0],
            model=model,
            eyes=shown >= SEEN,
        )


def find(image: Image, face: str, name: str) -> Floats:
    """(478, 2) points of the wanted face in pixels.

    Raises ElpError where there is none or it is too small.
    """
    from elp.media.track import landmarks

    points = landmarks([image], face=face, still=True)[0, :, :2]
    if not np.isfinite(points).all():
        raise ElpError(
            f"{name}: no face found: use a portrait that shows one face from the front, well lit"
        )
    height = float(np.ptp(points[:, 1]))
    if height < SMALL:
        raise ElpError(
            f"{name}: the face is {height:.0f} pixels high, at least {SMALL} are needed: "
            "use a larger picture"
        )
    return points


def upright(image: Image, face: str, name: str) -> tuple[Image, Floats]:
    """The picture, turned by quarters until the wanted face stands upright, and its points there.

    Raises ElpError as `find` does.
    """
    failure = None
    for quarter in range(4):
        turned = np.ascontiguousarray(np.rot90(image, quarter))
        try:
            points = find(turned, face, name)
        except ElpError as error:
            failure = failure or error
            continue
        if more := turns(points):
            turned = np.ascontiguousarray(np.rot90(turned, more))
            points = again(turned, quarters(points, more, turned))
        return turned, points
    raise failure or ElpError(f"{name}: no face found")


def seen(square: Image) -> tuple[Floats, float]:
    """(478, 3) points of the largest face, NaN where there is none, and the share of its eyes that
    shows.
    """
    from elp.media.track import tracker

    with tracker(still=True) as found:
        people = found.everybody(square)
        meant = found.meant()
    if meant is None or meant not in people:
        return np.full((TRACKED, 3), np.nan, np.float32), 0.0
    return people[meant].points, people[meant].eyes


def crop(image: Image, points: Floats) -> Image:
    """(S, S, 3) uint8 square around a face, with room for hair and shoulders as far as the picture
    has it.

    It is shifted and shrunk rather than padded; only a face at the very edge is padded, by
    repeating the edge.
    """
    import cv2

    low, high = points.min(0), points.max(0)
    tall = float((high - low).max())
    side = int(np.clip(min(ROOM * tall, *image.shape[:2]), np.ceil(1.25 * tall), None))
    centre = (low + high) / 2
    corner = np.round(centre - [side / 2, 0.47 * side]).astype(int)
    room = np.array(image.shape[1::-1]) - side
    corner = np.where(room >= 0, np.clip(corner, 0, np.maximum(room, 0)), corner)
    before, after = np.maximum(-corner, 0), np.maximum(corner + side - image.shape[1::-1], 0)
    if before.any() or after.any():
        image = cv2.copyMakeBorder(
            image, before[1], after[1], before[0], after[0], cv2.BORDER_REPLICATE
        )
        corner = corner + before
    square = image[corner[1] : corner[1] + side, corner[0] : corner[0] + side]
    goal = int(np.clip(side, FINE, LARGE))
    if goal != side:
        square = cv2.resize(
            square, (goal, goal), interpolation=cv2.INTER_AREA if goal < side else cv2.INTER_CUBIC
        )
    return np.ascontiguousarray(square)
