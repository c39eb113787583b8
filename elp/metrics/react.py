"""The metrics of the REACT challenges for several responses per speaker (chapter "Metrics").

`responses` is a list over speakers of lists over samples of (T, D) arrays; `appropriate` gives for
each speaker the real listeners that count as an answer, at least the one who was there. Source:
Song et al. 2023 and the challenges' public code.
"""

# N speaker, K sample, T frame, D coefficient
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elp.errors import ElpError
from elp.metrics.clips import Clips, Doubles, as_clips, mean
from elp.metrics.distance import dtw

Samples = Sequence[Sequence[ArrayLike]]
WHOLE = ((slice(None), 1.0),)


def _check(responses: Samples, other: Samples | Sequence[ArrayLike] | None = None) -> list[Clips]:
    out = [as_clips(f"responses to speaker {i}", samples) for i, samples in enumerate(responses)]
    if not out:
        raise ElpError("responses: no speakers: give at least one")
    if other is not None and len(other) != len(out):
        raise ElpError(
            f"responses to {len(out)} speakers, but {len(other)} to compare with: both need the same"
        )
    return out


def ccc(x: Doubles, y: Doubles) -> float:
    """Concordance correlation 2 cov / (var + var + (difference of means)²) of (T, D) clips, mean
    over coefficients, in [-1, 1].
    """
    gap = x.mean(0) - y.mean(0)
    covariance = ((x - x.mean(0)) * (y - y.mean(0))).mean(0)
    return float((2 * covariance / (x.var(0) + y.var(0) + gap**2 + 1e-8)).mean())


def fr_corr(responses: Samples, appropriate: Samples) -> float:
    """FRCorr: best concordance with an appropriate real response, summed over the K samples, mean
    over speakers. Higher is better.
    """
    preds = _check(responses, appropriate)
    real = [as_clips("appropriate", r) for r in appropriate]
    return float(
        np.mean(
            [
                sum(max(ccc(y, x) for y in ys) for x in xs)
                for xs, ys in zip(preds, real, strict=True)
            ]
        )
    )


def fr_dist(
    responses: Samples, appropriate: Samples, *, blocks: Sequence[tuple[slice, float]] = WHOLE
) -> float:
    """FRDist: least warped distance to an appropriate real response, summed over the K samples,
    mean over speakers. Lower is better.

    Args:
        blocks: (columns, weight) of the parts whose distances are added; REACT takes 15 action
            units at 1/15, valence and arousal at 1, 8 expressions at 1/8.
    """
    preds = _check(responses, appropriate)
    real = [as_clips("appropriate", r) for r in appropriate]
    far = lambda x, y: sum(weight * dtw(x[:, part], y[:, part]) for part, weight in blocks)  # noqa: E731
    return float(
        np.mean(
            [
                sum(min(far(x, y) for y in ys) for x in xs)
                for xs, ys in zip(preds, real, strict=True)
            ]
        )
    )


def _spread(rows: Doubles) -> float:
    """Mean squared difference per value between two different rows."""
    n = len(rows)
    return float(2 * rows.var(0).sum() * n / (n - 1) / rows.shape[1]) if n > 1 else 0.0


def fr_div(responses: Samples) -> float:
    """FRDiv: mean squared difference between two samples for the same speaker; 0 for one sample.
    Higher is more diverse.
    """
    return float(np.mean([_spread(np.stack([x.ravel() for x in xs])) for xs in _check(responses)]))


def fr_dvs(responses: Samples) -> float:
    """FRDvs: mean squared difference between responses to different speakers (clips of one length).
    Higher is more diverse.
    """
    preds = _check(responses)
    if len({x.shape for xs in preds for x in xs}) > 1 or len({len(xs) for xs in preds}) > 1:
        raise ElpError(
            "FRDvs compares speakers frame by frame: cut all responses to one length and number of samples"
        )
    return float(
        np.mean([_spread(np.stack([xs[k].ravel() for xs in preds])) for k in range(len(preds[0]))])
    )


def fr_var(responses: Samples) -> float:
    """FRVar: variance over time (divided by T-1), mean over coefficients, samples and speakers."""
    return mean(
        [x.var(0, ddof=1).mean() if len(x) > 1 else np.nan for xs in _check(responses) for x in xs]
    )


def fr_syn(responses: Samples, speakers: Sequence[ArrayLike], *, max_lag: int = 49) -> float:
    """FRSyn: |lag| in frames at which the whole-clip correlation with the speaker peaks, mean over
    samples. Lower is better.

    Constant coefficients are left out of the mean over coefficients, as REACT's code does.
    """
    preds, given = _check(responses, speakers), as_clips("speakers", speakers)
    lags = np.arange(-max_lag, max_lag + 1)
    order = np.lexsort((lags, np.abs(lags)))  # of equal peaks the one nearest to 0
    best = []
    for xs, s in zip(preds, given, strict=True):
        for x in xs:
            moving = (np.ptp(x, axis=0) > 0) & (np.ptp(s, axis=0) > 0)
            score = (
                _at_lags(s[:, moving], x[:, moving], lags).mean(1)
                if moving.any()
                else np.zeros(len(lags))
            )
            best.append(abs(int(lags[order][score[order].round(12).argmax()])))
    return float(np.mean(best))


def _at_lags(speaker: Doubles, listener: Doubles, lags: NDArray[np.int64]) -> Doubles:
    """(L, D) correlations of speaker(t) with listener(t + lag) over the frames that both have, 0
    where fewer than two are left.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    x, y = speaker - speaker.mean(0), listener - listener.mean(0)
    size, there = next_fast_len(len(x) + int(lags.max()) + 1, real=True), len(x) - np.abs(lags) > 1
    lags = np.where(there, lags, 0)
    kept = (len(x) - np.abs(lags))[:, None]
    dot = irfft(rfft(y, size, axis=0) * rfft(x, size, axis=0).conj(), size, axis=0)[lags]
    # of the speaker's frames that the lagged listener has
    first, last = np.maximum(0, -lags), len(x) - np.maximum(0, lags)
    running = [
        np.concatenate([np.zeros((1, z.shape[1])), np.cumsum(z, 0)]) for z in (x, x**2, y, y**2)
    ]
    sx, sxx = (z[last] - z[first] for z in running[:2])
    sy, syy = (z[last + lags] - z[first + lags] for z in running[2:])
    spread = np.maximum(sxx - sx**2 / kept, 0) * np.maximum(syy - sy**2 / kept, 0)
    moves = there[:, None] & (spread > 1e-24 * (sxx * syy).max(initial=0))
    return np.divide(dot - sx * sy / kept, np.sqrt(spread), out=np.zeros_like(dot), where=moves)
