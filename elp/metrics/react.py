"""The metrics of the REACT challenges for several responses per speaker (chapter "Metrics").

`responses` is a list over speakers of lists over samples of (T, D) arrays; `appropriate` gives for
each speaker the real listeners that count as an answer, at least the one who was there. Source:
Song et al. 2023 and the challenges' public code.
"""

# N speaker, K sample, T frame, D coefficient
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elp.errors import ElpError
from elp.metrics.clips import Clips, Doubles, as_clips, seen
from elp.metrics.dtw import dtw
from elp.metrics.metric import Case, Metric, drawn, over_clips, plain, ratio

Samples = Sequence[Sequence[ArrayLike]]
WHOLE = ((slice(None), 1.0),)


def _check(responses: Samples, other: Samples | Sequence[ArrayLike] | None = None) -> list[Clips]:
    out = [as_clips(f"responses to speaker {i}", samples) for i, samples in enumerate(responses)]
    if not out:
        raise ElpError("responses: no speakers: give at least one")
    if other is not None and len(other) != len(out):
        raise ElpError(
            f"responses to {len(out)} speakers, but {len(other)} to compare with: "
            "both need the same"
        )
    return out


def ccc(x: Doubles, y: Doubles) -> float:
    """Concordance correlation 2 cov / (var + var + (difference of means)²) of (T, D) clips, mean
    over coefficients, in [-1, 1]; NaN without a frame.
    """
    if not len(x):
        return float("nan")
    gap = x.mean(0) - y.mean(0)
    covariance = ((x - x.mean(0)) * (y - y.mean(0))).mean(0)
    return float((2 * covariance / (x.var(0) + y.var(0) + gap**2 + 1e-8)).mean())


def fr_corr(responses: Samples, appropriate: Samples) -> float:
    """FRCorr: best concordance with an appropriate real response, summed over the K samples, mean
    over speakers. Higher is better.
    """
    preds = _check(responses, appropriate)
    real = [as_clips("appropriate", r) for r in appropriate]
    return plain(over_clips, _concordance(preds, real))


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
    return plain(over_clips, _warped(preds, real, blocks))


def _spread(rows: Doubles) -> float:
    """Mean squared difference per value between two different rows."""
    n = len(rows)
    return float(2 * rows.var(0).sum() * n / (n - 1) / rows.shape[1]) if n > 1 else 0.0


def fr_div(responses: Samples) -> float:
    """FRDiv: mean squared difference between two samples for the same speaker; 0 for one sample.
    Higher is more diverse.
    """
    return plain(over_clips, _between_samples(_check(responses)))


def fr_dvs(responses: Samples) -> float:
    """FRDvs: mean squared difference between responses to different speakers (clips of one length).
    Higher is more diverse.
    """
    preds = _check(responses)
    if not _alike(preds):
        raise ElpError(
            "FRDvs compares speakers frame by frame: cut all responses to one length and number "
            "of samples"
        )
    return plain(_between_speakers, preds)


def fr_var(responses: Samples) -> float:
    """FRVar: variance over time (divided by T-1), mean over coefficients, samples and speakers."""
    return plain(ratio, _variances(_check(responses)))


def fr_syn(responses: Samples, speakers: Sequence[ArrayLike], *, max_lag: int = 49) -> float:
    """FRSyn: |lag| in frames at which the whole-clip correlation with the speaker peaks, mean over
    samples. Lower is better.

    Constant coefficients are left out of the mean over coefficients, as REACT's code does.
    """
    preds, given = _check(responses, speakers), as_clips("speakers", speakers)
    return plain(ratio, _lags_of(preds, given, max_lag))


def _concordance(preds: Sequence[Clips], real: Sequence[Clips]) -> list[float]:
    both = zip(preds, real, strict=True)
    return [sum(max(ccc(y, x) for y in ys) for x in xs) for xs, ys in both]


def _warped(
    preds: Sequence[Clips], real: Sequence[Clips], blocks: Sequence[tuple[slice, float]] = WHOLE
) -> list[float]:
    def far(x: Doubles, y: Doubles) -> float:
        return sum(weight * dtw(x[:, part], y[:, part]) for part, weight in blocks)

    both = zip(preds, real, strict=True)
    return [sum(min(far(x, y) for y in ys) for x in xs) for xs, ys in both]


