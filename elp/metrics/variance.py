"""V-D: how much a listener moves (chapter "Metrics"). Closest to the ground truth is best."""

# C clip, T frame
from __future__ import annotations

from typing import Any

import numpy as np

from elp.metrics.clips import Clips, ClipsLike, Doubles, as_clips, each_clip, seen
from elp.metrics.metric import Case, Metric, over_clips, plain
from elp.metrics.moments import moments, together


def variance(clips: ClipsLike, valid: Any = None) -> float:
    """V-D: variance over time, per clip and coefficient, averaged over both. A constant clip gives
    0 wherever it rests.
    """
    return plain(over_clips, _over_time(as_clips("clips", clips, valid)))


def variance_flat(clips: ClipsLike, valid: Any = None) -> float:
    """Variance of all values flattened (convention of DIM): differences between people and
    coefficients count as motion.
    """
    return plain(_flat_variance, _flat(as_clips("clips", clips, valid)))


def _over_time(clips: Clips) -> list[float]:
    def measure(x: Doubles) -> float:
        rows = seen(x)
        return float(rows.var(0).mean()) if len(rows) else float("nan")

    return each_clip(measure, clips)


def _flat(clips: Clips) -> Doubles:
    return np.stack([moments(seen(x)) for x in clips])


def _flat_variance(terms: Doubles, weights: Doubles) -> Doubles:
    found = together(terms, weights)
    return found.products[:, 0, 0] / found.number


def _vd(case: Case) -> list[float]:
    return _over_time(case.pred)


def _flat_terms(case: Case) -> Doubles:
    return _flat(case.pred)


_MATCH: dict[str, Any] = {"direction": "match", "unit": "coefficient²", "own": True}
METRICS = (
    Metric(
        name="vd",
        title="V-D",
        convention="variance over time, mean over coefficients and clips",
        terms=_vd,
        reduce=over_clips,
        tabled=True,
        **_MATCH,
    ),
    Metric(
        name="var",
        title="Var",
        convention="DIM: variance of all values flattened",
        source="dim",
        over=("pose", "exp"),
        key="{name}_{part}",
        terms=_flat_terms,
        reduce=_flat_variance,
        **_MATCH,
    ),
    Metric(
        name="var",
        title="Var",
        convention="lm-listener: variance over time",
        source="lm-listener",
        over=("",),
        terms=_vd,
        reduce=over_clips,
        **_MATCH,
    ),
)
