"""On which time scales a signal lives: how long it remembers itself, how much of it is slow
(chapter "Simulated dyads").
"""

# C clip, T frame, L lag
from __future__ import annotations

import math
from typing import Any

import numpy as np

from elp.metrics.clips import ClipsLike, Doubles, as_clips
from elp.metrics.events.modulation import divide, share
from elp.motion import FPS

LONGEST = 10.0  # s: the largest lag
SLOW = 0.1  # Hz
PIECE = 60.0  # s: of the pieces whose spectrum is taken


def autocorrelation_terms(
    signal: ClipsLike, *, seconds: float = LONGEST, valid: Any = None, fps: float = FPS
) -> Doubles:
    """(C, 2, L) sums of x(t) x(t + lag) over frames seen at both ends, and the number of these, at
    lags of 0 ... `seconds`.

    Args:
        signal: C arrays (T_c,) or (T_c, D), whose means over the clip are taken out: what is slower
            than a clip is lost.
    """
    lags = round(seconds * fps) + 1
    rows = np.zeros((len(signal), 2, lags))
    for row, clip in zip(rows, as_clips("signal", signal, valid), strict=True):
        there = np.isfinite(clip[:, :1])
        if not there.any():
            continue
        x = np.where(there, clip - np.nanmean(clip, axis=0), 0)
        for lag in range(min(lags, len(x))):
            row[0, lag] = (x[: len(x) - lag] * x[lag:]).sum()
            row[1, lag] = (there[: len(x) - lag] & there[lag:]).sum()
    return rows


def autocorrelation(totals: Doubles) -> Doubles:
    """(..., 2, L) sums of `autocorrelation_terms` -> (..., L), 1 at lag 0; NaN at lags that no clip
    reaches.
    """
    curve = divide(totals[..., 0, :], totals[..., 1, :])
    return divide(curve, curve[..., :1])


def autocorrelation_time(totals: Doubles, *, fps: float = FPS) -> Doubles:
    """Seconds until the autocorrelation has fallen to 1/e, between frames by a straight line; NaN
    where it does not fall so far. Match the ground truth.
    """
    curve = np.atleast_2d(autocorrelation(totals))
    below = curve < 1 / math.e
    at = below.argmax(-1)
    high, low = (
        np.take_along_axis(curve, np.maximum(i, 0)[:, None], -1)[:, 0] for i in (at - 1, at)
    )
    time = (at - 1 + divide(high - 1 / math.e, high - low)) / fps
    found = np.where(below.any(-1), time, np.nan)
    return found.reshape(np.shape(totals)[:-2])


def slow_terms(
    signal: ClipsLike, *, seconds: float = PIECE, valid: Any = None, fps: float = FPS
) -> Doubles:
    """(C, 2) variance below 0.1 Hz and in all, summed over whole pieces of `seconds` in which every
    frame is seen, their means taken out; zeros for shorter clips.

    The share depends on the length of the pieces: compare like with like.
    """
    from scipy.signal import periodogram

    frames = round(seconds * fps)
    rows = np.zeros((len(signal), 2))
    for row, clip in zip(rows, as_clips("signal", signal, valid), strict=True):
        pieces = [clip[k : k + frames] for k in range(0, len(clip) - frames + 1, frames)]
        for piece in pieces:
            if np.isfinite(piece).all():
                hertz, power = periodogram(piece, fps, detrend="constant", axis=0)
                row += [power[hertz < SLOW].sum(), power.sum()]
    return rows


def slow_share(totals: Doubles) -> Doubles:
    """Share of the variance below 0.1 Hz, of sums of `slow_terms`; match the ground truth."""
    return share(totals)
