"""L1: the mean absolute difference, which RLHG and PCH report under the name "FD" (chapter
"Metrics"). Lower is better.
"""

# C clip
from __future__ import annotations

from typing import Any

import numpy as np

from elp.metrics.clips import Clips, ClipsLike, Doubles, aligned, each_clip, seen
from elp.metrics.metric import Case, Metric, mean_of_ratios, plain, ratio


def l1_distance(gt: ClipsLike, pred: ClipsLike, valid: Any = None) -> float:
    """Mean absolute difference over all frames and coefficients: what RLHG and PCH report under the
    name "FD". It is not Fréchet's distance.
    """
    return plain(ratio, _sums(*aligned(valid, gt=gt, pred=pred)))


def _sums(gts: Clips, preds: Clips) -> Doubles:
    """(C, 2) sum of each clip's absolute differences, and how many there are."""

    def measure(a: Doubles, b: Doubles) -> tuple[float, int]:
        gap = np.abs(seen(a - b))
        return float(gap.sum()), gap.size

    return np.array(each_clip(measure, gts, preds), np.float64)


def _terms(case: Case) -> Doubles:
    return _sums(case.gt, case.pred)


_L1: dict[str, Any] = {"direction": "lower", "unit": "coefficient", "terms": _terms}
METRICS = (
    Metric(
        name="l1",
        title="L1 (RLHG's FD)",
        convention="mean absolute difference",
        reduce=mean_of_ratios,
        tabled=True,
        **_L1,
    ),
    Metric(
        name="l1_pooled",
        title="L1 pooled",
        convention="mean absolute difference of all frames at once",
        reduce=ratio,
        **_L1,
    ),
    *(
        Metric(
            name=f"fd_{part}",
            title=f"FD {part}",
            convention="RLHG: mean absolute difference, not Fréchet's",
            source="rlhg",
            over=(part,),
            key="{name}",
            reduce=ratio,
            **_L1,
        )
        for part in ("expression", "rotation", "translation")
    ),
)
