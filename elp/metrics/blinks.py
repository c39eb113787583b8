"""Blinks: at the right moments, and as many? (chapter "Metrics")."""

# C clip, T frame
from __future__ import annotations

from typing import Any

import numpy as np

from elp.metrics.clips import Clips, ClipsLike, Doubles, as_clips
from elp.metrics.metric import MAX_LAG, Case, Metric, ratio
from elp.metrics.windows import correlograms
from elp.metrics.wtlcc import (
    Correlogram,
    at_zero,
    curve_terms,
    peak,
    peak_lag,
    peak_terms,
    window_peak,
    wtlcc,
)
from elp.motion import runs


def blink_wtlcc(
    blink_gt: ClipsLike, blink_pred: ClipsLike, *, max_lag: int = MAX_LAG, valid: Any = None
) -> Correlogram:
    """WTLCC between real and generated blinks (not the speaker's), over the windows in which the
    real listener blinks.

    Args:
        blink_gt, blink_pred: (C, T) or lists of (T_c,), 0 or 1.

    A listener that never blinks scores 0. Source: ELP section 4.1.
    """
    gt, pred = blink_clips(blink_gt), blink_clips(blink_pred)
    return wtlcc(gt, pred, max_lag=max_lag, skip_still=True, valid=valid)


def blink_clips(blinks: ClipsLike) -> Clips:
    """Blinks (T_c,) or (T_c, 1) as clips (T_c, 1)."""
    return as_clips("blinks", [np.asarray(b, np.float64).reshape(-1, 1) for b in blinks])


def _rows(case: Case) -> list[Doubles]:
    return correlograms(case.gt, case.pred, max_lag=case.max_lag, skip_still=True, valid=case.valid)


def _curves(case: Case) -> Doubles:
    return curve_terms(case.once(_rows))


def _peaks(case: Case) -> Doubles:
    return peak_terms(case.once(_rows))


def _starts(case: Case) -> Doubles:
    """(C, 2) blinks that begin, and minutes, of all frames."""
    return np.array([(len(runs(b[:, 0])), len(b) / (60 * case.fps)) for b in case.pred], np.float64)


_BLINK: dict[str, Any] = {"over": ("blink",), "key": "{name}"}
METRICS = (
    Metric(
        name="blink_wtlcc",
        title="blink WTLCC",
        direction="higher",
        unit="1",
        convention="peak of the mean correlogram of real and generated blinks, "
        "windows of 4 s, lags of ±2 s",
        terms=_curves,
        reduce=peak,
        tabled=True,
        **_BLINK,
    ),
    Metric(
        name="blink_wtlcc_lag",
        title="blink WTLCC's lag",
        direction="match",
        unit="frame",
        convention="frames at blink WTLCC's peak",
        terms=_curves,
        reduce=peak_lag,
        **_BLINK,
    ),
    Metric(
        name="blink_wtlcc_0",
        title="blink WTLCC at lag 0",
        direction="higher",
        unit="1",
        convention="mean correlogram of blinks at lag 0",
        terms=_curves,
        reduce=at_zero,
        **_BLINK,
    ),
    Metric(
        name="blink_wtlcc_window_peak",
        title="blink WTLCC of windows",
        direction="higher",
        unit="1",
        convention="mean of the windows' own peaks; high by chance",
        terms=_peaks,
        reduce=window_peak,
        **_BLINK,
    ),
    Metric(
        name="blink_rate",
        title="blinks per minute",
        direction="match",
        unit="1 / min",
        convention="starts of blinks",
        terms=_starts,
        reduce=ratio,
        own=True,
        tabled=True,
        **_BLINK,
    ),
)
