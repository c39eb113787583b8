"""A smoothness prior over neighbouring frames, robust, solved exactly.

Chapter "Parameter extraction".
"""

# B, T frame, N unknown of a frame
from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solveh_banded  # loaded before anybody limits the threads of its BLAS
from torch import Tensor


def smoothness_prior(
    h: Tensor,
    g: Tensor,
    x: Tensor,
    adjacent: Tensor,
    scale: Tensor,
    strength: float,
    iterations: int = 4,
) -> tuple[Tensor, Tensor]:
    """Minimise the quadratic model (H, g) of each frame about x plus a robust smoothness prior.

    The prior costs strength · log(1 + (step / scale)²) between neighbours: steps of noise are
    pulled together, a blink's or a nod's are let go. Iteratively reweighted least squares, each
    round solved exactly.

    Args:
        h: (B, N, N), g: (B, N): normal equations at x (B, N).
        adjacent: (B - 1,) bool, whether frames b and b + 1 are neighbours in time.
        scale: (N,) step that counts as noise.

    Returns:
        the smooth x (B, N), and the cost above the separate frames', per frame, after each
        iteration.
    """
    y, trace = x, []
    for _ in range(iterations):
        d, step = y - x, (y[1:] - y[:-1]) / scale
        data = (d * ((d[:, None] @ h)[:, 0] + 2 * g)).sum()
        prior = strength * (adjacent[:, None] * torch.log1p(step**2)).sum()
        trace.append((data + prior) / len(x))
        weight = strength * adjacent[:, None] / (1 + step**2) / scale**2
        # nothing flows in at either end
        flow = torch.nn.functional.pad(weight * (x[1:] - x[:-1]), (0, 0, 1, 1))
        right = (flow[1:] - flow[:-1] - g).numpy()
        y = x + torch.from_numpy(banded_solve(h.numpy(), weight.numpy(), right))
    return y, torch.stack(trace)


def banded_solve(h: NDArray[Any], weight: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Solve (diag(H) + Dᵀ diag(weight) D) v = right, D taking differences between neighbours.

    The prior links an unknown with itself one frame on, N places further. So the matrix is a band
    of half-width N, which Cholesky's factors solve exactly; LAPACK stores N + 1 numbers of column
    j: from a_jj down to a_(j+N)j. Rows of H, N numbers each, fall into place one after the other:
    what is right of the diagonal belongs to column j, and what is left of it to the end of the
    column before, where the prior's links stand.

    Args:
        h: (B, N, N) symmetric, positive definite.
        weight: (B - 1, N) of the differences between b and b + 1.
        right: (B, N).

    Returns:
        v (B, N).
    """
    frames, n = right.shape
    band, each = np.zeros((frames, n + 1, n), h.dtype), np.arange(n)
    band[:, :n] = np.triu(h)
    band[:-1, each, each] += weight
    band[1:, each, each] += weight
    band[:-1, each + 1, each] = -weight
    return solveh_banded(
        band.reshape(-1, n + 1).T, right.ravel(), lower=True, overwrite_ab=True
    ).reshape(frames, n)


def smooth_pose(
    pose: NDArray[np.floating],
    adjacent: NDArray[np.bool_],
    noise: NDArray[np.floating],
    iterations: int = 10,
) -> NDArray[np.float32]:
    """The likeliest path of a head behind poses that tremble: it has mass.

    Where all points of a frame err together, no expression tells it from a
    turn of the head. Time does: such errors are white, while a head's speed
    changes little from frame to frame. Per coordinate this minimises

        Σ_t ((y_t - p_t) / σ)² + 2 Σ_t log(1 + (a_t / s)²),

    with a_t = y_(t+1) - 2 y_t + y_(t-1): normal noise, and accelerations of
    a Cauchy distribution, whose heavy tails leave nods alone. The method is
    iteratively reweighted least squares.

    Args:
        pose: (T, N).
        adjacent: (T - 1,) whether t and t + 1 are neighbours in time.
        noise: (N,) σ; heads at rest accelerate by s = 2/3 σ per frame².

    Returns:
        (T, N) float32.
    """
    out = pose.astype(np.float64)
    free = adjacent[1:] & adjacent[:-1]
    if not free.any():
        return out.astype(np.float32)
    for column, sigma in zip(out.T, noise, strict=True):
        right, rest = column / sigma**2, sigma * 2 / 3
        for _ in range(iterations):
            square = (np.diff(column, 2) / rest) ** 2
            weight = free * 2 / (1 + square) / rest**2
            # Dᵀ diag(weight) D + 1 / σ², D taking second differences
            bands = np.zeros((3, len(column)))
            bands[2] = 1 / sigma**2
            bands[2, :-2] += weight
            bands[2, 1:-1] += 4 * weight
            bands[2, 2:] += weight
            bands[1, 1:-1] -= 2 * weight
            bands[1, 2:] -= 2 * weight
            bands[0, 2:] = weight
            column[:] = solveh_banded(bands, right)
    return out.astype(np.float32)
