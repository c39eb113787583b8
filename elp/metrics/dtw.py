"""Dynamic time warping, which REACT's FRDist measures with (chapter "Metrics")."""

# D coefficient
from __future__ import annotations

import numpy as np

from elp.metrics.clips import Doubles


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
