"""What all frames share: identity, focal length, the tracker's noise.

Chapter "Parameter extraction".
"""

# B frame of a batch, P mesh point, C observed coordinate
# Ki identity, N = 6 + K unknowns of a frame, S = Ki + 1 shared ones
from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from elp.extraction.energy import Energy, start
from elp.extraction.solve import Damping, before_the_camera, damped, fit_frames

FOCAL_PRIOR = 0.15  # standard deviation of the focal length's logarithm
ROUGH = 3  # every so many frames are enough to begin with
ITERATIONS = 8
JOINT = Damping(first=1e-3, up=8.0, down=8.0, most=1e6)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shared:
    """Identity α (Ki,) over modes (P, 3, Ki), the prior focal length in pixels, and what is fixed.

    `caution` is how many of the frames say the same: they speak for fewer than they are.
    """

    modes: Tensor
    alpha: Tensor
    focal: float
    known: bool
    fixed_focal: bool
    caution: float = 1.0

    def prior(self) -> Tensor:
        """(S,) diagonal of the priors' normal equations."""
        return torch.cat(
            [torch.full((len(self.alpha),), self.caution), torch.tensor([FOCAL_PRIOR**-2])]
        )

    def offset(self, focal: float) -> Tensor:
        """(S,) α and log f/f₀: how far the priors are stretched."""
        return torch.cat([self.alpha, torch.tensor([math.log(focal / self.focal)])])

    def cost(self, focal: float) -> float:
        """Cost of the priors; a known identity has none."""
        return (
            self.caution * (0.0 if self.known else float(self.alpha.square().sum()))
            + (math.log(focal / self.focal) / FOCAL_PRIOR) ** 2
        )

    def free(self) -> Tensor:
        """(S,) bool: what is estimated."""
        return torch.tensor([not self.known] * len(self.alpha) + [not self.fixed_focal])


def fit_identity(
    energy: Energy, observed: Tensor, shared: Shared, independent: float, pool: Executor
) -> tuple[Energy, Tensor, Tensor, dict[str, list[float]]]:
    """Estimate α, f and σ from a few frames (B, P, C), of which `independent` are unlike.

    Twice Levenberg-Marquardt over all unknowns together: a third of the frames with a guessed noise
    level, then all with the noise that the first ones' residuals show.

    Returns:
        the energy with what was found in it, α (Ki,), the frames' median β (K,), and the mean cost
        per frame after each iteration of both steps.
    """
    energy = replace(energy, mean=energy.mean + shared.modes @ shared.alpha)
    history, few = {}, observed[::ROUGH]
    x = start(energy, few)
    for name, enough, some in (("rough", 1e-2, few), ("identity", 1e-3, observed)):
        if name == "identity":
            x = fit_frames(energy, observed, x[:, 6:].median(0).values)[0]
        shared = replace(shared, caution=len(some) / min(independent, len(some)))
        energy, x, shared, history[name] = _joint(energy, some, x, shared, enough, pool)
        distance = energy.pixels(some, x)
        spread = some[:, :, :2].std(1).mean().item()
        # 1.177: a Rayleigh median
        energy = replace(energy, noise=max(float(distance.median()) / 1.177, 0.002 * spread))
    return energy, shared.alpha, x[:, 6:].median(0).values, history


def _joint(
    energy: Energy, observed: Tensor, x: Tensor, shared: Shared, enough: float, pool: Executor
) -> tuple[Energy, Tensor, Shared, list[float]]:
    """Levenberg-Marquardt over frames x (B, N) and what they share, until an iteration gains less
    than a share `enough` of the cost.
    """
    static = energy.static(x)

    def total(energy: Energy, shared: Shared, x: Tensor) -> float:
        return float(energy.cost(observed, static, x).sum()) + shared.cost(energy.focal)

    share, best = JOINT.first, total(energy, shared, x)
    costs = [best / len(x)]
    for _ in range(ITERATIONS):
        h, g, n = *_normal(energy, observed, static, x, shared.modes, pool), x.shape[1]
        shared_g = g[:, n:].sum(0) + shared.prior() * shared.offset(energy.focal)
        while share < JOINT.most:
            step, common = _arrow_step(h, g[:, :n], shared_g, shared.prior(), shared.free(), share)
            focal = energy.focal * math.exp(float(common[-1].clamp(-0.3, 0.3)))
            trial = replace(energy, mean=energy.mean + shared.modes @ common[:-1], focal=focal)
            people = replace(shared, alpha=shared.alpha + common[:-1])
            moved = before_the_camera(x + step)
            if (now := total(trial, people, moved)) < best:
                break
            share *= JOINT.up
        else:
            break
        energy, shared, x, share = trial, people, moved, share / JOINT.down
        costs.append(now / len(x))
        if best - now < enough * best:
            break
        best = now
    return energy, x, shared, costs


def _normal(
    energy: Energy, observed: Tensor, static: Tensor, x: Tensor, modes: Tensor, pool: Executor
) -> tuple[Tensor, Tensor]:
    """The frames' normal equations, a few frames to a thread."""
    parts = [values.split(4) for values in (observed, static, x)]
    found = pool.map(lambda o, s, y: energy.normal(o, s, y, modes), *parts)
    h, g = (torch.cat(part) for part in zip(*found, strict=True))
    return h, g


def _arrow_step(
    h: Tensor, g: Tensor, shared_g: Tensor, prior: Tensor, free: Tensor, share: float
) -> tuple[Tensor, Tensor]:
    """Damped step of frames (B, N) and of what they share (S,).

    The matrix has the shape of an arrow: the Schur complement of the frames' blocks solves it.
    """
    n, h = g.shape[1], h.double()
    cross = h[:, :n, n:]
    own = damped(h[:, :n, :n], share)
    common = damped(h[:, n:, n:].sum(0) + torch.diag(prior).double(), share)
    factor = torch.linalg.cholesky(own)
    solved = torch.cholesky_solve(torch.cat([cross, g[..., None].double()], -1), factor)
    schur = (common - (cross.mT @ solved[..., :-1]).sum(0))[free][:, free]
    right = (shared_g.double() - (cross.mT @ solved[..., -1:]).sum(0)[:, 0])[free]
    shared = torch.zeros(len(prior), dtype=torch.float64)
    shared[free] = -torch.linalg.solve(schur, right)
    step = -(solved[..., -1] + (solved[..., :-1] @ shared))
    return step.float(), shared.float()
