"""Today's renderer: the picture warped as a mesh in space (chapter "The renderer")."""

# T frame, V vertex, D expression coefficient, S side of the source picture in pixels
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.transform import Rotation

from elp.errors import ElpError
from elp.motion import POSE, Motion
from elp.render import rig
from elp.render.blink import blink_control
from elp.render.cutout import Cutout, mean4
from elp.render.eyes import Eye, close, together
from elp.render.limits import Limits
from elp.render.mouth import RIM, Mouth, seal
from elp.render.portrait import Portrait
from elp.render.shade import Shade
from elp.render.warp import Warp

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
Image = NDArray[Any]  # uint8
FINE = 2  # source pixels per output pixel
EYEBALL = 1.2  # cm, radius
# share of a head rotation that the eyes take back: they keep looking where they looked
# (vestibulo-ocular reflex)
STEADY = 0.8
# cm that a head comes nearer or goes away which hair and neck follow by half: a fit mistakes an
# open mouth for a nearer head, and an outline that swells is seen at once
NEARER = 3.0
MOST_GAZE = np.deg2rad(14.0)
STILL: Floats = np.zeros(3, np.float32)
# what `WarpRenderer.vertices` gives
Moving = tuple[Floats, Floats, Floats, list[float], Floats]


class WarpRenderer:
    """A `Renderer`: one portrait at one size, re-posed frame by frame (chapter "The renderer").

    Args:
        portrait: whom to show.
        size: side of the pictures in pixels.
        limits: keep motion within what one picture can show (`elp.render.limits`); without, see
            where the warp breaks.
        shade: light what has moved anew (`elp.render.shade`).
    """

    def __init__(
        self, portrait: Portrait, size: int = 256, *, limits: bool = True, shade: bool = True
    ) -> None:
        import cv2

        check_size(size)
        side = FINE * size
        ratio = side / len(portrait.image)
        method = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
        image = cv2.resize(portrait.image, (side, side), interpolation=method).astype(np.float32)
        matte = cv2.resize(portrait.matte, (side, side), interpolation=method).clip(0, 1)
        self.portrait, self.size = portrait, size
        # pictures hold means of 2 x 2 pixels from here on: pixel j of a frame is their pixel 2 j,
        # and in between they stay smooth
        self._centre, self._focal = side / 2 - 1, portrait.focal * ratio
        points = ((portrait.points + 0.5) * ratio - 1).astype(np.float32)
        self.rig = rig.build(
            points[: rig.POINTS], portrait.depth, portrait.model.triangles, side, self._focal
        )
        still = (self.rig.weight == 0) & ~np.isin(np.arange(len(self.rig.weight)), self.rig.hidden)
        self._warp = Warp(
            rest=self.rig.rest,
            triangles=self.rig.triangles,
            still=still,
            under=rig.UNDER,
            scale=FINE,
            size=size,
        )
        self._turn = Rotation.from_rotvec(portrait.rotation).as_matrix()
        # the directions of expression in the camera's axes
        modes = portrait.model.expression[:, portrait.model.landmarks] @ self._turn.T
        self._modes = modes.reshape(len(portrait.beta), -1)
        self._solid = self._lift(self.rig.rest, self.rig.depth)
        self._spread, self._follow = (
            sparse.csr_array(self.rig.spread),
            sparse.csr_array(self.rig.follow),
        )
        # 0 on the face, 1 on hair and neck
        self._loose = np.minimum(2 * (1 - np.asarray(self.rig.spread).sum(1)), 1)
        self._cutout = Cutout.build(image, matte, FINE, 1 / ratio)
        soft = mean4(image)
        self._eyes = [Eye.build(soft, points, eye) for eye in "rl"] if portrait.eyes else []
        self._mouth = Mouth.build(soft, points)
        face = self._solid[: rig.POINTS]
        self._shade = (
            Shade.build(soft, points[: rig.POINTS], face, portrait.model) if shade else None
        )
        face = face @ self._turn
        self._limits = Limits.of(portrait.rotation, face, portrait.model) if limits else None
        self._lids = [portrait.model.index(f"blink_{eye}") for eye in "rl"]

    def frames(self, motion: Motion) -> Iterator[Image]:
        """See `Renderer.frames`."""
        still = np.zeros((len(motion), 3), np.float32)
        return self.alive(motion, still[:, :2], still)

    def alive(self, motion: Motion, looks: Floats, sway: Floats) -> Iterator[Image]:
        """See `Alive.alive`."""
        modes = len(self.portrait.model.expression)
        if motion.beta.shape[1] != modes:
            raise ElpError(
                f"motion: {motion.beta.shape[1]} expression coefficients, "
                f"the portrait's face model has {modes}: use the same model"
            )
        return self._frames(motion, looks, sway)

    def _frames(self, motion: Motion, looks: Floats, sway: Floats) -> Iterator[Image]:
        beta = blink_control(motion.beta, motion.blink, self.portrait.model)
        last = np.zeros(beta.shape[1], np.float32), np.zeros(POSE, np.float32)
        for t in range(len(motion)):
            if motion.valid[t]:
                last = beta[t], motion.pose[t]
            yield self.frame(*last, looks[t], sway[t])

    def frame(
        self,
        beta: NDArray[np.floating],
        pose: NDArray[np.floating],
        looks: Floats = STILL[:2],
        sway: Floats = STILL,
    ) -> Image:
        """(size, size, 3) uint8 RGB of the portrait with expression `beta` (D,) added to its own
        and moved by `pose` (6,); its eyes turned by `looks` (2,), radians to the right and down;
        its shoulders moved by `sway` (3,) cm.
        """
        return self._compose(self.vertices(beta, pose, looks, sway), beta)[0]

    def layers(self, beta: NDArray[np.floating], pose: NDArray[np.floating]) -> dict[str, Image]:
        """The same frame as it comes about.

        They are "background", "+ person", "+ eyes" and "+ mouth", each (size, size, 3) uint8 RGB.
        """
        _, steps = self._compose(self.vertices(beta, pose), beta, keep=True)
        return dict(
            zip(
                ("background", "+ person", "+ eyes", "+ mouth"),
                [self._cutout.back, *steps],
                strict=True,
            )
        )

    def _compose(
        self, moving: Moving, beta: NDArray[np.floating], keep: bool = False
    ) -> tuple[Image, list[Image]]:
        moved, depth, rigid, closure, gaze = moving
        at = self._warp(moved, depth)
        picture = self._cutout(at)
        if self._shade is not None:
            face = moved[: rig.POINTS]
            solid = self._lift(face, depth[: rig.POINTS])
            self._shade(picture, at, face / FINE, solid, beta)
        steps = [picture.copy()] if keep else []
        for eye, shut in zip(self._eyes, closure, strict=False):  # none where glass is before them
            eye.paint(picture, moved, self.rig.rest, gaze, shut, FINE)
        steps += [picture.copy()] if keep else []
        self._mouth.paint(picture, moved, rigid[RIM], self.rig.rest, FINE)
        return picture, [*steps, picture]

    def vertices(
        self,
        beta: NDArray[np.floating],
        pose: NDArray[np.floating],
        looks: Floats = STILL[:2],
        sway: Floats = STILL,
    ) -> Moving:
        """The re-posing: x' = x + w (π(R(X + R₀ ΔS - o) + o + t) - π(X)).

        Args:
            beta: (D,) expression, added to the portrait's own.
            pose: (6,) rotation vector in radians and translation in cm.
            looks: (2,) turn of the eyes, radians to the right and
                down in the picture.
            sway: (3,) cm that what does not follow the head moves.

        Returns:
            moved (V, 2) vertices in source pixels and depth (V,) in cm;
            rigid (V, 2), moved by the head alone; how far each lid pair
            is closed (r, l); shift of the irises (2,) in source pixels.
        """
        own, model = self.rig, self.portrait.model
        origin, full = self.portrait.origin, model.full
        change, pose = np.array(beta, float), np.array(pose, float)
        # the lids meet as far as was asked for, whatever the limits
        closure = together(*(change[i] / full[i] for i in self._lids))
        lean: Floats = np.zeros(3)
        if not self.portrait.eyes:
            closure = [0.0, 0.0]
        if self._limits is not None:
            change, pose, lean = self._limits(change, pose)
        change[self._lids] = 0  # this portrait's lids: see `close`
        shift = self._spread @ (change @ self._modes).reshape(-1, 3)
        # about the head's own axes: a nod stays a nod in a three-quarter view
        about = self._turn @ pose[:3]
        turn = Rotation.from_rotvec(about).as_matrix()
        place = origin + pose[3:]
        solid = (self._solid + shift - origin) @ turn.T + place
        solid[:, 2] -= self._loose * pose[5] / (1 + (pose[5] / NEARER) ** 2)
        step = own.weight[:, None] * (self._project(solid) - own.rest)
        step[own.hidden] = self._follow @ step
        moved = own.rest + step
        seal(moved, own.rest)
        for eye, shut, lash in zip("rl", closure, own.lash, strict=True):
            close(moved, eye, shut, lash)
        angle = STEADY * np.array([about[1], -about[0]]) + looks
        reach = np.clip(angle, -MOST_GAZE, MOST_GAZE) * EYEBALL
        gaze = reach * self._focal / origin[2]
        face = self._solid[: rig.POINTS]
        rigid = (face - origin) @ turn.T + place
        depth = own.depth + own.weight * (solid[:, 2] - own.depth)
        if lean.any() or np.any(sway):
            carried = lean + (1 - own.weight[:, None]) * sway
            moved, depth = self._carry(moved, depth, carried)
        rigid = self._project(rigid + lean)
        return (
            moved.astype(np.float32),
            depth.astype(np.float32),
            rigid.astype(np.float32),
            closure,
            gaze.astype(np.float32),
        )

    def _carry(self, moved: Floats, depth: Floats, by: Floats) -> tuple[Floats, Floats]:
        """Vertices (V, 2) of the given depth (V,), carried along `by` (V, 3) cm."""
        solid = self._lift(moved, depth) + by
        return self._project(solid), solid[:, 2]

    def _lift(self, places: Floats, depth: Floats) -> Floats:
        """(V, 3) points in the camera's axes that are seen at places (V, 2), `depth` (V,) away."""
        return (
            np.column_stack([(places - self._centre) / self._focal, np.ones(len(places))])
            * (depth[:, None])
        )

    def _project(self, solid: NDArray[np.floating]) -> NDArray[np.floating]:
        return solid[:, :2] / solid[:, 2:] * self._focal + self._centre


def check_size(size: int) -> None:
    """Raise ElpError for a size that no picture is rendered in."""
    if size < 64 or size > 1024 or size % 2:
        raise ElpError(
            f"size {size}: frames are 64 to 1024 pixels wide, an even number: "
            "choose 512, or 256 as the paper does"
        )
