"""Gaussians fitted to motion, the distance of two, and the one nearest to many (chapter
"Metrics").
"""

# D coefficient, R row of a root
from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from elp.metrics.clips import Doubles, each_clip

MANY = 10  # frames a coefficient: a QR of more would take seconds on a corpus


class Gaussian(NamedTuple):
    """A Gaussian by its mean (D,) and a root (R, D) of its covariance: root.T @ root = Σ."""

    mean: Doubles
    root: Doubles

    @classmethod
    def of(cls, rows: Doubles) -> Gaussian:
        """Fitted to (n, D) samples, n at least 2; the covariance is divided by n-1, as `numpy.cov`
        does.
        """
        return cls(rows.mean(0), _root(rows))

    @classmethod
    def pooled(cls, clips: Sequence[Doubles]) -> Gaussian:
        """Fitted to the rows of all clips (n_c, D) together, without copying a corpus."""
        count = sum(len(x) for x in clips)
        if count <= MANY * clips[0].shape[1]:
            return cls.of(np.concatenate(clips))
        mean = sum(x.sum(0) for x in clips) / count
        scatter = each_clip(lambda x: (gap := x - mean).T @ gap, clips)
        return cls(mean, _root_of(sum(scatter) / (count - 1)))


def gaussian_terms(
    x: Gaussian,
    y: Gaussian,
    *,
    cross: float | None = None,
) -> tuple[float, float]:
    """The two terms of the squared Fréchet distance, ‖μx-μy‖² and
    tr(Σx + Σy - 2(ΣxΣy)^½): where, and how, somebody moves.

    The trace of (ΣxΣy)^½ is the sum of the singular values of X Yᵀ for
    Σx = XᵀX and Σy = YᵀY, which needs no matrix square root and stays
    exact when there are fewer frames than coefficients; `cross`, where it
    is known.
    """
    gap = x.mean - y.mean
    if cross is None:
        cross = np.linalg.svd(x.root @ y.root.T, compute_uv=False).sum()
    both = (x.root**2).sum() + (y.root**2).sum()
    return float(gap @ gap), max(float(both - 2 * cross), 0.0)


def gaussian_distance(x: Doubles, y: Doubles) -> float:
    """Squared Fréchet distance ‖μx-μy‖² + tr(Σx + Σy - 2(ΣxΣy)^½) of the Gaussians fitted to two
    samples.

    Args:
        x: (n, D) samples; y: (m, D) samples. Covariances are divided by n-1, as `numpy.cov` does.

    Returns:
        the distance in squared units of the coefficients, at least 0; NaN with fewer than two rows.

    Source: Dowson and Landau 1982; Heusel et al. 2017 (FID).
    """
    return (
        sum(gaussian_terms(Gaussian.of(x), Gaussian.of(y)))
        if min(len(x), len(y)) > 1
        else float("nan")
    )


def barycentre(
    gaussians: Sequence[Gaussian], *, steps: int = 50, tolerance: float = 1e-7
) -> Gaussian:
    """The Gaussian whose mean squared Fréchet distance to the given ones is least: the best
    constant answer to any of them.

    Its mean is their mean. Its covariance is the fixed point of Álvarez-Esteban et al. 2016, here
    on the roots: each is turned towards the present one (orthogonal Procrustes), then they are
    averaged; the mean distance falls with every turn.

    Args:
        gaussians: at least one, of one width. steps: at most so many turns.
        tolerance: stop when a turn lowers the mean distance by less than this part.
    """
    root = _principal(np.mean([g.root.T @ g.root for g in gaussians], 0))
    before = np.inf
    for _ in range(steps):
        turned, lost = np.zeros_like(root), 0.0
        for g in gaussians:
            u, cross, v = np.linalg.svd(root @ g.root.T, full_matrices=False)
            turned += u @ (v @ g.root) / len(gaussians)
            lost += float((root**2).sum() + (g.root**2).sum() - 2 * cross.sum()) / len(gaussians)
        root = turned
        if before - lost <= tolerance * lost:
            break
        before = lost
    return Gaussian(np.mean([g.mean for g in gaussians], 0), root)


def _root(x: Doubles) -> Doubles:
    """A short matrix R with RᵀR = the covariance of the rows of x."""
    # NumPy's keeps Python's lock, so that no other clip's could run beside it
    from scipy.linalg import qr

    centred = (x - x.mean(0)) / np.sqrt(len(x) - 1)
    if len(x) <= x.shape[1]:
        return centred
    if len(x) > MANY * x.shape[1]:
        return _root_of(centred.T @ centred)
    quick = _cholesky(centred.T @ centred)
    return (
        np.asarray(qr(centred, mode="r", check_finite=False)[0][: x.shape[1]])
        if quick is None
        else quick
    )


def _root_of(covariance: Doubles) -> Doubles:
    quick = _cholesky(covariance)
    return _principal(covariance) if quick is None else quick


def _cholesky(covariance: Doubles) -> Doubles | None:
    """The quickest root; None where next to nothing moves in some direction, of which it would lose
    digits.
    """
    with contextlib.suppress(np.linalg.LinAlgError):
        root = np.linalg.cholesky(covariance, upper=True)
        if root.diagonal().min() > 1e-4 * root.diagonal().max():
            return np.asarray(root)
    return None


def _principal(covariance: Doubles) -> Doubles:
    values, vectors = np.linalg.eigh(covariance)
    return np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
