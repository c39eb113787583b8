"""MSE: the mean squared difference, which a mean response wins (chapter "Metrics"). Lower is
better.
"""

# C clip, D coefficient
from __future__ import annotations

from typing import Any

import numpy as np

from elp.metrics.clips import Clips, ClipsLike, Doubles, aligned, each_clip, seen
from elp.metrics.metric import Case, Metric, mean_of_ratios, plain, ratio


def mse(gt: ClipsLike, pred: ClipsLike, valid: Any = None) -> float:
    """Mean squared difference over all frames and coefficients; a mean response wins it."""
    return plain(ratio, _sums(*aligned(valid, gt=gt, pred=pred)))


def _sums(gts: Clips, preds: Clips) -> Doubles:
    """(C, 2) sum of each clip's squared differences, and how many there are: corpora are summed
    clip by clip, which copies no corpus.
    """

    def measure(a: Doubles, b: Doubles) -> tuple[float, int]:
        gap = seen(a - b)
        return float(np.vdot(gap, gap)), gap.size

    return np.array(each_clip(measure, gts, preds), np.float64)


def _terms(case: Case) -> Doubles:
    return _sums(case.gt, case.pred)


_SQUARES: dict[str, Any] = {"direction": "lower", "unit": "coefficient²", "terms": _terms}
METRICS = (
    Metric(
        name="mse",
        title="MSE",
        convention="mean squared difference",
        reduce=ratio,
        **_SQUARES,
    ),
    Metric(
        name="mse",
        title="MSE",
        convention="DIM: mean squared difference",
        source="dim",
        over=("pose", "exp"),
        key="{name}_{part}",
        reduce=ratio,
        **_SQUARES,
    ),
    Metric(
        name="l2",
        title="L2",
        convention="lm-listener: mean squared difference per clip",
        source="lm-listener",
        over=("",),
        reduce=mean_of_ratios,
        **_SQUARES,
    ),
)
