"""When people blink: after the other's blinks, how soon again, how long (chapter "Metrics")."""

# C clip, T frame
from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from elp.metrics.clips import ClipsLike, Doubles, as_clips
from elp.metrics.events.modulation import Flags, following, median, modulation_terms, share
from elp.motion import FPS

AFTER_BLINK = (0.2, 0.56)  # s: listeners follow by 0.25-0.5 s (Nakano & Kitazawa 2010)
BREAK = 0.3  # s from a phrase's end within which a blink marks a breakpoint of speech
AWAY = 0.6  # s beyond which it marks none, even if the end was found a little early or late
SOON = 1.0  # s: a blink that follows another within that is one too many, or a flutter
LONGEST, WIDEST = 50, 1500  # frames: longer blinks and intervals are counted as these


def blink_starts(blink: ClipsLike, *, valid: Any = None) -> list[Doubles]:
    """Per clip (T_c,) 1 in the first frame of each blink, 0 elsewhere, NaN where this or the frame
    before is unseen.

    Args:
        blink: C arrays (T_c,), 1 while the eyes are shut. A blink that was under way when the clip
            began has no start.
    """
    starts = []
    for clip in as_clips("blink", blink, valid):
        step = np.diff(clip[:, 0], prepend=clip[0, 0])
        starts.append(np.where(np.isnan(step), np.nan, (step > 0).astype(np.float64)))
    return starts


def at_breakpoint(starts: Flags, phrase_ends: Flags, *, fps: float = FPS) -> Flags:
    """(T,) those of a speaker's blinks that lie within 0.3 s of a phrase's end."""
    return starts & _around(phrase_ends, BREAK, fps)


def off_breakpoint(starts: Flags, phrase_ends: Flags, *, fps: float = FPS) -> Flags:
    """(T,) those that lie more than 0.6 s from a phrase's end, and from the clip's ends, where a
    phrase may have ended unseen.
    """
    ends = phrase_ends.copy()
    ends[[0, -1]] = True
    return starts & ~_around(ends, AWAY, fps)


def _around(events: Flags, seconds: float, fps: float) -> Flags:
    """(T,) frames at most so far from an event, before or after it."""
    near = (0.0, seconds + 1 / fps)
    return following(events, near, fps) | following(events[::-1], near, fps)[::-1]


def blink_terms(
    speaker: ClipsLike,
    phrase_ends: ClipsLike,
    listener: ClipsLike,
    *,
    control: bool = False,
    valid: Any = None,
    fps: float = FPS,
) -> Doubles:
    """(C, 4) for `ratio`: the listener's blinks 0.2 to 0.56 s after the speaker's blinks at
    breakpoints of speech, over elsewhere.

    Args:
        speaker, listener: C arrays (T_c,), 1 while the eyes are shut.
        phrase_ends: C arrays (T_c,), of `find_cues` or the true ones.
        control: after the speaker's blinks far from breakpoints instead, where people do not
            follow. What follows breakpoints is left out of both sides.
    """
    at, off = [], []
    for start, end in zip(blink_starts(speaker), phrase_ends, strict=True):
        blinks, ends = start > 0, np.ravel(np.asarray(end)) > 0
        at.append(at_breakpoint(blinks, ends, fps=fps))
        off.append(off_breakpoint(blinks, ends, fps=fps))
    activity = blink_starts(listener, valid=valid)
    if control:
        return modulation_terms(off, activity, AFTER_BLINK, besides=at, fps=fps)
    return modulation_terms(at, activity, AFTER_BLINK, fps=fps)


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
