"""SI-D: how variously a listener moves (chapter "Metrics"). Closest to the ground truth is best."""

# C clip, T frame, D coefficient, K cluster
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from elp.errors import ElpError
from elp.metrics.clips import Clips, ClipsLike, Doubles, as_clips, each_clip, seen
from elp.metrics.metric import Case, Metric, plain

EXPRESSION_CLUSTERS, POSE_CLUSTERS = 40, 20  # k of L2L, DIM and ELP


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
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    rows = [seen(x) for x in as_clips("gt", gt, valid)]
    ends = np.cumsum([len(x) for x in rows])
    if ends[-1] < k:
        raise ElpError(
            f"k-means with {k} clusters needs as many frames, got {ends[-1]}: give longer clips or "
            "more of them"
        )
    if frames is not None and ends[-1] > frames:
        kept = np.linspace(0, ends[-1] - 1, frames).round().astype(int)
        chosen = np.split(kept, np.searchsorted(kept, ends[:-1]))
        # counted from the clip's end
        rows = [x[at - end] for x, at, end in zip(rows, chosen, ends, strict=True)]
    # one thread: the same centres on any number of cores.
    # Elkan's bounds spare a third of Lloyd's time on a corpus, for the same centres
    fit = KMeans(k, random_state=seed, n_init="auto", algorithm="elkan")
    with threadpool_limits(1), warnings.catch_warnings():
        # fewer different rows than centres: some centres coincide, and stay empty
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(fit.fit(np.concatenate(rows)).cluster_centers_)


def entropy(clips: ClipsLike, centres: Doubles, valid: Any = None) -> float:
    """SI-D: Shannon entropy in bits of the histogram of nearest centres, all frames together, in
    [0, log2 K].

    1e-6 inside the logarithm, as in L2L and DIM, costs at most 1.5e-6 K bits.
    """
    return plain(bits, visits(as_clips("clips", clips, valid), centres))


def visits(clips: Clips, centres: Doubles) -> Doubles:
    """(C, K) how many frames of each clip are nearest to each centre."""
    square = (centres**2).sum(1)

    def measure(x: Doubles) -> Doubles:
        gap = square - 2 * seen(x) @ centres.T  # ‖row‖² is the same for every centre
        return np.bincount(gap.argmin(1), minlength=len(centres)).astype(np.float64)

    return np.stack(each_clip(measure, clips))


def bits(terms: Doubles, weights: Doubles) -> Doubles:
    """Reducer of `visits`."""
    visited = weights @ terms
    share = visited / np.maximum(visited.sum(1, keepdims=True), 1e-12)
    return -(share * np.log2(share + 1e-6)).sum(1)


def _centres(case: Case) -> Doubles:
    """At most K, one cluster in two frames; one for a listener that never moves, as of a corpus
    that knows no head pose.
    """
    moves = np.nanstd(np.concatenate(case.gt), 0).max() > 0
    k = min(case.clusters, sum(len(x) for x in case.gt) // 2) if moves else 1
    return cluster(case.gt, k, seed=case.seed, frames=case.fitted)


def _all_centres(case: Case) -> Doubles:
    return cluster(case.gt, case.clusters, seed=case.seed)


def _ours(case: Case) -> Doubles:
    return visits(case.pred, case.once_for_all(_centres))


def _dim(case: Case) -> Doubles:
    return visits(case.pred, case.once_for_all(_all_centres))


_BITS: dict[str, Any] = {"direction": "match", "unit": "bit", "reduce": bits, "own": True}
METRICS = (
    Metric(
        name="sid",
        title="SI-D",
        convention="entropy in bits over k-means of the ground truth, k=40 or 20",
        terms=_ours,
        tabled=True,
        **_BITS,
    ),
    Metric(
        name="sid",
        title="SID",
        convention="DIM: entropy in bits over k-means of all real frames, k=40 or 20",
        source="dim",
        over=("pose", "exp"),
        key="{name}_{part}",
        terms=_dim,
        **_BITS,
    ),
)
