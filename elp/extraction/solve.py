"""Levenberg-Marquardt: its damping, and frames fitted one by one in batches.

Chapter "Parameter extraction".
"""

# B frame of a batch, P mesh point, C observed coordinate, K expression coefficient, N = 6 + K
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from elp.extraction.energy import Energy, start

KEY = 8  # every so many frames one is fitted from scratch
ENOUGH = 5e-4  # a step that lowers a frame's cost by less than this share is its last
NEAR = 5.0  # cm: the head stays before the camera


@dataclass(frozen=True, kw_only=True)
class Damping:
    """How large a share of the diagonal is added to the normal equations before a step.

    Attributes:
        first: at the beginning.
        up: factor after a step that raised the cost.
        down: divisor after a step that lowered it.
        most: from here on the search is given up.
    """

    first: float
    up: float
    down: float = 1.0
    most: float


FRAMES = Damping(first=1e-4, up=10.0, most=1e4)


def damped(h: Tensor, share: Tensor | float) -> Tensor:
    """Matrices (..., N, N) with a share (...,) of their diagonals added."""
    h, factor = h.clone(), 1 + torch.as_tensor(share, dtype=h.dtype)
    h.diagonal(dim1=-2, dim2=-1).mul_(factor[..., None])
    return h


def before_the_camera(x: Tensor) -> Tensor:
    """Frames x (B, N) whose heads have gone through the camera, put back before it, in place."""
    x[:, 5] = x[:, 5].clamp(min=NEAR)
    return x


def fit_frames(
    energy: Energy, observed: Tensor, beta: Tensor, iterations: int = 12
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fit every frame (B, P, C) by itself, with β about (K,) at first.

    Every eighth frame goes first, the others start between them.

    Returns:
        what `levenberg_marquardt` does.
    """
    guess = start(energy, observed)
    guess[:, 6:] = beta
    keys = torch.arange(0, len(observed), KEY)
    solved = levenberg_marquardt(energy, observed[keys], guess[keys], iterations)[0]
    # correction of the weak-perspective guess
    moved = _between(solved - guess[keys], keys, len(observed))
    return levenberg_marquardt(energy, observed, guess + moved, iterations)


def _between(values: Tensor, keys: Tensor, count: int) -> Tensor:
    """(count, N) linear interpolation of values (keys, N); the last key's value after it."""
    at = torch.arange(count)
    low = (at // KEY).clamp(max=len(keys) - 1)
    high = (low + 1).clamp(max=len(keys) - 1)
    share = ((at - keys[low]) / KEY).clamp(max=1.0)[:, None]
    return values[low] * (1 - share) + values[high] * share


def levenberg_marquardt(
    energy: Energy, observed: Tensor, x: Tensor, iterations: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Minimise each frame's cost from x (B, N); frames that have converged rest.

    A frame's matrix is most of an iteration's work and hardly changes near the answer: it is kept,
    factorised, until a step fails. Gradients are always new, so that the answer is the same.

    Returns:
        x (B, N), the mean cost after 0, 1, ... iterations, the matrices (B, N, N) that the last
        steps were made with, and the gradients (B, N) at x.
    """
    static = energy.static(x)
    x, best = x.clone(), energy.cost(observed, static, x)
    h, g = energy.normal(observed, static, x)
    share = torch.full_like(best, FRAMES.first)
    factor = torch.linalg.cholesky(damped(h, share))
    active = torch.ones_like(best, dtype=torch.bool)
    moved = torch.zeros_like(active)
    trace = [best.mean()]
    for _ in range(iterations):
        i = active.nonzero()[:, 0]
        if len(i):
            step = torch.cholesky_solve(g[i, :, None], factor[i])[..., 0]
            trial = before_the_camera(x[i] - step)
            now, slope = energy.descent(observed[i], static[i], trial)
            better = now < best[i]
            active[i[better & (best[i] - now < ENOUGH * best[i])]] = False
            failed, old, i = i[~better], i[~better & moved[i]], i[better]
            x[i], best[i], g[i], moved[i] = trial[better], now[better], slope[better], True
            if len(old):
                h[old] = energy.normal(observed[old], static[old], x[old])[0]
                moved[old] = False
            share[failed] *= FRAMES.up
            factor[failed] = torch.linalg.cholesky(damped(h[failed], share[failed]))
            active &= share < FRAMES.most
        trace.append(best.mean())
    return x, torch.stack(trace), h, g
