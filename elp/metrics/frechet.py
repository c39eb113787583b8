"""Fréchet distances between Gaussians fitted to motion (chapter "Metrics"). Lower is better."""

# C clip, T frame, D coefficient
from __future__ import annotations

from typing import Any

import numpy as np

from elp.metrics.clips import ClipsLike, Doubles, aligned, as_clips, each_clip, mean, seen


def gaussian_distance(x: Doubles, y: Doubles) -> float:
    """Squared Fréchet distance ‖μx-μy‖² + tr(Σx + Σy - 2(ΣxΣy)^½) of the Gaussians fitted to two samples.

    The trace of (ΣxΣy)^½ is the sum of the singular values of X Yᵀ for Σx = XᵀX and Σy = YᵀY, which needs no matrix
    square root and stays exact when there are fewer frames than coefficients.

    Args:
        x: (n, D) samples; y: (m, D) samples. Covariances are divided by n-1, as `numpy.cov` does.

    Returns:
        the distance in squared units of the coefficients, at least 0; NaN with fewer than two rows.

    Source: Dowson and Landau 1982; Heusel et al. 2017 (FID).
    """
    if min(len(x), len(y)) < 2:
        return float("nan")
    a, b = _root(x), _root(y)
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    gap = x.mean(0) - y.mean(0)
    return max(float(gap @ gap + (a**2).sum() + (b**2).sum() - 2 * cross), 0.0)


def _root(x: Doubles) -> Doubles:
    """A short matrix R with RᵀR = the covariance of the rows of x."""
    centred = (x - x.mean(0)) / np.sqrt(len(x) - 1)
    if len(x) <= x.shape[1]:
        return centred
    if len(x) <= 10 * x.shape[1]:
        return np.asarray(np.linalg.qr(centred, mode="r"))
    values, vectors = np.linalg.eigh(centred.T @ centred)  # a QR of all frames of a corpus would take seconds
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
    return float(np.abs(np.concatenate([seen(a - b) for a, b in zip(gts, preds, strict=True)])).mean())
