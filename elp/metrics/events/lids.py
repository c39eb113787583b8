"""How soon people blink again, and how long (chapter "Metrics")."""

# C clip, T frame
from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from elp.metrics.clips import ClipsLike, Doubles, as_clips
from elp.metrics.events.blinks import blink_starts
from elp.metrics.events.modulation import median, share, summed
from elp.metrics.metric import Case, Metric
from elp.motion import FPS

SOON = 1.0  # s: a blink that follows another within that is one too many, or a flutter
LONGEST, WIDEST = 50, 1500  # frames: longer blinks and intervals are counted as these


def interval_terms(blink: ClipsLike, *, valid: Any = None) -> Doubles:
    """(C, 1500) how many intervals from one blink's start to the next last 1, 2, ... frames; those
    in which a frame is unseen are left out.
    """
    rows = []
    for start in blink_starts(blink, valid=valid):
        at = np.flatnonzero(start > 0)
        gone = np.isnan(start).cumsum()
        whole = gone[at[1:]] == gone[at[:-1]]
        rows.append(_histogram(np.diff(at)[whole], WIDEST))
    return np.stack(rows)


def soon_again(totals: Doubles, *, fps: float = FPS) -> Doubles:
    """Share of inter-blink intervals under 1 s, of (..., 1500) sums of `interval_terms`; match the
    ground truth.
    """
    whole = totals.sum(-1)
    return share(np.stack([totals[..., : round(SOON * fps) - 1].sum(-1), whole], -1))


def median_interval(totals: Doubles, *, fps: float = FPS) -> Doubles:
    """Median inter-blink interval in seconds; match the ground truth."""
    return median(totals, np.arange(1, WIDEST + 1) / fps)


def length_terms(blink: ClipsLike, *, valid: Any = None) -> Doubles:
    """(C, 50) how many blinks last 1, 2, ... frames; those cut by the clip's ends or by unseen
    frames are left out.
    """
    rows = []
    for clip in as_clips("blink", blink, valid):
        shut = np.concatenate([[np.nan], clip[:, 0], [np.nan]])
        bounds = np.flatnonzero(shut[1:] != shut[:-1]) + 1  # NaN differs from all
        runs = pairwise(bounds)
        lengths = [b - a for a, b in runs if shut[a] == 1 and shut[a - 1] == 0 and shut[b] == 0]
        rows.append(_histogram(np.array(lengths, np.int64), LONGEST))
    return np.stack(rows)


def single_frame(totals: Doubles) -> Doubles:
    """Share of blinks that last one frame, of (..., 50) sums of `length_terms`; match the ground
    truth.
    """
    return share(np.stack([totals[..., 0], totals.sum(-1)], -1))


def median_length(totals: Doubles, *, fps: float = FPS) -> Doubles:
    """Median length of a blink in seconds; match the ground truth."""
    return median(totals, np.arange(1, LONGEST + 1) / fps)


def _histogram(values: Doubles, most: int) -> Doubles:
    return np.bincount(np.clip(values, 1, most) - 1, minlength=most).astype(np.float64)


def _intervals(case: Case) -> Doubles:
    return interval_terms(case.pred, valid=case.valid)


def _lengths(case: Case) -> Doubles:
    return length_terms(case.pred, valid=case.valid)


_LIDS: dict[str, Any] = {
    "direction": "match",
    "over": ("blink",),
    "key": "{name}",
    "own": True,
    "added": False,
    "tabled": True,
}
METRICS = (
    Metric(
        name="blink_soon_again",
        title="blink intervals < 1 s",
        unit="1",
        convention="share of intervals between starts of blinks that are under 1 s",
        terms=_intervals,
        reduce=summed(soon_again),
        **_LIDS,
    ),
    Metric(
        name="blink_interval",
        title="blink interval",
        unit="s",
        convention="median between starts of blinks",
        terms=_intervals,
        reduce=summed(median_interval),
        **_LIDS,
    ),
    Metric(
        name="blink_single_frame",
        title="blinks of one frame",
        unit="1",
        convention="share of blinks that last one frame, 40 ms",
        terms=_lengths,
        reduce=summed(single_frame),
        **_LIDS,
    ),
    Metric(
        name="blink_length",
        title="blink length",
        unit="s",
        convention="median",
        terms=_lengths,
        reduce=summed(median_length),
        **_LIDS,
    ),
)
