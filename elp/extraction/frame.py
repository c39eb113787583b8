"""The fit's energy of a single frame, in forms that are fast for one (chapter "Live")."""

# P mesh point, K expression coefficient, N = 6 + K
from __future__ import annotations

import math

import numpy as np

from elp.extraction.energy import DEPTH, KINK, Array, Energy

PRIOR = 6  # the first unknown that has one: a pose has none
SMALL = 1e-4  # squared angle below which the fractions of Rodrigues' formula lose their digits


class FrameEnergy:
    """`Energy` of one frame whose points carry relative depth, on arrays without a batch: the same
    numbers in a third of the time, for a tensor's small operations cost more than their arithmetic.

    Args:
        energy: what stays while frames are fitted.
    """

    def __init__(self, energy: Energy) -> None:
        self.focal, self.noise = energy.focal, energy.noise
        self.mean, self.modes = energy.mean.numpy(), np.ascontiguousarray(energy.modes.numpy())
        self.normals, self.weight = energy.normals.numpy(), energy.weight.numpy()
        self.prior = (energy.deviation**-2).numpy()
        points, _, modes = self.modes.shape
        # written anew for each frame, the same places of memory
        self.jacobian = np.empty((points, 3, PRIOR + modes), self.modes.dtype)
        self.by_turned, self.by_turn = np.zeros((2, points, 3, 3), self.modes.dtype)

    def static(self, x: Array) -> Array:
        """(P,) weights of frame x (N,); see `Energy.static`."""
        facing = -(self.normals @ turned_by(x[:3])[0][2])
        return np.asarray(self.weight * (0.15 + 1.7 * facing.clip(0, 0.5)))

    def normal(self, observed: Array, static: Array, x: Array) -> tuple[Array, Array]:
        """Matrix (N, N) and gradient (N,) at frame x (N,), whose points are observed (P, 3); see
        `Energy.normal`.
        """
        matrix, left = turned_by(x[:3])
        shape = self.mean + (self.modes.reshape(-1, len(self.prior)) @ x[PRIOR:]).reshape(-1, 3)
        turned = matrix @ shape.T  # (3, P), as all that has a row for each coordinate
        residual, root = self._residual(turned, observed, static, x[3:6])
        self._derivatives(turned, root / self.noise, matrix, left, x[3:6])
        flat = self.jacobian.reshape(-1, len(x))
        h, g = flat.T @ flat, (residual * root).T.ravel() @ flat
        h.reshape(-1)[PRIOR * (len(x) + 1) :: len(x) + 1] += self.prior
        g[PRIOR:] += x[PRIOR:] * self.prior
        return h, g

    def _residual(
        self, turned: Array, observed: Array, static: Array, place: Array
    ) -> tuple[Array, Array]:
        """(3, P) residuals in σ, and (P,) roots of the points' weights."""
        image = turned * (self.focal / place[2])
        image[:2] = (turned[:2] + place[:2, None]) * (self.focal / (turned[2] + place[2]))
        residual = (image - observed.T) / self.noise
        residual[2] -= static @ residual[2] / static.sum()
        residual[2] *= DEPTH
        square = (residual * residual).sum(0) / KINK**2
        return residual, np.sqrt(static / (1 + square))

    def _derivatives(
        self, turned: Array, root: Array, matrix: Array, left: Array, place: Array
    ) -> None:
        """Fill the Jacobian (P, 3, N), its rows weighted; see `elp.face.camera.derivatives`."""
        x, y, z = turned
        across, away, turn = self.by_turned, DEPTH * self.focal / place[2] * root, self.by_turn
        near = self.focal / (z + place[2]) * root
        by_far = -(turned[:2] + place[:2, None]) * near / (z + place[2])
        # the image's rows by the turned point: (near, 0, ..), (0, near, ..), (0, 0, away)
        across[:, 0, 0] = across[:, 1, 1] = near
        across[:, :2, 2], across[:, 2, 2] = by_far.T, away
        # the point's cross product with each row
        turn[:, :2, 0], turn[:, 2, 0] = (y * by_far).T, y * away
        turn[:, :2, 1], turn[:, 2, 1] = (-x * by_far).T, -x * away
        turn[:, 1, 0] -= z * near
        turn[:, 0, 1] += z * near
        turn[:, 0, 2], turn[:, 1, 2] = -y * near, x * near
        self.jacobian[..., :3] = (turn.reshape(-1, 3) @ left).reshape(turn.shape)
        self.jacobian[..., 3:PRIOR] = across
        self.jacobian[:, 2, 5] = away * -z / place[2]
        points = (across.reshape(-1, 3) @ matrix).reshape(across.shape)
        np.matmul(points, self.modes, out=self.jacobian[..., PRIOR:])


def turned_by(r: Array) -> tuple[Array, Array]:
    """Rotation matrix of a rotation vector (3,) and its left Jacobian; see
    `elp.face.camera.rotation`.
    """
    x, y, z = r.tolist()
    square = x * x + y * y + z * z
    if square < SMALL:
        a, b, c = 1 - square / 6, 0.5 - square / 24, 1 / 6 - square / 120
    else:
        angle = math.sqrt(square)
        a, b = math.sin(angle) / angle, (1 - math.cos(angle)) / square
        c = (1 - a) / square
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    twice, one = k @ k, np.eye(3)
    matrix, left = one + a * k + b * twice, one + b * k + c * twice
    return matrix.astype(r.dtype), left.astype(r.dtype)
