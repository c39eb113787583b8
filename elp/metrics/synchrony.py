"""Does the listener follow the speaker, and when? Correlations, also lagged and windowed (chapter
"Metrics").
"""

# C clip, T frame, D coefficient, W window, L lag
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from elp.errors import ElpError
from elp.metrics.clips import ClipsLike, Doubles, aligned, as_clips, each_clip, mean, seen
from elp.motion import FPS

WINDOW, MAX_LAG = 100, 50  # frames: 4 s (ELP, section 4.1) and 2 s (REACT; ELP gives none)


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
    found = each_clip(pearson, *aligned(valid, speaker=speaker, listener=listener))
    return mean(np.concatenate(found).tolist())


def pcc_flat(speaker: ClipsLike, listener: ClipsLike, valid: Any = None) -> float:
    """One Pearson correlation over all values flattened (L2L, DIM): offsets between people and
    coefficients take part.
    """
    pairs = [
        (seen(s), seen(x))
        for s, x in zip(*aligned(valid, speaker=speaker, listener=listener), strict=True)
    ]
    size = sum(s.size for s, _ in pairs)
    means = [sum(float(clips[who].sum()) for clips in pairs) / size for who in (0, 1)]
    total = np.zeros((2, 2))
    for s, x in pairs:
        both = np.stack([s.ravel() - means[0], x.ravel() - means[1]])
        total += both @ both.T
    still = np.sqrt(np.diag(total)) <= 1e-9 * np.sqrt(size) * np.maximum(np.abs(means), 1e-12)
    return 0.0 if still.any() else float(total[0, 1] / np.sqrt(total[0, 0] * total[1, 1]))


def rpcc(
    speaker: ClipsLike, gt: ClipsLike, pred: ClipsLike, *, flat: bool = False, valid: Any = None
) -> float:
    """RPCC: |PCC(real listener, speaker) - PCC(generated listener, speaker)|; 0 for the ground
    truth, lower is better.

    Args:
        flat: one correlation over all values (L2L, DIM) instead of the mean over clips and
            coefficients.
    """
    measure = pcc_flat if flat else pcc
    speakers, gts, preds = aligned(valid, speaker=speaker, gt=gt, pred=pred)
    return abs(measure(speakers, gts) - measure(speakers, preds))


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


@dataclass(frozen=True, kw_only=True)
class Correlogram:
    """Windowed time-lagged cross-correlation.

    Attributes:
        lags: (L,) in frames; positive: the listener follows.
        curve: (L,) correlation, averaged over windows and coefficients; NaN at lags that under a
            quarter of the windows reach.
        window_peak: mean over windows of the highest correlation at any lag: far above 0 even
            between strangers.
        windows: number of windows that entered.
    """

    lags: np.ndarray
    curve: Doubles
    window_peak: float
    windows: int

    @classmethod
    def of(cls, rows: Doubles) -> Correlogram:
        """Of the (n, L) correlations of n windows, NaN where a lag reaches past the clip."""
        there = ~np.isnan(rows)
        counts = there.sum(0)
        # at the outer lags of short clips few windows would make a peak of noise
        enough = counts >= max(counts.max(initial=0) / 4, 1)
        curve = np.divide(
            np.nansum(rows, 0), counts, out=np.full(rows.shape[1], np.nan), where=enough
        )
        peaks = np.nanmax(rows, 1) if len(rows) else np.zeros(1)
        reach = rows.shape[1] // 2
        return cls(
            lags=np.arange(-reach, reach + 1),
            curve=curve,
            window_peak=float(peaks.mean()),
            windows=len(rows),
        )

    @property
    def peak(self) -> float:
        """Highest point of the averaged curve: what our tables call WTLCC."""
        return float(np.nanmax(self.curve)) if self.windows else 0.0

    @property
    def lag(self) -> int:
        """Frames by which the listener follows at the peak."""
        return (
            int(self.lags[np.nanargmax(self.curve)])
            if self.windows and np.nanmax(np.abs(self.curve)) > 0
            else 0
        )

    def at(self, lag: int) -> float:
        """Value at one lag in frames."""
        return float(self.curve[np.flatnonzero(self.lags == lag)[0]]) if self.windows else 0.0


