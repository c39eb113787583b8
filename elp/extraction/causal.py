"""A face that is still being watched: pose and expression of each frame from the past alone
(chapter "Live").

The same energy as `elp.extraction.fit`, with identity, focal length and noise frozen after a
calibration. A frame starts from the last one's answer, is fitted by itself, and is then tied to the
last one by the offline fit's smoothness prior, whose other neighbour has not happened yet.
"""

# P mesh point, C observed coordinate, K expression coefficient, N = 6 + K
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from elp.errors import ElpError
from elp.extraction.blink import COVERED, SHUT, WINK, ear, lid_aperture, open_ear
from elp.extraction.energy import Array, start
from elp.extraction.fit import (
    ACROSS,
    AWAY,
    EXPRESSION,
    TOGETHER,
    TREMBLE,
    TURN,
    face_energy,
    fit,
)
from elp.extraction.frame import FrameEnergy
from elp.extraction.solve import NEAR, levenberg_marquardt
from elp.face.landmarks import POINTS
from elp.face.model import FaceModel
from elp.motion import POSE

LEAST = 10  # frames of a calibration
STEPS, AFRESH = 2, 12  # from the last frame's answer, and from none
# squared steps, in units of noise: the second's share of the first's, and what is small anyway
SHRINKS, SMALL = 1.0, 1000.0
STRENGTH = 0.1  # of the tie, relative to the offline prior's: the past alone pulls small moves back
PAST, ROUNDS = 15, 3  # frames and iterations that the newest pose is smoothed with
FORGET = 13  # frames without a face after which the next one is fitted afresh


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One frame of a person: β (K,), p (6,) and whether the eyes are shut."""

    beta: NDArray[np.float32]
    pose: NDArray[np.float32]
    blink: int


class CausalFit:
    """Points in, β, p and φ out, frame by frame.

    Args:
        points: (T, 478, 3) of the calibration, pixels: a second or two of a face that keeps still;
            NaN where it was not seen.
        size: (width, height) of the picture.
        model: by default the one that ships.

    Attributes:
        alpha, focal, origin: what was found and stays, as in `elp.extraction.fit.FaceFit`.

    Raises:
        ElpError: fewer than ten frames show a face.
    """

    def __init__(
        self,
        points: NDArray[np.floating],
        size: tuple[int, int],
        model: FaceModel | None = None,
    ) -> None:
        seen = np.isfinite(points).all((1, 2))
        if seen.sum() < LEAST:
            raise ElpError(
                f"calibration: a face in {seen.sum()} frames, {LEAST} are needed: "
                "look into the camera, well lit, for two seconds"
            )
        self.model, self.size = model or FaceModel.default(), size
        found = fit(points, size, self.model)
        self.alpha, self.focal, self.origin = found.alpha, found.focal, found.origin
        self.energy = face_energy(self.model, found)
        self._frame = FrameEnergy(self.energy)
        self.open = open_ear(ear(points[seen]))
        last = np.flatnonzero(seen)[-1]
        noise = [TURN] * 3 + [ACROSS] * 2 + [AWAY], EXPRESSION * self.energy.deviation.numpy()
        self.scale = np.concatenate(noise).astype(np.float32)
        # each frame by itself, tied to the one before, and the poses of the last ones
        self._alone = self._tied = np.concatenate([found.pose[last], found.beta[last]])
        self._rest = np.nanmedian(found.beta, axis=0)
        self._poses: list[NDArray[np.float32]] = []
        self._missing = 0

    @torch.no_grad()
    def push(self, points: NDArray[np.floating]) -> Seen | None:
        """The next frame's points (478, 3) in pixels; None where there is no face (NaN)."""
        if not np.isfinite(points).all():
            self._missing += 1
            return None
        centre = np.array([self.size[0] / 2, self.size[1] / 2, 0.0])
        observed = (points[:POINTS] - centre).astype(np.float32)
        afresh, self._missing = self._missing >= FORGET, 0
        if afresh:
            self._alone, self._poses = start(self.energy, _batch(observed))[0].numpy(), []
            self._alone[POSE:] = self._rest
        x, h, g = self._fitted(observed, afresh)
        self._alone, self._tied = x, x if afresh else self._tie(x, h, g)
        pose = self._smoothed(self._tied[:POSE])
        pose[3:] -= self.origin
        return Seen(beta=self._tied[POSE:].copy(), pose=pose, blink=self._shut(points))

    def _fitted(self, observed: Array, afresh: bool) -> tuple[Array, Array, Array]:
        """The frame by itself, and the normal equations there.

        From the last frame's answer Gauss-Newton takes two steps; where they do not shrink, as
        after a cut, damped ones go on.
        """
        x, static, steps = self._alone, self._frame.static(self._alone), []
        for _ in range(0 if afresh else STEPS):
            h, g = self._frame.normal(observed, static, x)
            step = _solved(h, g)
            x = x - step
            x[5] = max(x[5], NEAR)
            steps.append(float(np.square(step / self.scale).sum()))
        if afresh or steps[-1] > max(SHRINKS * steps[0], SMALL):
            found = levenberg_marquardt(self.energy, _batch(observed), _batch(self._alone), AFRESH)
            x, h, g = (found[k][0].numpy() for k in (0, 2, 3))
            return x, h, g
        return x, *self._frame.normal(observed, static, x)

    def _tie(self, x: Array, h: Array, g: Array) -> Array:
        """The minimum of the frame's quadratic model (H, g) about x and the tie to the last frame:
        steps of noise are held back, a blink's or a nod's are let go.
        """
        y, before = x, self._tied
        for _ in range(3):
            step = (y - before) / self.scale
            pull = STRENGTH * TOGETHER / (1 + step**2) / self.scale**2
            y = x - _solved(h + np.diag(pull), g + pull * (x - before))
        return y

    def _smoothed(self, pose: Array) -> Array:
        """The newest of the last poses without trembling."""
        self._poses = [*self._poses, pose.copy()][-PAST:]
        if len(self._poses) < 4:
            return pose.copy()
        return newest_smoothed(np.stack(self._poses), TREMBLE, ROUNDS)

    def _shut(self, points: NDArray[np.floating]) -> int:
        """φ of one frame, by the offline rule with the open eyes of the calibration; a dip's end
        and its length are not known yet.
        """
        own = ear(points[None])[0] / self.open
        hidden = float(lid_aperture(points[None]).max()) < COVERED
        return int(own.mean() < SHUT and own.max() < WINK and hidden)


def newest_smoothed(
    pose: NDArray[np.floating], noise: NDArray[np.floating], iterations: int
) -> NDArray[np.float32]:
    """The last of a few neighbouring poses (T, N) as `elp.extraction.smoothness.smooth_pose` has
    it; their small systems are solved all at once.
    """
    given, sigma = pose.T.astype(np.float64), noise[:, None]
    rest, bends = sigma * 2 / 3, np.diff(np.eye(len(pose)), 2, axis=0)
    right, data = given / sigma**2, np.eye(len(pose)) / sigma[..., None] ** 2
    y: NDArray[np.floating] = given
    for _ in range(iterations):
        weight = 2 / (1 + (y @ bends.T / rest) ** 2) / rest**2
        curved = bends.T @ (weight[..., None] * bends)
        y = np.linalg.solve(data + curved, right[..., None])[..., 0]
    return np.asarray(y[:, -1], np.float32)


def _solved(h: Array, g: Array) -> Array:
    """The v with H v = g; H (N, N) is symmetric and positive definite."""
    return np.asarray(cho_solve(cho_factor(h, check_finite=False), g, check_finite=False))


def _batch(x: Array) -> torch.Tensor:
    return torch.from_numpy(x)[None]
