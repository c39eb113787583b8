"""STS: does a listener move at the same moments? (chapter "Metrics"). Lower is better."""

# C clip, T frame, D coefficient
from __future__ import annotations

from typing import Any

import numpy as np

from elp.metrics.clips import Clips, ClipsLike, Doubles, aligned, each_clip, steps
from elp.metrics.metric import Case, Metric, plain

DIM_STEP = 0.1  # s between frames, as DIM has it


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
    terms = _sums(*aligned(valid, gt=gt, pred=pred), dt=dt, joined=joined)
    return plain(_per_frame if per_frame else _whole, terms)


def _sums(gts: Clips, preds: Clips, *, dt: float, joined: bool = False) -> Doubles:
    """(C, 2) sum of a clip's squared differences of steps over δt, and its number of steps."""
    jumps = [a[:1] - b[:1] if joined else a[:0] for a, b in zip(gts, preds, strict=True)]

    def measure(a: Doubles, b: Doubles, jump: Doubles) -> tuple[float, int]:
        moved = steps(np.concatenate([a - b, jump]))
        return float(np.vdot(moved, moved)) / dt, len(moved)

    # after each clip comes the first frame of the next
    return np.array(each_clip(measure, gts, preds, [*jumps[1:], gts[0][:0]]), np.float64)


def _whole(terms: Doubles, weights: Doubles) -> Doubles:
    squares, count = (weights @ terms).T
    return np.sqrt(np.where(count > 0, squares, np.nan))


def _per_frame(terms: Doubles, weights: Doubles) -> Doubles:
    squares, count = (weights @ terms).T
    return np.sqrt(np.where(count > 0, squares / np.maximum(count, 1), np.nan))


def _ours(case: Case) -> Doubles:
    return _sums(case.gt, case.pred, dt=1 / case.fps)


def _dim(case: Case) -> Doubles:
    return _sums(case.gt, case.pred, dt=DIM_STEP, joined=True)


_STS: dict[str, Any] = {"direction": "lower", "unit": "coefficient / √s"}
METRICS = (
    Metric(
        name="sts",
        title="STS",
        convention="√(Σ(Δx-Δy)²/δt) over the whole corpus, δt = 1/25 s",
        terms=_ours,
        reduce=_whole,
        tabled=True,
        **_STS,
    ),
    Metric(
        name="sts_frame",
        title="STS per frame",
        convention="STS divided by √(number of steps)",
        terms=_ours,
        reduce=_per_frame,
        tabled=True,
        **_STS,
    ),
    Metric(
        name="sts",
        title="STS",
        convention="DIM: √(Σ(Δx-Δy)²/0.1), all clips joined, not normalised",
        source="dim",
        over=("pose", "exp"),
        key="{name} {part}",
        terms=_dim,
        reduce=_whole,
        **_STS,
    ),
)
