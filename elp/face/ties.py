"""Ties between neighbouring frames: block-tridiagonal normal equations, robust, by conjugate gradients (chapter "Parameter extraction")."""

# B, T frame, N unknown of a frame
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def tie(h: Tensor, g: Tensor, x: Tensor, tied: Tensor, scale: Tensor, strength: float, iterations: int = 4) -> tuple[Tensor, Tensor]:
    """Minimise the quadratic model (H, g) of each frame about x plus robust ties between neighbours.

    A tie costs strength · log(1 + (step / scale)²): steps of noise are pulled together, a blink's or a nod's are let go.

    Args:
        h: (B, N, N), g: (B, N): normal equations at x (B, N).
        tied: (B - 1,) bool, whether frames b and b + 1 are neighbours in time.
        scale: (N,) step that counts as noise.

    Returns:
        the tied x (B, N), and the cost above the untied frames', per frame, after each iteration.
    """
    times = lambda v: (v[:, None] @ h)[:, 0]  # noqa: E731  # h is symmetric, and rows of it are read faster
    y, trace = x, []
    for _ in range(iterations):
        step = (y[1:] - y[:-1]) / scale
        pull = strength * tied[:, None] / (1 + step**2) / scale**2  # iteratively reweighted least squares
        d = y - x
        hd = times(d)
        trace.append(((d * (hd + 2 * g)).sum() + strength * (tied[:, None] * torch.log1p(step**2)).sum()) / len(x))

        def ties(v: Tensor, pull: Tensor = pull) -> Tensor:
            flow = pull * (v[1:] - v[:-1])
            out = torch.zeros_like(v)
            out[:-1] -= flow
            out[1:] += flow
            return out

        diagonal = torch.zeros_like(x)
        diagonal[:-1] += pull
        diagonal[1:] += pull
        block = torch.linalg.cholesky(h + torch.diag_embed(diagonal))
        y = y + conjugate_gradient(
            lambda v: times(v) + ties(v),
            lambda v: torch.cholesky_solve(v[..., None], block)[..., 0],  # noqa: B023
            -(hd + g + ties(y)),
        )
    return y, torch.stack(trace)


def conjugate_gradient(
    apply: Callable[[Tensor], Tensor], precondition: Callable[[Tensor], Tensor], right: Tensor, iterations: int = 12, tolerance: float = 1e-2
) -> Tensor:
    """Solve A v = right for a positive definite A by preconditioned conjugate gradients; all shapes (B, N), B and N one long vector."""
    v, r = torch.zeros_like(right), right
    z = precondition(r)
    p, rz = z, (r * z).sum()
    first = rz
    for _ in range(iterations):
        if rz <= tolerance**2 * first or rz == 0:
            break
        ap = apply(p)
        step = rz / (p * ap).sum()
        v, r = v + step * p, r - step * ap
        z = precondition(r)
        new = (r * z).sum()
        p, rz = z + new / rz * p, new
    return v


def steady(pose: NDArray[np.floating], tied: NDArray[np.bool_], noise: NDArray[np.floating], iterations: int = 10) -> NDArray[np.float32]:
    """The likeliest path of a head behind poses that tremble: a head has mass, and the tracker has none.

    Where all points of a frame err together, no expression tells it from a turn of the head. What does is time: such errors are white, while a head's
    speed changes little from frame to frame. Per coordinate this minimises

        Σ_t ((y_t - p_t) / σ)² + 2 Σ_t log(1 + (a_t / s)²),   a_t = y_(t+1) - 2 y_t + y_(t-1),

    normal noise and Cauchy-distributed accelerations, whose heavy tails leave nods alone, by iteratively reweighted least squares.

    Args:
        pose: (T, N).
        tied: (T - 1,) whether frames t and t + 1 are neighbours in time.
        noise: (N,) σ; heads at rest accelerate by s = 2/3 σ per frame².

    Returns:
        (T, N) float32.
    """
    from scipy.linalg import solveh_banded

    out = pose.astype(np.float64)
    free = tied[1:] & tied[:-1]
    for column, sigma in zip(out.T, noise, strict=True) if free.any() else ():
        right = column / sigma**2
        for _ in range(iterations):
            pull = free * 2 / (1 + (np.diff(column, 2) / (sigma * 2 / 3)) ** 2) / (sigma * 2 / 3) ** 2
            bands = np.zeros((3, len(column)))  # Dᵀ diag(pull) D + 1 / σ², D taking second differences
            bands[2] = 1 / sigma**2
            bands[2, :-2] += pull
            bands[2, 1:-1] += 4 * pull
            bands[2, 2:] += pull
            bands[1, 1:-1] -= 2 * pull
            bands[1, 2:] -= 2 * pull
            bands[0, 2:] = pull
            column[:] = solveh_banded(bands, right)
    return out.astype(np.float32)
