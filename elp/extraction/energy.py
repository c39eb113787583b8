"""What the fit minimises: residuals, robust weights, priors and their normal equations.

Chapter "Parameter extraction".
"""

# B frame of a batch, P mesh point, C observed coordinate, K expression coefficient, S shared
# coefficient
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from elp.face.camera import derivatives, project, rotation
from elp.face.landmarks import LIDS_L, LIPS, OVAL, POINTS
from elp.face.model import SKIN, FaceModel

KINK = 3.0  # residuals beyond this many σ count as outliers (Cauchy's loss)
BATCH = 16  # frames whose derivatives by points and pose are taken together
Array = NDArray[Any]  # float32, and float64 in tests
# weight of the tracker's relative depth against x and y: it is a guess from the same picture
DEPTH = 0.35


@dataclass(frozen=True, kw_only=True, eq=False)
class Energy:
    """What stays the same while frames are fitted.

    Model at the landmarks, camera, weights and priors, as tensors.

    x is (B, 6 + K): rotation vector, position, expression. The cost of a frame is Σ_i w_i ρ(r_i) +
    Σ_k (β_k / d_k)² with residuals r in units of the noise σ and Cauchy's ρ(r) = c² log(1 + r²/c²).
    """

    mean: Tensor  # (P, 3), identity included
    modes: Tensor  # (P, 3, K)
    deviation: Tensor  # (K,)
    normals: Tensor  # (P, 3)
    weight: Tensor  # (P,)
    noise: float  # σ in pixels
    focal: float  # pixels
    depth: bool  # whether points carry relative depth

    def shape(self, x: Tensor) -> Tensor:
        """(B, P, 3) model points of frames x."""
        return self.mean + (x[:, 6:] @ self.modes.flatten(0, 1).T).unflatten(1, (-1, 3))

    def weights(self, r: Tensor, static: Tensor) -> tuple[Tensor, Tensor]:
        """Weight of each point (B, P), robust times static, and the data cost (B,), from residuals
        (B, P, C).
        """
        square = (r * r).sum(-1) / KINK**2
        return static / (1 + square), (static * KINK**2 * torch.log1p(square)).sum(-1)

    def static(self, x: Tensor) -> Tensor:
        """(B, P) weights that stay while x is improved.

        By landmark, and less on the far side of a turned head, which the tracker guesses.
        """
        facing = -(self.normals @ rotation(x[:, :3])[0][:, 2, :, None])[..., 0]
        return self.weight * (0.15 + 1.7 * facing.clamp(0, 0.5))

    def _residuals(self, image: Tensor, observed: Tensor, static: Tensor) -> Tensor:
        """(B, P, C) residuals in σ.

        Depth is compared about its mean, for the tracker's zero is arbitrary.
        """
        r = (image - observed) / self.noise
        if self.depth:
            offset = (static * r[..., 2]).sum(1, keepdim=True) / static.sum(1, keepdim=True)
            r = torch.cat([r[..., :2], DEPTH * (r[..., 2] - offset)[..., None]], -1)
        return r

    def cost(self, observed: Tensor, static: Tensor, x: Tensor) -> Tensor:
        """(B,) cost of each frame."""
        r = self._residuals(
            project(self.shape(x), x[:, :6], self.focal, self.depth), observed, static
        )
        return self.weights(r, static)[1] + ((x[:, 6:] / self.deviation) ** 2).sum(-1)

    def pixels(self, observed: Tensor, x: Tensor) -> Tensor:
        """(B, P) distance between projected and tracked points in pixels."""
        return (project(self.shape(x), x[:, :6], self.focal) - observed[..., :2]).norm(dim=-1)

    def descent(self, observed: Tensor, static: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B,) cost of each frame and (B, 6 + K) half of its gradient, by automatic
        differentiation: an eighth of the work of `normal`.
        """
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            cost = self.cost(observed, static, leaf)
            return cost.detach(), torch.autograd.grad(cost.sum(), leaf)[0] / 2

    def normal(
        self, observed: Tensor, static: Tensor, x: Tensor, shared: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Gauss-Newton normal equations of each frame, half of the cost's.

        Matrices JᵀWJ + P (B, N, N) and gradients JᵀWr + Px (B, N), N = 6 + K.

        With modes `shared` (P, 3, Ki) there are columns for what all frames share too: their
        coefficients, then log f: N = 6 + K + Ki + 1.
        """
        # (P, 3, K or K + Ki)
        modes = (self.modes if shared is None else torch.cat([self.modes, shared], -1)).numpy()
        n = x.shape[1] if shared is None else 6 + modes.shape[2] + 1
        h, g = np.empty((len(x), n, n), modes.dtype), np.empty((len(x), n), modes.dtype)
        jacobian = np.empty((len(self.mean), observed.shape[2], n), modes.dtype)
        for first in range(0, len(x), BATCH):
            part = slice(first, first + BATCH)
            self._normal(observed[part], static[part], x[part], modes, jacobian, h[part], g[part])
        k = x.shape[1]
        h[:, range(6, k), range(6, k)] += (self.deviation**-2).numpy()
        g[:, 6:k] += (x[:, 6:] / self.deviation**2).numpy()
        return torch.from_numpy(h), torch.from_numpy(g)

    def _normal(
        self,
        observed: Tensor,
        static: Tensor,
        x: Tensor,
        modes: Array,
        jacobian: Array,
        h: Array,
        g: Array,
    ) -> None:
        """Fill h and g, without priors, by way of one frame's Jacobian (P, C, N) after the other.

        It never leaves the cache.
        """
        image, by_point, by_pose = derivatives(self.shape(x), x[:, :6], self.focal, self.depth)
        r = self._residuals(image, observed, static)
        weight = self.weights(r, static)[0].sqrt()[..., None, None]
        root = (
            weight
            * torch.tensor([1.0, 1.0, DEPTH], dtype=r.dtype)[: r.shape[-1], None]
            / self.noise
        )
        points, poses = (by_point * root).numpy(), (by_pose * root).numpy()
        focal, right = (image[..., None] * root).numpy(), (r * weight[..., 0]).flatten(1).numpy()
        coefficients, flat = slice(6, 6 + modes.shape[2]), jacobian.reshape(-1, jacobian.shape[2])
        for b in range(len(x)):
            jacobian[..., :6] = poses[b]
            np.matmul(points[b], modes, out=jacobian[..., coefficients])
            if coefficients.stop < jacobian.shape[2]:  # every coordinate is proportional to f
                jacobian[..., -1:] = focal[b]
            # a matrix by its own transpose: BLAS's syrk, at half the work
            np.matmul(flat.T, flat, out=h[b])
            np.matmul(right[b], flat, out=g[b])