def _between_samples(preds: Sequence[Clips]) -> list[float]:
    return [_spread(np.stack([x.ravel() for x in xs])) for xs in preds]


def _between_speakers(preds: Sequence[Clips], weights: Doubles) -> Doubles:
    """Reducer of the speakers' responses themselves; NaN where they differ in length or number."""
    if not _alike(preds):
        return np.full(len(weights), np.nan)
    rows = [np.stack([x.ravel() for x in xs]) for xs in preds]  # (K, T D) each
    sets = [np.stack(drawn(rows, w), 1) for w in weights]
    return np.array([np.mean([_spread(each) for each in samples]) for samples in sets])


def _alike(preds: Sequence[Clips]) -> bool:
    return len({x.shape for xs in preds for x in xs}) == 1 and len({len(xs) for xs in preds}) == 1


def _variances(preds: Sequence[Clips]) -> Doubles:
    """(N, 2) sum of the samples' variances over time, and how many samples have one."""
    longer = [[x for x in xs if len(x) > 1] for xs in preds]
    return np.array([(sum(x.var(0, ddof=1).mean() for x in xs), len(xs)) for xs in longer])


def _lags_of(preds: Sequence[Clips], speakers: Clips, max_lag: int = 49) -> Doubles:
    """(N, 2) sum of the samples' |lag|, and number of samples."""
    lags = np.arange(-max_lag, max_lag + 1)
    order = np.lexsort((lags, np.abs(lags)))  # of equal peaks the one nearest to 0

    def best(s: Doubles, x: Doubles) -> int:
        moving = (np.ptp(x, axis=0) > 0) & (np.ptp(s, axis=0) > 0)
        if not moving.any():
            return 0
        score = _at_lags(s[:, moving], x[:, moving], lags).mean(1)
        return abs(int(lags[order][score[order].round(12).argmax()]))

    both = zip(preds, speakers, strict=True)
    return np.array([(sum(best(s, x) for x in xs), len(xs)) for xs, s in both], np.float64)


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


def _answers(case: Case) -> list[Clips]:
    """The samples; of one answer to each speaker the frames seen."""
    return list(case.samples) or [Clips([seen(x)]) for x in case.pred]


def _real(case: Case) -> list[Clips]:
    return [Clips([seen(x)]) for x in case.gt]


def _frcorr(case: Case) -> list[float]:
    return _concordance(_answers(case), _real(case))


def _frdist(case: Case) -> list[float]:
    return _warped(_answers(case), _real(case))


def _frdiv(case: Case) -> list[float]:
    return _between_samples(_answers(case))


def _frvar(case: Case) -> Doubles:
    return _variances(_answers(case))


def _frsyn(case: Case) -> Doubles:
    return _lags_of(_answers(case), case.speaker)


_REACT: dict[str, Any] = {"convention": "REACT", "source": "react"}
METRICS = (
    Metric(
        name="frcorr",
        title="FRCorr",
        direction="higher",
        unit="1",
        terms=_frcorr,
        reduce=over_clips,
        over=("", "facial", "head"),  # beside the others in result files, of one sample
        tabled=True,
        **_REACT,
    ),
    Metric(
        name="frdist",
        title="FRDist",
        direction="lower",
        unit="coefficient",
        terms=_frdist,
        reduce=over_clips,
        over=("",),
        **_REACT,
    ),
    Metric(
        name="frdiv",
        title="FRDiv",
        direction="higher",
        unit="coefficient²",
        terms=_frdiv,
        reduce=over_clips,
        over=("",),
        **_REACT,
    ),
    Metric(
        name="frdvs",
        title="FRDvs",
        direction="higher",
        unit="coefficient²",
        terms=_answers,
        reduce=_between_speakers,
        over=("",),
        **_REACT,
    ),
    Metric(
        name="frvar",
        title="FRVar",
        direction="match",
        unit="coefficient²",
        terms=_frvar,
        reduce=ratio,
        over=("",),
        **_REACT,
    ),
    Metric(
        name="frsyn",
        title="FRSyn",
        direction="lower",
        unit="frame",
        terms=_frsyn,
        reduce=ratio,
        over=("",),
        **_REACT,
    ),
)
