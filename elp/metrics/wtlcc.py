"""WTLCC: does the listener follow the speaker, and when? (chapter "Metrics")."""

# C clip, D coefficient, L lag, B weighting of the clips
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from elp.metrics.clips import ClipsLike, Doubles
from elp.metrics.metric import MAX_LAG, WINDOW, Case, Metric, plain, ratio
from elp.metrics.windows import correlograms


@dataclass(frozen=True, kw_only=True)
class Correlogram:
    """Windowed time-lagged cross-correlation.

    Attributes:
        lags: (L,) in frames; positive: the listener follows.
        curve: (L,) correlation, averaged over windows and coefficients; NaN at lags that under a
            quarter of the windows reach.
        peak: highest point of the averaged curve: what our tables call WTLCC.
        lag: frames by which the listener follows at the peak.
        window_peak: mean over windows of the highest correlation at any lag: far above 0 even
            between strangers.
        windows: number of windows that entered.
    """

    lags: np.ndarray
    curve: Doubles
    peak: float
    lag: int
    window_peak: float
    windows: int

    @classmethod
    def of(cls, rows: Sequence[Doubles]) -> Correlogram:
        """Of each clip's (n, L) correlations of n windows, NaN where a lag leaves the clip."""
        curves, reach = curve_terms(rows), rows[0].shape[1] // 2
        return cls(
            lags=np.arange(-reach, reach + 1),
            curve=mean_curve(curves, np.ones((1, len(rows))))[0],
            peak=plain(peak, curves),
            lag=round(plain(peak_lag, curves)),
            window_peak=plain(window_peak, peak_terms(rows)),
            windows=sum(len(r) for r in rows),
        )

    def at(self, lag: int) -> float:
        """Value at one lag in frames."""
        return float(self.curve[np.flatnonzero(self.lags == lag)[0]]) if self.windows else 0.0


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
    return Correlogram.of(rows)


def curve_terms(rows: Sequence[Doubles]) -> Doubles:
    """(C, 2, L) sums of each clip's windows at each lag, and how many windows reach it."""
    return np.stack([(np.nansum(r, 0), (~np.isnan(r)).sum(0, dtype=np.float64)) for r in rows])


def peak_terms(rows: Sequence[Doubles]) -> Doubles:
    """(C, 2) sum of the windows' own peaks, and number of windows."""
    return np.array([(np.nanmax(r, 1).sum() if len(r) else 0.0, len(r)) for r in rows])


def mean_curve(terms: Doubles, weights: Doubles) -> Doubles:
    """(B, L) mean correlograms, NaN at lags that under a quarter of the sample's windows reach: at
    the outer lags of short clips few windows would make a peak of noise.
    """
    totals, counts = weights @ terms[:, 0], weights @ terms[:, 1]
    curve = np.divide(totals, counts, out=np.zeros_like(totals), where=counts > 0)
    return np.where(counts[0] >= max(counts[0].max() / 4, 1), curve, np.nan)


def peak(terms: Doubles, weights: Doubles) -> Doubles:
    """Every draw at the lag at which the first weighting peaks: the maximum of each draw would be
    biased upwards.
    """
    curve = mean_curve(terms, weights)
    return curve[:, np.nanargmax(curve[0])] if _known(curve) else np.zeros(len(weights))


def peak_lag(terms: Doubles, weights: Doubles) -> Doubles:
    """Each draw's own lag; 0 where nothing co-varies."""
    curve = mean_curve(terms, weights)
    if not _known(curve):
        return np.zeros(len(weights))
    lags = np.nanargmax(curve, 1) - curve.shape[1] // 2
    return np.where(np.nanmax(np.abs(curve), 1) > 0, lags, 0).astype(np.float64)


def at_zero(terms: Doubles, weights: Doubles) -> Doubles:
    """The mean correlogram at lag 0."""
    curve = mean_curve(terms, weights)
    return curve[:, curve.shape[1] // 2] if _known(curve) else np.zeros(len(weights))


def window_peak(terms: Doubles, weights: Doubles) -> Doubles:
    """Mean of the windows' own peaks; 0 without a window."""
    return np.nan_to_num(ratio(terms, weights))


def _known(curve: Doubles) -> bool:
    return not np.isnan(curve[0]).all()


def _rows(case: Case) -> list[Doubles]:
    """Coefficients are averaged: the rows of all of them are a mean of their parts' rows."""
    if not case.parts:
        return correlograms(
            case.speaker, case.pred, valid=case.valid, window=case.window, max_lag=case.max_lag
        )
    of_parts = zip(*(part.once(_rows) for part in case.parts), strict=True)
    return [np.average(rows, axis=0, weights=_widths(case)) for rows in of_parts]


def _curves(case: Case) -> Doubles:
    return curve_terms(case.once(_rows))


def _peaks(case: Case) -> Doubles:
    """Of all coefficients the parts' own peaks are averaged, as their curves are."""
    if not case.parts:
        return peak_terms(case.once(_rows))
    return np.average([part.once(_peaks) for part in case.parts], axis=0, weights=_widths(case))


def _widths(case: Case) -> list[int]:
    return [part.gt[0].shape[1] for part in case.parts]


_MATCH: dict[str, Any] = {"direction": "match", "own": True}
METRICS = (
    Metric(
        name="wtlcc",
        title="WTLCC",
        unit="1",
        convention="peak of the mean correlogram, windows of 4 s, lags of ±2 s",
        terms=_curves,
        reduce=peak,
        over=("facial", "head", "joint", "nod", "smile"),
        tabled=True,
        **_MATCH,
    ),
    Metric(
        name="wtlcc_lag",
        title="WTLCC's lag",
        unit="frame",
        convention="frames by which the listener follows at WTLCC's peak",
        terms=_curves,
        reduce=peak_lag,
        added=False,
        **_MATCH,
    ),
    Metric(
        name="wtlcc_0",
        title="WTLCC at lag 0",
        unit="1",
        convention="the mean correlogram at lag 0",
        terms=_curves,
        reduce=at_zero,
        **_MATCH,
    ),
    Metric(
        name="wtlcc_window_peak",
        title="WTLCC of windows",
        unit="1",
        convention="mean of the windows' own peaks; high by chance",
        terms=_peaks,
        reduce=window_peak,
        **_MATCH,
    ),
)