def landmark_weights(model: FaceModel) -> Tensor:
    """(468,) static weights, mean 1: lids and lips more, for they move.

    The outline counts less, for the tracker slides it along the skin.
    """
    weight = torch.ones(POINTS)
    weight[[k for row in LIPS.values() for k in row]] = 1.5
    left = [k for row in ("upper", "lower") for k in LIDS_L[row]]
    weight[left + model.mirror[left].tolist()] = 2.0
    weight[list(OVAL)] = 0.3
    return weight / weight.mean()


def landmark_normals(model: FaceModel) -> Tensor:
    """(468, 3) unit normals of the mean face, pointing outwards."""
    triangles = torch.as_tensor(model.triangles[:SKIN]).long()
    a, b, c = torch.as_tensor(model.mean)[triangles].unbind(1)
    normals = torch.zeros(POINTS, 3).index_add_(
        0, triangles.ravel(), torch.linalg.cross(b - a, c - a).repeat_interleave(3, 0)
    )
    return torch.nn.functional.normalize(normals, dim=-1)


def start(energy: Energy, observed: Tensor) -> Tensor:
    """(B, 6 + K) first guess.

    Neutral, posed by a weak-perspective camera (the affine map of the mean face onto the points,
    made orthogonal).
    """
    middle = energy.mean.mean(0)
    xy, centre = observed[..., :2], observed[..., :2].mean(1)
    # normal equations: torch's lstsq pivots as memory that it has not initialised says
    points = (energy.mean - middle).double()
    right = (xy - centre[:, None]).double().mT @ points
    affine = torch.linalg.solve(points.T @ points, right, left=False).to(xy.dtype)
    u, s, vt = torch.linalg.svd(affine, full_matrices=False)
    rows = u @ vt
    matrix = torch.cat([rows, torch.linalg.cross(rows[:, 0], rows[:, 1])[:, None]], 1)
    away = energy.focal / s.mean(1, keepdim=True)
    place = torch.cat([centre * away / energy.focal, away], 1) - matrix @ middle
    return torch.cat(
        [_vector(matrix), place, torch.zeros(len(observed), energy.modes.shape[-1])], 1
    )


def _vector(matrix: Tensor) -> Tensor:
    return torch.as_tensor(
        Rotation.from_matrix(matrix.double().numpy()).as_rotvec(), dtype=matrix.dtype
    )
