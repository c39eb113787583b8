"""Ties between neighbouring frames: block-tridiagonal normal equations, robust, by conjugate gradients (chapter "Parameter extraction")."""

# B frame, N unknown of a frame
from __future__ import annotations

from collections.abc import Callable

import torch
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
    y, trace = x, []
    for _ in range(iterations):
        step = (y[1:] - y[:-1]) / scale
        pull = strength * tied[:, None] / (1 + step**2) / scale**2  # iteratively reweighted least squares
        d = y - x
        trace.append(((d * ((h @ d[..., None])[..., 0] + 2 * g)).sum() + strength * (tied[:, None] * torch.log1p(step**2)).sum()) / len(x))

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
            lambda v: (h @ v[..., None])[..., 0] + ties(v),
            lambda v: torch.cholesky_solve(v[..., None], block)[..., 0],  # noqa: B023
            -((h @ d[..., None])[..., 0] + g + ties(y)),
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
