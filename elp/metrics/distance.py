"""Frame-by-frame distances between a generated and the real listener (chapter "Metrics"). Lower is
better.
"""

# C clip, T frame, D coefficient
from __future__ import annotations

from typing import Any

import numpy as np

from elp.metrics.clips import ClipsLike, Doubles, aligned, each_clip, seen, steps


def mse(gt: ClipsLike, pred: ClipsLike, valid: Any = None) -> float:
    """Mean squared difference over all frames and coefficients; a mean response wins it."""
    gts, preds = aligned(valid, gt=gt, pred=pred)
    found = each_clip(lambda a, b: _squares(seen(a - b)), gts, preds)
    return sum(s for s, _ in found) / sum(n for _, n in found) / gts[0].shape[1]


def _squares(x: Doubles) -> tuple[float, int]:
    """The sum of a clip's squares, and its number of rows: corpora are summed clip by clip, which
    copies no corpus.
    """
    return float(np.vdot(x, x)), len(x)


def sts(
    gt: ClipsLike,
    pred: ClipsLike,
    *,
    dt: float,
    joined: bool = False,
    per_frame: bool = False,
    valid: Any = None,
) -> float:
    """STS: short time series distance √(Σ (Δx-Δy)²/δt), Δ the step from one frame to the next.

    Args:
        gt, pred: (C, T, D) or lists of (T_c, D).
        dt: δt in seconds between frames (1/25 here; DIM takes 0.1).
        joined: DIM joins all clips first, so the jumps between clips count as motion.
        per_frame: divide by √(number of steps), which makes corpora of different size comparable;
            the published sum grows with the data.

    Source: ELP section 4.1, after Möller-Levet et al. 2003.
    """
    gts, preds = aligned(valid, gt=gt, pred=pred)
    after = [
        a[:1] - b[:1] if joined else a[:0] for a, b in zip(gts[1:], preds[1:], strict=True)
    ] + [gts[0][:0]]
    found = each_clip(
        lambda a, b, jump: _squares(steps(np.concatenate([a - b, jump]))), gts, preds, after
    )
    count = sum(n for _, n in found)
    return (
        float(np.sqrt(sum(s for s, _ in found) / dt / (count if per_frame else 1)))
        if count
        else float("nan")
    )


def dtw(x: Doubles, y: Doubles) -> float:
    """Dynamic time warping: √ of the least sum of squared Euclidean distances along a monotone path
    from both starts to both ends.

    Args:
        x: (n, D), y: (m, D).

    The table is filled one anti-diagonal at a time, since its cells depend on the two before it
    only.
    """
    n, m = len(x), len(y)
    cost = np.maximum((x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T, 0)
    older, old = np.full(n + 1, np.inf), np.full(n + 1, np.inf)  # index i: row i, column diagonal-i
    older[0] = 0.0
    for diagonal in range(2, n + m + 1):
        i = np.arange(max(1, diagonal - m), min(n, diagonal - 1) + 1)
        new = np.full(n + 1, np.inf)
        new[i] = cost[i - 1, diagonal - i - 1] + np.minimum(
            older[i - 1], np.minimum(old[i - 1], old[i])
        )
        older, old = old, new
    return float(np.sqrt(old[n]))
