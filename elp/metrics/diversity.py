"""How much, and how variously, a listener moves (chapter "Metrics"). Closest to the ground truth is
best.
"""

# C clip, T frame, D coefficient, K cluster
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.metrics.clips import ClipsLike, Doubles, as_clips, each_clip, mean, seen
from elp.metrics.kmeans import kmeans

EXPRESSION_CLUSTERS, POSE_CLUSTERS = 40, 20  # k of L2L, DIM and ELP


def variance(clips: ClipsLike, valid: Any = None) -> float:
    """V-D: variance over time, per clip and coefficient, averaged over both. A constant clip gives
    0 wherever it rests.
    """
    return mean(
        each_clip(
            lambda x: seen(x).var(0).mean() if len(seen(x)) else np.nan,
            as_clips("clips", clips, valid),
        )
    )


def variance_flat(clips: ClipsLike, valid: Any = None) -> float:
    """Variance of all values flattened (convention of DIM): differences between people and
    coefficients count as motion.
    """
    return float(np.concatenate([seen(x) for x in as_clips("clips", clips, valid)]).var())


def cluster(
    gt: ClipsLike, k: int, *, seed: int = 0, frames: int | None = None, valid: Any = None
) -> Doubles:
    """Centres (K, D) of a k-means on the real listener's frames.

    Args:
        gt: (C, T, D) or list of (T_c, D).
        k: number of clusters.
        seed: of the k-means++ start.
        frames: fit on at most so many frames, evenly spaced; None takes all (DIM).

    Raises:
        ElpError: fewer seen frames than clusters.
    """
    rows = [seen(x) for x in as_clips("gt", gt, valid)]
    ends = np.cumsum([len(x) for x in rows])
    if ends[-1] < k:
        raise ElpError(
            f"k-means with {k} clusters needs as many frames, got {ends[-1]}: give longer clips or more of them"
        )
    if frames is not None and ends[-1] > frames:
        chosen = np.split(
            kept := np.linspace(0, ends[-1] - 1, frames).round().astype(int),
            np.searchsorted(kept, ends[:-1]),
        )
        # counted from the clip's end
        rows = [x[at - end] for x, at, end in zip(rows, chosen, ends, strict=True)]
    return kmeans(np.concatenate(rows), k, seed)


def entropy(clips: ClipsLike, centres: Doubles, valid: Any = None) -> float:
    """SI-D: Shannon entropy in bits of the histogram of nearest centres, all frames together, in
    [0, log2 K].

    1e-6 inside the logarithm, as in L2L and DIM, costs at most 1.5e-6 K bits.
    """
    square = (centres**2).sum(1)

    def visits(x: Doubles) -> NDArray[np.intp]:
        gap = square - 2 * seen(x) @ centres.T  # ‖row‖² is the same for every centre
        return np.bincount(gap.argmin(1), minlength=len(centres))

    visited = np.sum(each_clip(visits, as_clips("clips", clips, valid)), 0)
    share = visited / visited.sum()
    return float(-(share * np.log2(share + 1e-6)).sum())