def _windows(x: Doubles, y: Doubles, window: int, max_lag: int, stride: int) -> Doubles:
    """(n, L) correlations of each window of x with the equally long windows of y at every lag, mean
    over coefficients, NaN past the ends.

    Args:
        x, y: (T, D), the same rows of NaN.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    gone = np.isnan(x[:, 0])
    y = y - seen(y).sum(0) / max((~gone).sum(), 1)  # smaller numbers: squares lose less
    if gone.any():
        x, y = np.where(gone[:, None], 0, x), np.where(gone[:, None], 0, y)
    y = np.pad(y, ((max_lag, max_lag), (0, 0)))
    cut = lambda z, length: sliding_window_view(z, length, 0)[::stride].swapaxes(1, -1)  # noqa: E731  (n, length, D)
    xs, ys = cut(x, window), cut(y, window + 2 * max_lag)
    xs = xs - xs.mean(1, keepdims=True)
    size, lags = next_fast_len(ys.shape[1], real=True), 2 * max_lag + 1
    dot = irfft(rfft(ys, size, 1) * rfft(xs, size, 1).conj(), size, 1)[:, :lags]
    spread = _sums(y**2, window) - _sums(y, window) ** 2 / window  # of every window of y
    by_x, by_y = (
        _inverse_root((xs**2).sum(1), 1e-24 * (x**2).max(0)),
        _inverse_root(spread, 1e-12 * (y**2).max(0)),
    )
    r = np.einsum("nld,nld,nd->nl", dot, cut(by_y, lags), by_x) / x.shape[1]
    there = _sums(np.pad(gone, max_lag, constant_values=True).astype(np.float64), window) < 0.5
    reached = cut(there, lags)
    r[~(reached & reached[:, max_lag, None])] = np.nan
    return r


def _inverse_root(squares: Doubles, least: Doubles) -> Doubles:
    """1/√squares; 0 where they are at most `least`, which is rounding and no motion."""
    moves = squares > least
    return np.divide(
        1,
        np.sqrt(squares, where=moves, out=np.ones_like(squares)),
        where=moves,
        out=np.zeros_like(squares),
    )


def _sums(z: Doubles, window: int) -> Doubles:
    """Sums over every `window` neighbours along the first axis, of sums over 1, 2, 4, ...: running
    sums would carry rounding along.
    """
    count = len(z) - window + 1
    total, size = np.zeros_like(z[:count]), 1
    while size <= window:
        # the sum over the next `size` of the window, after those that are in already
        if window & size:
            done = window & (size - 1)
            total += z[done : done + count]
        z, size = z[:-size] + z[size:], 2 * size
    return total


def wtlcc(
    reference: ClipsLike,
    listener: ClipsLike,
    *,
    window: int = WINDOW,
    max_lag: int = MAX_LAG,
    stride: int | None = None,
    skip_still: bool = False,
    valid: Any = None,
) -> Correlogram:
    """WTLCC: correlations of windows of the reference with equally long, shifted windows of the
    listener.

    Args:
        reference: the speaker (or, for blinks, the real listener): (C, T, D), a list of (T_c, D),
            or of (T_c,).
        listener: the same shapes.
        window: W frames (100 = 4 s, ELP section 4.1); a shorter clip is one window, and tells of
            lag 0 only.
        max_lag: lags run from -max_lag to max_lag frames; ELP gives none.
        stride: frames between windows, by default half a window.
        skip_still: leave out windows in which the reference does not change (no blink to find);
            otherwise they count as 0.

    Windows that touch an unseen frame are left out. Source: Boker et al. 2002.
    """
    rows = correlograms(
        reference,
        listener,
        window=window,
        max_lag=max_lag,
        stride=stride,
        skip_still=skip_still,
        valid=valid,
    )
    return Correlogram.of(np.concatenate(rows))


def correlograms(
    reference: ClipsLike,
    listener: ClipsLike,
    *,
    window: int = WINDOW,
    max_lag: int = MAX_LAG,
    stride: int | None = None,
    skip_still: bool = False,
    valid: Any = None,
) -> list[Doubles]:
    """Per clip the (n, L) correlations of its n windows, averaged over coefficients, NaN at lags
    that reach past the clip.
    """

    def correlate(x: Doubles, y: Doubles) -> Doubles:
        size = min(window, len(x))
        hop = stride or max(size // 2, 1)
        r = _windows(x, y, size, max_lag, hop)
        kept = ~np.isnan(r).all(1)
        if skip_still:
            kept &= np.ptp(sliding_window_view(x, size, 0)[::hop], axis=-1).max(1) > 0
        return r[kept]

    return each_clip(correlate, *aligned(valid, reference=reference, listener=listener))


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
    terms = np.sum(gain_terms(speaker, listener, seconds=seconds, valid=valid), 0)
    return float(terms[0] / terms[1]) if terms[1] > 0 else 0.0


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


def blink_wtlcc(
    blink_gt: ClipsLike, blink_pred: ClipsLike, *, max_lag: int = MAX_LAG, valid: Any = None
) -> Correlogram:
    """WTLCC between real and generated blinks (not the speaker's), over the windows in which the
    real listener blinks.

    Args:
        blink_gt, blink_pred: (C, T) or lists of (T_c,), 0 or 1.

    A listener that never blinks scores 0. Source: ELP section 4.1.
    """
    gt, pred = (
        [np.asarray(b, np.float64).reshape(-1, 1) for b in blinks]
        for blinks in (blink_gt, blink_pred)
    )
    return wtlcc(gt, pred, max_lag=max_lag, skip_still=True, valid=valid)


def chance(
    measure: Callable[[list[Doubles], list[Doubles]], float],
    first: ClipsLike,
    second: ClipsLike,
    *,
    rng: np.random.Generator,
    rounds: int = 20,
) -> Doubles:
    """(rounds,) values of a measure between strangers: the pairs are re-matched, no clip keeping
    its partner.

    Args:
        measure: called with two lists of clips; pairs of different length are cut to the shorter.
        rng: gives the matches: a random cyclic order of the clips, each paired with the next one's
            partner.

    Raises:
        ElpError: fewer than two clips.
    """
    a, b = as_clips("first", first), as_clips("second", second)
    if len(a) < 2 or len(a) != len(b):
        raise ElpError(
            f"the chance level needs two or more pairs to re-match, got {len(a)} and {len(b)} clips"
        )
    values = []
    for _ in range(rounds):
        order = rng.permutation(len(a))
        pairs = [(a[i], b[j]) for i, j in zip(order, np.roll(order, 1), strict=True)]
        cut = [(x[: min(len(x), len(y))], y[: min(len(x), len(y))]) for x, y in pairs]
        values.append(measure([x for x, _ in cut], [y for _, y in cut]))
    return np.array(values)
