"""RPCC: does a listener co-vary with the speaker as the real one did? (chapter "Metrics"). Lower is
better.
"""

# C clip, T frame, D coefficient
from __future__ import annotations

from typing import Any

import numpy as np

from elp.metrics.clips import Clips, ClipsLike, Doubles, aligned, each_clip, seen
from elp.metrics.metric import Case, Metric, over_clips, plain
from elp.metrics.moments import moments, together


def _centred(x: Doubles) -> Doubles:
    """Columns with mean 0 and norm 1; a constant column, which co-varies with nothing, becomes
    0.
    """
    x = x - x.mean(0)
    norm = np.sqrt(np.einsum("td,td->d", x, x))
    still = norm <= 1e-9 * max(np.abs(x).max(initial=0.0), 1e-12)
    return np.divide(x, norm, out=np.zeros_like(x), where=~still)


def pearson(x: Doubles, y: Doubles) -> Doubles:
    """(D,) Pearson correlations of the columns of two (T, D) clips over frames seen in both; 0
    where one is constant.
    """
    gone = np.isnan(x).any(1) | np.isnan(y).any(1)
    if gone.any():
        x, y = x[~gone], y[~gone]
    return (
        np.einsum("td,td->d", _centred(x), _centred(y))
        if len(x) > 1
        else np.full(x.shape[1], np.nan)
    )


def pcc(speaker: ClipsLike, listener: ClipsLike, valid: Any = None) -> float:
    """Mean over clips and coefficients of the correlation over time with the speaker's same
    coefficient, in [-1, 1].
    """
    return plain(over_clips, _mean_pearson(*aligned(valid, speaker=speaker, listener=listener)))


def pcc_flat(speaker: ClipsLike, listener: ClipsLike, valid: Any = None) -> float:
    """One Pearson correlation over all values flattened (L2L, DIM): offsets between people and
    coefficients take part.
    """
    sets = aligned(valid, speaker=speaker, listener=listener)
    return plain(_flat_pcc, _flat_moments(*sets))


def rpcc(
    speaker: ClipsLike, gt: ClipsLike, pred: ClipsLike, *, flat: bool = False, valid: Any = None
) -> float:
    """RPCC: |PCC(real listener, speaker) - PCC(generated listener, speaker)|; 0 for the ground
    truth, lower is better.

    Args:
        flat: one correlation over all values (L2L, DIM) instead of the mean over clips and
            coefficients.
    """
    speakers, gts, preds = aligned(valid, speaker=speaker, gt=gt, pred=pred)
    if flat:
        terms = np.stack([_flat_moments(speakers, x) for x in (gts, preds)], 1)
        return plain(_flat_residual, terms)
    return plain(_residual, _mean_pearson(speakers, gts) - _mean_pearson(speakers, preds))


def lagged(speaker: Doubles, listener: Doubles, lag: int) -> Doubles:
    """(D,) correlations of speaker(t) with listener(t + lag), without wrapping; a positive lag
    means the listener follows.

    `pandas.Series.shift(k)` of the listener, as lm-listener does it, is lag = -k here.
    """
    length = len(speaker) - abs(lag)
    if length < 2:
        return np.full(speaker.shape[1], np.nan)
    a, b = max(0, -lag), max(0, lag)
    return pearson(speaker[a : a + length], listener[b : b + length])


def _mean_pearson(speakers: Clips, listeners: Clips) -> Doubles:
    """(C,) mean correlation over the coefficients; NaN below two frames."""
    return np.array([r.mean() for r in each_clip(pearson, speakers, listeners)])


def _residual(terms: Doubles, weights: Doubles) -> Doubles:
    return np.abs(over_clips(terms, weights))


def _flat_moments(speakers: Clips, listeners: Clips) -> Doubles:
    pairs = zip(speakers, listeners, strict=True)
    return np.stack([moments(seen(s), seen(x)) for s, x in pairs])


def _flat_pcc(terms: Doubles, weights: Doubles) -> Doubles:
    """0 where the speaker or the listener never changes."""
    found = together(terms, weights)
    squares = np.diagonal(found.products, axis1=1, axis2=2)
    least = np.sqrt(found.number[:, None]) * np.maximum(np.abs(found.mean), 1e-12)
    moves = (np.sqrt(squares) > 1e-9 * least).all(1)
    scale = np.sqrt(squares.prod(1))
    return np.divide(found.products[:, 0, 1], scale, out=np.zeros(len(scale)), where=moves)


def _flat_residual(terms: Doubles, weights: Doubles) -> Doubles:
    """Of (C, 2, ...) moments with the real and with the generated listener."""
    return np.abs(_flat_pcc(terms[:, 0], weights) - _flat_pcc(terms[:, 1], weights))


def _with_truth(case: Case) -> Doubles:
    return _mean_pearson(case.speaker, case.gt)


def _ours(case: Case) -> Doubles:
    if case.speaker[0].shape[1] != case.gt[0].shape[1]:  # another face model's coefficients
        return np.full(len(case.gt), np.nan)
    return case.once_for_all(_with_truth) - _mean_pearson(case.speaker, case.pred)


def _dim(case: Case) -> Doubles:
    return np.stack([_flat_moments(case.speaker, x) for x in (case.gt, case.pred)], 1)


def _with_listener(case: Case) -> Doubles:
    return np.abs(_mean_pearson(case.gt, case.pred))


METRICS = (
    Metric(
        name="rpcc",
        title="RPCC",
        direction="lower",
        unit="1",
        convention="difference of mean per-coefficient correlations",
        terms=_ours,
        reduce=_residual,
        tabled=True,
    ),
    Metric(
        name="rpcc",
        title="rPCC",
        direction="lower",
        unit="1",
        convention="DIM: difference of correlations of all values flattened",
        source="dim",
        over=("pose", "exp"),
        key="{name} {part}",
        terms=_dim,
        reduce=_flat_residual,
    ),
    Metric(
        name="pearson",
        title="Pearson",
        direction="higher",
        unit="1",
        convention="lm-listener: |mean correlation| with the real listener",
        source="lm-listener",
        over=("",),
        terms=_with_listener,
        reduce=over_clips,
    ),
)
