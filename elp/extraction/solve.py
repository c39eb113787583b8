"""Frames fitted one by one: Levenberg-Marquardt, batched (chapter "Parameter extraction")."""

# B frame of a batch, P mesh point, C observed coordinate, K expression coefficient, N = 6 + K
from __future__ import annotations

import torch
from torch import Tensor

from elp.extraction.energy import Energy, start

KEY = 8  # every so many frames one is fitted from scratch
DAMPING = 1e-4
ENOUGH = 5e-4  # a step that lowers a frame's cost by less than this share is its last


def frames(
    energy: Energy, observed: Tensor, beta: Tensor, iterations: int = 12
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Fit every frame (B, P, C) by itself, with β about (K,) at first. Every eighth frame goes
    first, the others start between them.

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
    damping = torch.full_like(best, DAMPING)
    factor = _damped(h, damping)
    active, moved = (
        torch.ones_like(best, dtype=torch.bool),
        torch.zeros_like(best, dtype=torch.bool),
    )
    trace = [best.mean()]
    for _ in range(iterations):
        i = active.nonzero()[:, 0]
        if len(i):
            trial = x[i] - torch.cholesky_solve(g[i, :, None], factor[i])[..., 0]
            trial[:, 5] = trial[:, 5].clamp(min=5)  # the head stays before the camera
            now, slope = energy.descent(observed[i], static[i], trial)
            better = now < best[i]
            done, failed, old = (
                i[better & (best[i] - now < ENOUGH * best[i])],
                i[~better],
                i[~better & moved[i]],
            )
            i, active[done] = i[better], False
            x[i], best[i], g[i], moved[i] = trial[better], now[better], slope[better], True
            h[old], moved[old] = (
                energy.normal(observed[old], static[old], x[old])[0] if len(old) else h[old],
                False,
            )
            damping[failed] *= 10
            factor[failed] = _damped(h[failed], damping[failed])
            active &= damping < 1e4
        trace.append(best.mean())
    return x, torch.stack(trace), h, g


def _damped(h: Tensor, damping: Tensor) -> Tensor:
    """Cholesky factors of h (B, N, N) with a share `damping` (B,) of their diagonals added."""
    h = h.clone()
    h.diagonal(dim1=1, dim2=2).mul_(1 + damping[:, None])
    return torch.linalg.cholesky(h)
