"""Gain: how much of a movement comes back (chapter "Metrics"). Closest to the ground truth is
best.
"""

# C clip, T frame
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from elp.metrics.clips import ClipsLike, Doubles, aligned, each_clip
from elp.metrics.metric import Case, Metric, plain, ratio
from elp.motion import FPS


def gain(
    speaker: ClipsLike, listener: ClipsLike, *, seconds: float = 1.0, valid: Any = None
) -> float:
    """How much of a movement comes back: slope of the listener's on the mean of the speaker's over
    the last `seconds`.

    A listener who shows a third of each of the speaker's smiles has a gain of 1/3, however much
    else the face does: chance in a single answer makes the slope uncertain, not smaller, as it
    makes a correlation. Means of clips are taken out. 0 for a speaker at rest.

    Args:
        speaker, listener: (C, T, D) or lists of (T_c, D) of one movement; coefficients are pooled.
    """
    return plain(_slope, gain_terms(speaker, listener, seconds=seconds, valid=valid))


def gain_terms(
    speaker: ClipsLike, listener: ClipsLike, *, seconds: float = 1.0, valid: Any = None
) -> Doubles:
    """(C, 2) sums of products and of squares whose ratio is the `gain`."""
    frames = round(seconds * FPS)

    def terms(x: Doubles, y: Doubles) -> Doubles:
        there = ~np.isnan(x[:, 0])
        before = np.pad(np.where(there[:, None], x, 0), ((frames, 0), (0, 0)))[:-1]
        count = np.pad(there.astype(np.float64), (frames, 0))[:-1]
        sums, counts = (sliding_window_view(z, frames, 0).sum(-1) for z in (before, count))
        kept = there & (counts > frames / 2)
        if kept.sum() < 2:
            return np.zeros(2)
        x, y = sums[kept] / counts[kept, None], y[kept]
        x, y = x - x.mean(0), y - y.mean(0)
        return np.array([(x * y).sum(), (x * x).sum()])

    return np.stack(each_clip(terms, *aligned(valid, speaker=speaker, listener=listener)))


def _slope(terms: Doubles, weights: Doubles) -> Doubles:
    return np.nan_to_num(ratio(terms, weights))


def _terms(case: Case) -> Doubles:
    return gain_terms(case.speaker, case.pred, valid=case.valid)


METRICS = (
    Metric(
        name="gain",
        title="gain",
        direction="match",
        unit="1",
        convention="slope of a single movement on the speaker's own in the second before",
        terms=_terms,
        reduce=_slope,
        over=("nod", "smile"),
        own=True,
        tabled=True,
    ),
)
