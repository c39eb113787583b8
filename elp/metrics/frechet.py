"""Fréchet distances between Gaussians fitted to motion (chapter "Metrics"). Lower is better."""

# C clip, T frame, D coefficient
from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from elp.metrics.clips import ClipsLike, Doubles, aligned, as_clips, each_clip, mean, seen


class Gaussian(NamedTuple):
    """A Gaussian by its mean (D,) and a root (R, D) of its covariance: root.T @ root = Σ."""

    mean: Doubles
    root: Doubles

    @classmethod
    def of(cls, rows: Doubles) -> Gaussian:
        """Fitted to (n, D) samples, n at least 2; the covariance is divided by n-1, as `numpy.cov` does."""
        return cls(rows.mean(0), _root(rows))


def gaussian_terms(x: Gaussian, y: Gaussian) -> tuple[float, float]:
    """The two terms of the squared Fréchet distance, ‖μx-μy‖² and tr(Σx + Σy - 2(ΣxΣy)^½): where, and how, somebody moves.

    The trace of (ΣxΣy)^½ is the sum of the singular values of X Yᵀ for Σx = XᵀX and Σy = YᵀY, which needs no matrix
    square root and stays exact when there are fewer frames than coefficients.
    """
    gap = x.mean - y.mean
    cross = np.linalg.svd(x.root @ y.root.T, compute_uv=False).sum()
    return float(gap @ gap), max(float((x.root**2).sum() + (y.root**2).sum() - 2 * cross), 0.0)


def gaussian_distance(x: Doubles, y: Doubles) -> float:
    """Squared Fréchet distance ‖μx-μy‖² + tr(Σx + Σy - 2(ΣxΣy)^½) of the Gaussians fitted to two samples.

    Args:
        x: (n, D) samples; y: (m, D) samples. Covariances are divided by n-1, as `numpy.cov` does.

    Returns:
        the distance in squared units of the coefficients, at least 0; NaN with fewer than two rows.

    Source: Dowson and Landau 1982; Heusel et al. 2017 (FID).
    """
    return sum(gaussian_terms(Gaussian.of(x), Gaussian.of(y))) if min(len(x), len(y)) > 1 else float("nan")


def barycentre(gaussians: Sequence[Gaussian], *, steps: int = 50, tolerance: float = 1e-7) -> Gaussian:
    """The Gaussian whose mean squared Fréchet distance to the given ones is least: the best constant answer to any of them.

    Its mean is their mean. Its covariance is the fixed point of Álvarez-Esteban et al. 2016, here on the roots: each is turned
    towards the present one (orthogonal Procrustes), then they are averaged; the mean distance falls with every turn.

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
    centred = (x - x.mean(0)) / np.sqrt(len(x) - 1)
    if len(x) <= x.shape[1]:
        return centred
    covariance = centred.T @ centred
    with contextlib.suppress(np.linalg.LinAlgError):
        root = np.linalg.cholesky(covariance, upper=True)  # the quickest; loses digits of directions in which next to nothing moves
        if root.diagonal().min() > 1e-4 * root.diagonal().max():
            return root
    if len(x) <= 10 * x.shape[1]:
        return np.asarray(np.linalg.qr(centred, mode="r"))
    return _principal(covariance)  # a QR of all frames of a corpus would take seconds


def _principal(covariance: Doubles) -> Doubles:
    values, vectors = np.linalg.eigh(covariance)
    return np.sqrt(np.maximum(values, 0))[:, None] * vectors.T


def frechet(gt: ClipsLike, pred: ClipsLike, valid: Any = None) -> float:
    """FD: the Fréchet distance of each clip's frames, averaged over clips (convention of DIM and lm-listener).

    Args:
        gt, pred: (C, T, D) or lists of (T_c, D), the real and the generated listener.
        valid: optional per-clip (T_c,) masks.
    """
    gts, preds = aligned(valid, gt=gt, pred=pred)
    return mean(each_clip(lambda a, b: gaussian_distance(seen(a), seen(b)), gts, preds))


def frechet_pooled(gt: ClipsLike, pred: ClipsLike, valid: Any = None) -> float:
    """FD of all frames of all clips at once: compares distributions and forgives which clip a motion came from."""
    gts, preds = as_clips("gt", gt, valid), as_clips("pred", pred)
    return gaussian_distance(np.concatenate([seen(x) for x in gts]), np.concatenate([seen(x) for x in preds]))


def paired_frechet(speaker: ClipsLike, gt: ClipsLike, pred: ClipsLike, valid: Any = None) -> float:
    """P-FD: `frechet` on speaker and listener side by side, (T, Ds+D), so that their covariance counts (DIM, L2L)."""
    speakers, gts, preds = aligned(valid, same_width=False, speaker=speaker, gt=gt, pred=pred)
    paired = lambda s, a, b: gaussian_distance(seen(np.hstack([s, a])), seen(np.hstack([s, b])))  # noqa: E731
    return mean(each_clip(paired, speakers, gts, preds))


def l1_distance(gt: ClipsLike, pred: ClipsLike, valid: Any = None) -> float:
    """Mean absolute difference: what RLHG and PCH report under the name "FD". It is not Fréchet's distance."""
    gts, preds = aligned(valid, gt=gt, pred=pred)
    gaps = [np.abs(seen(a - b)) for a, b in zip(gts, preds, strict=True)]
    return float(sum(g.sum() for g in gaps) / sum(g.size for g in gaps))
