"""What the fit minimises: residuals, robust weights, priors and their normal equations (chapter "Parameter extraction")."""

# B frame of a batch, P mesh point, C observed coordinate, K expression coefficient, S shared coefficient
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from elp.face.camera import derivatives, project, rotation
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
    gram: Tensor  # `gram(modes)`
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
        """Weight of each point (B, P), robust times static, and the data cost (B,), from residuals (B, P, C)."""
        square = (r * r).sum(-1) / KINK**2
        return static / (1 + square), (static * KINK**2 * torch.log1p(square)).sum(-1)

    def static(self, x: Tensor) -> Tensor:
        """(B, P) weights that stay while x is improved: by landmark, and less on the far side of a turned head, which the tracker guesses."""
        facing = -(self.normals @ rotation(x[:, :3])[0][:, 2, :, None])[..., 0]
        return self.weight * (0.15 + 1.7 * facing.clamp(0, 0.5))

    def _residuals(self, image: Tensor, observed: Tensor, static: Tensor) -> Tensor:
        """(B, P, C) residuals in σ; depth is compared about its mean, for the tracker's zero is arbitrary."""
        r = (image - observed) / self.noise
        if self.depth:
            offset = (static * r[..., 2]).sum(1, keepdim=True) / static.sum(1, keepdim=True)
            r = torch.cat([r[..., :2], DEPTH * (r[..., 2] - offset)[..., None]], -1)
        return r

    def cost(self, observed: Tensor, static: Tensor, x: Tensor) -> Tensor:
        """(B,) cost of each frame."""
        r = self._residuals(project(self.shape(x), x[:, :6], self.focal, self.depth), observed, static)
        return self.weights(r, static)[1] + ((x[:, 6:] / self.deviation) ** 2).sum(-1)

    def pixels(self, observed: Tensor, x: Tensor) -> Tensor:
        """(B, P) distance between projected and tracked points in pixels."""
        return (project(self.shape(x), x[:, :6], self.focal) - observed[..., :2]).norm(dim=-1)

    def normal(self, observed: Tensor, static: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Gauss-Newton normal equations of each frame: matrices (B, 6 + K, 6 + K) and gradients (B, 6 + K), half of the cost's."""
        return self._normal(observed, static, x, None)

    def normal_shared(self, observed: Tensor, static: Tensor, x: Tensor, shared: Tensor) -> tuple[Tensor, Tensor]:
        """The same with columns for what all frames share: coefficients of modes `shared` (P, 3, Ki), then log f: N = 6 + K + Ki + 1."""
        return self._normal(observed, static, x, shared)

    def _normal(self, observed: Tensor, static: Tensor, x: Tensor, shared: Tensor | None) -> tuple[Tensor, Tensor]:
        image, by_point, by_pose = derivatives(self.shape(x), x[:, :6], self.focal, self.depth)
        r = self._residuals(image, observed, static)
        weight = self.weights(r, static)[0][..., None, None]
        unit = torch.tensor([1.0, 1.0, DEPTH], dtype=r.dtype)[: r.shape[-1], None] / self.noise
        if shared is not None:
            by_pose = torch.cat([by_pose, image[..., None]], -1)  # by log f: every coordinate is proportional to f
        by_point, by_pose = by_point * unit, by_pose * unit
        # J = [by_pose, by_point B] is never formed: JᵀJ needs a 3 × 3 matrix A of each point between Bᵀ and B
        heavy, flat = by_pose * weight, self.modes.flatten(0, 1)
        a = torch.einsum("bpci,bpcj->bpij", by_point * weight, by_point)
        cross = torch.einsum("bpcq,bpci->bqpi", heavy, by_point).flatten(2)
        force = torch.einsum("bpci,bpc->bpi", by_point * weight, r).flatten(1)
        own, flat_pose = self._squares(a), heavy.flatten(1, 2).mT
        if shared is not None:  # the shared modes' rows and columns
            flat = torch.cat([flat, shared.flatten(0, 1)], 1)
            rows = torch.einsum("bpij,pjm->bmpi", a, shared).flatten(2) @ flat
            k = own.shape[-1]
            own = torch.cat([torch.cat([own, rows[..., :k].mT], 2), rows], 1)
        pose_rows = torch.cat([flat_pose @ by_pose.flatten(1, 2), cross @ flat], 2)
        h = torch.cat([pose_rows, torch.cat([pose_rows[..., pose_rows.shape[1] :].mT, own], 2)], 1)
        g = torch.cat([(flat_pose @ r.flatten(1)[..., None])[..., 0], force @ flat], 1)
        if shared is not None:  # log f goes last
            order = torch.tensor([*range(6), *range(7, h.shape[1]), 6])
            h, g = h.index_select(1, order).index_select(2, order), g[:, order]
        k = x.shape[1]
        h.diagonal(dim1=1, dim2=2)[:, 6:k] += self.deviation**-2
        g[:, 6:k] += x[:, 6:] / self.deviation**2
        return h, g

    def _squares(self, a: Tensor) -> Tensor:
        """Σ_p B_pᵀ A_p B_p (B, K, K) of symmetric A (B, P, 3, 3), by one product with the modes' own products `gram`."""
        six = torch.stack([a[..., 0, 0], a[..., 1, 1], a[..., 2, 2], a[..., 0, 1], a[..., 0, 2], a[..., 1, 2]], -1)
        k = self.modes.shape[-1]
        i, j = torch.triu_indices(k, k)
        place = torch.empty(k, k, dtype=torch.long)
        place[i, j] = place[j, i] = torch.arange(len(i))
        return (six.flatten(1) @ self.gram).index_select(1, place.flatten()).unflatten(1, (k, k))


def gram(modes: Tensor) -> Tensor:
    """(P*6, K (K + 1) / 2) products of pairs of modes (P, 3, K) at each point: xx, yy, zz, xy, xz, yz, for `Energy`; 57 MB at 468 × 100."""
    i, j = torch.triu_indices(modes.shape[-1], modes.shape[-1])
    x, y, z = modes.unbind(1)
    pairs = [(x, x), (y, y), (z, z), (x, y), (x, z), (y, z)]
    return torch.stack([u[:, i] * v[:, j] if u is v else u[:, i] * v[:, j] + v[:, i] * u[:, j] for u, v in pairs], 1).flatten(0, 1)


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


def start(energy: Energy, observed: Tensor) -> Tensor:
    """(B, 6 + K) first guess: neutral, posed by a weak-perspective camera (the affine map of the mean face onto the points, made orthogonal)."""
    middle = energy.mean.mean(0)
    xy, centre = observed[..., :2], observed[..., :2].mean(1)
    right = (xy - centre[:, None]).permute(1, 0, 2).reshape(len(energy.mean), -1)
    affine = torch.linalg.lstsq(energy.mean - middle, right).solution.reshape(3, -1, 2).permute(1, 2, 0)
    u, s, vt = torch.linalg.svd(affine, full_matrices=False)
    rows = u @ vt
    matrix = torch.cat([rows, torch.linalg.cross(rows[:, 0], rows[:, 1])[:, None]], 1)
    away = energy.focal / s.mean(1, keepdim=True)
    place = torch.cat([centre * away / energy.focal, away], 1) - matrix @ middle
    return torch.cat([_vector(matrix), place, torch.zeros(len(observed), energy.modes.shape[-1])], 1)


def _vector(matrix: Tensor) -> Tensor:
    from scipy.spatial.transform import Rotation

    return torch.as_tensor(Rotation.from_matrix(matrix.double().numpy()).as_rotvec(), dtype=matrix.dtype)
