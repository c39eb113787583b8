"""What the fit minimises: residuals, robust weights, priors and their normal equations (chapter "Parameter extraction")."""

# B frame of a batch, P mesh point, C observed coordinate, K expression coefficient, S shared coefficient
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from elp.face.camera import project, project_with_jacobian, rotation
from elp.face.landmarks import LIDS_L, LIPS, OVAL, POINTS
from elp.face.model import SKIN, FaceModel

KINK = 3.0  # residuals beyond this many σ count as outliers (Cauchy's loss)
DEPTH = 0.35  # weight of the tracker's relative depth against x and y: it is a guess from the same picture


@dataclass(frozen=True, kw_only=True, eq=False)
class Energy:
    """What stays the same while frames are fitted: model at the landmarks, camera, weights and priors, as tensors.

    x is (B, 6 + K): rotation vector, position, expression. The cost of a frame is Σ_i w_i ρ(r_i) + Σ_k (β_k / d_k)² with residuals r in
    units of the noise σ and Cauchy's ρ(r) = c² log(1 + r²/c²).
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
        return self.mean + torch.einsum("pik,bk->bpi", self.modes, x[:, 6:])

    def weights(self, r: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Weight of each point (B, P), robust and static, and the data cost (B,), from residuals (B, P, C)."""
        facing = -(self.normals @ rotation(x[:, :3])[0].mT)[..., 2]
        static = self.weight * (0.15 + 1.7 * facing.clamp(0, 0.5))  # the far side of a turned head is the tracker's guess
        square = (r * r).sum(-1) / KINK**2
        return static / (1 + square), (static * KINK**2 * torch.log1p(square)).sum(-1)

    def cost(self, observed: Tensor, x: Tensor) -> Tensor:
        """(B,) cost of each frame."""
        r = self._compare(project(self.shape(x), x[:, :6], self.focal, self.depth) - observed)
        return self.weights(r, x)[1] + ((x[:, 6:] / self.deviation) ** 2).sum(-1)

    def pixels(self, observed: Tensor, x: Tensor) -> Tensor:
        """(B, P) distance between projected and tracked points in pixels."""
        return (project(self.shape(x), x[:, :6], self.focal) - observed[..., :2]).norm(dim=-1)

    def normal(self, observed: Tensor, x: Tensor, shared: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Gauss-Newton normal equations: matrices (B, N, N) and gradients (B, N), N = 6 + K (+ S).

        `shared` (P, 3, S - 1) adds columns for coefficients that move the points alike in all frames, and one last for log f.
        """
        modes = self.modes if shared is None else torch.cat([self.modes, shared], -1)
        image, jacobian = project_with_jacobian(self.shape(x), modes, x[:, :6], self.focal, self.depth)
        if shared is not None:
            jacobian = torch.cat([jacobian, image[..., None]], -1)  # every coordinate is proportional to f
        r = self._compare(image - observed)
        jacobian = self._compare(jacobian.transpose(2, 3)).transpose(2, 3)
        root = self.weights(r, x)[0].sqrt()[..., None]
        r, jacobian = (r * root).flatten(1), (jacobian * root[..., None]).flatten(1, 2)
        h, g = jacobian.mT @ jacobian, (jacobian.mT @ r[..., None])[..., 0]
        k = x.shape[1]
        h.diagonal(dim1=1, dim2=2)[:, 6:k] += self.deviation**-2
        g[:, 6:k] += x[:, 6:] / self.deviation**2
        return h, g

    def _compare(self, r: Tensor) -> Tensor:
        """Pixels to σ; depth is compared about its mean, for its zero is arbitrary."""
        if self.depth:
            r = torch.cat([r[..., :2], DEPTH * (r[..., 2:] - r[..., 2:].mean(1, keepdim=True))], -1)
        return r / self.noise


def landmark_weights(model: FaceModel) -> Tensor:
    """(468,) static weights, mean 1: lids and lips more, for they move; the outline less, for the tracker slides it along the skin."""
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
    normals = torch.zeros(POINTS, 3).index_add_(0, triangles.ravel(), torch.linalg.cross(b - a, c - a).repeat_interleave(3, 0))
    return torch.nn.functional.normalize(normals, dim=-1)
