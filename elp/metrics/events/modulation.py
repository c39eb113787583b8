"""How much more of something happens after an event than elsewhere (chapter "Metrics").

Every metric of this group comes in two steps: terms, one row of sums a clip, and a reducer of sums
of such rows. So `ratio(terms.sum(0))` is the value, and `ratio(weights @ terms)` are the values of
bootstrap draws, of clips or of listeners.
"""

# C clip, T frame
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elp.errors import ElpError
from elp.metrics.clips import ClipsLike, Doubles, as_clips
from elp.motion import FPS

Flags = NDArray[np.bool_]  # (T,) True in the frames in which something happens
Window = tuple[float, float]  # s after an event: from, up to


def flags(times: ArrayLike, frames: int, fps: float = FPS) -> Flags:
    """(T,) True in the frames nearest to times in seconds; times outside the clip are left out."""
    at = np.round(np.asarray(times, np.float64) * fps).astype(np.int64)
    found = np.zeros(frames, bool)
    found[at[(at >= 0) & (at < frames)]] = True
    return found


def following(events: Flags, window: Window, fps: float = FPS) -> Flags:
    """(T,) True in frames that lie from window[0] up to window[1] seconds after an event."""
    first, last = round(window[0] * fps), round(window[1] * fps)
    if not 0 <= first < last:
        raise ElpError(f"window of {window} s: give a start of 0 or more and a later end")
    kernel = np.zeros(last)
    kernel[first:] = 1
    return np.convolve(events, kernel)[: len(events)] > 0.5


def modulation_terms(
    events: ClipsLike,
    activity: ClipsLike,
    window: Window,
    *,
    besides: ClipsLike | None = None,
    valid: Any = None,
    fps: float = FPS,
) -> Doubles:
    """Sums of an activity in the window after events, and elsewhere.

    Args:
        events: C arrays (T_c,), not 0 in the frames in which the speaker gives a cue.
        activity: C arrays (T_c,) of the listener, at least 0: a power, or 1 where an event starts;
            NaN where unseen.
        window: seconds after an event, from and up to.
        besides: further events, after which frames count neither as following nor as elsewhere.
        valid: None, or per clip a (T_c,) mask of seen frames.

    Returns:
        (C, 4): sum of the activity in frames that follow an event, number of these frames, sum in
            all other seen frames, their number.

    Raises:
        ElpError: different numbers of clips, or clips of different length.
    """
    clips = as_clips("activity", activity, valid)
    besides = [np.zeros(len(x)) for x in clips] if besides is None else besides
    if not len(events) == len(besides) == len(clips):
        raise ElpError(
            f"{len(clips)} clips of activity, {len(events)} and {len(besides)} of events: "
            "all need the same"
        )
    rows = []
    for i, (event, other, clip) in enumerate(zip(events, besides, clips, strict=True)):
        marks = [np.ravel(np.asarray(x)) > 0 for x in (event, other)]  # NaN: no event was seen
        if {len(x) for x in marks} != {len(clip)}:
            raise ElpError(
                f"clip {i}: {len(clip)} frames of activity, {len(marks[0])} of events: "
                "both need the same"
            )
        after, left_out = (following(x, window, fps) for x in marks)
        kept = ~np.isnan(clip[:, 0]) & ~left_out
        near, far = clip[kept & after, 0], clip[kept & ~after, 0]
        rows.append([near.sum(), len(near), far.sum(), len(far)])
    return np.array(rows, np.float64)


def ratio(totals: Doubles) -> Doubles:
    """Mean activity after events over mean activity elsewhere.

    1: the events change nothing, which is the level of chance; `elp.metrics.chance` and the tables'
    row "stranger" measure it with other speakers' events. Match the ground truth; no unit.

    Args:
        totals: (..., 4) sums of `modulation_terms`.

    Returns:
        (...,); NaN where no frame follows an event, or nothing happens elsewhere.
    """
    near, near_frames, far, far_frames = np.moveaxis(np.asarray(totals, np.float64), -1, 0)
    return divide(near * far_frames, near_frames * far)


def summed(reduce: Callable[[Doubles], Doubles]) -> Callable[[Any, Doubles], Doubles]:
    """A reducer of sums as a metric's reducer of terms and weightings of the clips (B, C)."""

    def of_terms(terms: Any, weights: Doubles) -> Doubles:
        return reduce(np.tensordot(weights, np.asarray(terms, np.float64), 1))

    return of_terms


def share(totals: Doubles) -> Doubles:
    """(..., 2) sums of a part and of the whole -> part / whole in [0, 1]; NaN of nothing."""
    part, whole = np.moveaxis(np.asarray(totals, np.float64), -1, 0)
    return divide(part, whole)


def median(totals: Doubles, values: ArrayLike) -> Doubles:
    """Lower median of counted values: totals (..., N) says how often each of values (N,), which
    ascend, was seen; NaN where none was.
    """
    counts = np.asarray(totals, np.float64).cumsum(-1)
    half = counts[..., -1:] / 2
    at = (counts < half - 1e-9).sum(-1)
    return np.where(counts[..., -1] > 0, np.asarray(values, np.float64)[at], np.nan)


def divide(a: Doubles, b: Doubles) -> Doubles:
    """a / b, NaN where b is 0."""
    a, b = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    return np.divide(a, b, out=np.full(a.shape, np.nan), where=b != 0)
