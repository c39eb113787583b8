"""How much, and how variously, a listener moves (chapter "Metrics"). Closest to the ground truth is best."""

# C clip, T frame, D coefficient, K cluster
from __future__ import annotations

from typing import Any

import numpy as np

from elp.errors import ElpError
from elp.metrics.clips import ClipsLike, Doubles, as_clips, mean, seen
from elp.metrics.kmeans import kmeans

EXPRESSION_CLUSTERS, POSE_CLUSTERS = 40, 20  # k of L2L, DIM and ELP


def variance(clips: ClipsLike, valid: Any = None) -> float:
    """V-D: variance over time, per clip and coefficient, averaged over both. A constant clip gives 0 wherever it rests."""
    return mean([seen(x).var(0).mean() if len(seen(x)) else np.nan for x in as_clips("clips", clips, valid)])


def variance_flat(clips: ClipsLike, valid: Any = None) -> float:
    """Variance of all values flattened (convention of DIM): differences between people and coefficients count as motion."""
    return float(np.concatenate([seen(x) for x in as_clips("clips", clips, valid)]).var())


def cluster(gt: ClipsLike, k: int, *, seed: int = 0, frames: int | None = None, valid: Any = None) -> Doubles:
    """Centres (K, D) of a k-means on the real listener's frames.

    Args:
        gt: (C, T, D) or list of (T_c, D).
        k: number of clusters.
        seed: of the k-means++ start.
        frames: fit on at most so many frames, evenly spaced; None takes all (DIM).

    Raises:
        ElpError: fewer seen frames than clusters.
    """
    rows = np.concatenate([seen(x) for x in as_clips("gt", gt, valid)])
    if len(rows) < k:
        raise ElpError(f"k-means with {k} clusters needs as many frames, got {len(rows)}: give longer clips or more of them")
    if frames is not None and len(rows) > frames:
        rows = rows[np.linspace(0, len(rows) - 1, frames).round().astype(int)]
    return kmeans(rows, k, seed)


def entropy(clips: ClipsLike, centres: Doubles, valid: Any = None) -> float:
    """SI-D: Shannon entropy in bits of the histogram of nearest centres, all frames together, in [0, log2 K].

    1e-6 inside the logarithm, as in L2L and DIM, costs at most 1.5e-6 K bits.
    """
    rows = np.concatenate([seen(x) for x in as_clips("clips", clips, valid)])
    gap = (centres**2).sum(1) - 2 * rows @ centres.T  # ‖row‖² is the same for every centre
    share = np.bincount(gap.argmin(1), minlength=len(centres)) / len(rows)
    return float(-(share * np.log2(share + 1e-6)).sum())
