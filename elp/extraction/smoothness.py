"""Ties between neighbouring frames: block-tridiagonal normal equations, robust, solved exactly
(chapter "Parameter extraction").
"""

# B, T frame, N unknown of a frame
from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def tie(
    h: Tensor,
    g: Tensor,
    x: Tensor,
    tied: Tensor,
    scale: Tensor,
    strength: float,
    iterations: int = 4,
) -> tuple[Tensor, Tensor]:
    """Minimise the quadratic model (H, g) of each frame about x plus robust ties between
    neighbours.

    A tie costs strength · log(1 + (step / scale)²): steps of noise are pulled together, a blink's
    or a nod's are let go. Iteratively reweighted least squares, each round solved exactly.

    Args:
        h: (B, N, N), g: (B, N): normal equations at x (B, N).
        tied: (B - 1,) bool, whether frames b and b + 1 are neighbours in time.
        scale: (N,) step that counts as noise.

    Returns:
        the tied x (B, N), and the cost above the untied frames', per frame, after each iteration.
    """
    y, trace = x, []
    for _ in range(iterations):
        d, step = y - x, (y[1:] - y[:-1]) / scale
        trace.append(
            (
                (d * ((d[:, None] @ h)[:, 0] + 2 * g)).sum()
                + strength * (tied[:, None] * torch.log1p(step**2)).sum()
            )
            / len(x)
        )
        pull = strength * tied[:, None] / (1 + step**2) / scale**2
        # nothing flows in at either end
        flow = torch.nn.functional.pad(pull * (x[1:] - x[:-1]), (0, 0, 1, 1))
        y = x + torch.from_numpy(chain(h.numpy(), pull.numpy(), (flow[1:] - flow[:-1] - g).numpy()))
    return y, torch.stack(trace)


def chain(h: NDArray[Any], pull: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Solve (diag(H) + Dᵀ diag(pull) D) v = right exactly, D taking differences between neighbours,
    by Cholesky's factors of a band.

    A tie links an unknown with itself one frame on, N places further. So the matrix is a band of
    half-width N, and LAPACK stores N + 1 numbers of column j: from a_jj down to a_(j+N)j. Rows of
    H, N numbers each, fall into place one after the other: what is right of the diagonal belongs to
    column j, and what is left of it to the end of the column before, where the ties stand.

    Args:
        h: (B, N, N) symmetric, positive definite.
        pull: (B - 1, N) strength of the ties between b and b + 1.
        right: (B, N).

    Returns:
        v (B, N).
    """
    from scipy.linalg import solveh_banded

    frames, n = right.shape
    band, each = np.zeros((frames, n + 1, n), h.dtype), np.arange(n)
    band[:, :n] = np.triu(h)
    band[:-1, each, each] += pull
    band[1:, each, each] += pull
    band[:-1, each + 1, each] = -pull
    return solveh_banded(
        band.reshape(-1, n + 1).T, right.ravel(), lower=True, overwrite_ab=True
    ).reshape(frames, n)


def steady(
    pose: NDArray[np.floating],
    tied: NDArray[np.bool_],
    noise: NDArray[np.floating],
    iterations: int = 10,
) -> NDArray[np.float32]:
    """The likeliest path of a head behind poses that tremble: a head has mass, and the tracker has
    none.

    Where all points of a frame err together, no expression tells it from a turn of the head. What
    does is time: such errors are white, while a head's speed changes little from frame to frame.
    Per coordinate this minimises

        Σ_t ((y_t - p_t) / σ)² + 2 Σ_t log(1 + (a_t / s)²),   a_t = y_(t+1) - 2 y_t + y_(t-1),

    normal noise and Cauchy-distributed accelerations, whose heavy tails leave nods alone, by
    iteratively reweighted least squares.

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
            pull = (
                free * 2 / (1 + (np.diff(column, 2) / (sigma * 2 / 3)) ** 2) / (sigma * 2 / 3) ** 2
            )
            # Dᵀ diag(pull) D + 1 / σ², D taking second differences
            bands = np.zeros((3, len(column)))
            bands[2] = 1 / sigma**2
            bands[2, :-2] += pull
            bands[2, 1:-1] += 4 * pull
            bands[2, 2:] += pull
            bands[1, 1:-1] -= 2 * pull
            bands[1, 2:] -= 2 * pull
            bands[0, 2:] = pull
            column[:] = solveh_banded(bands, right)
    return out.astype(np.float32)
