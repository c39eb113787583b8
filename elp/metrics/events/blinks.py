"""Do blinks follow the speaker's blinks? (chapter "Metrics")"""

# C clip, T frame
from __future__ import annotations

from typing import Any

import numpy as np

from elp.metrics.clips import ClipsLike, Doubles, as_clips
from elp.metrics.events.columns import BLINK, CUED, PHRASE_END, SPEAKER_BLINK, column
from elp.metrics.events.modulation import (
    Flags,
    following,
    modulation_terms,
    ratio,
    summed,
)
from elp.metrics.metric import Case, Metric
from elp.motion import FPS

AFTER_BLINK = (0.2, 0.56)  # s: listeners follow by 0.25-0.5 s (Nakano & Kitazawa 2010)
BREAK = 0.3  # s from a phrase's end within which a blink marks a breakpoint of speech
AWAY = 0.6  # s beyond which it marks none, even if the end was found a little early or late


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


def _answers(case: Case, *, control: bool) -> Doubles:
    speaker = (column(case.speaker, SPEAKER_BLINK), column(case.speaker, PHRASE_END))
    blink = column(case.pred, BLINK)
    return blink_terms(*speaker, blink, control=control, valid=case.valid, fps=case.fps)


def _at_breakpoints(case: Case) -> Doubles:
    return _answers(case, control=False)


def _off_breakpoints(case: Case) -> Doubles:
    return _answers(case, control=True)


_CUED: dict[str, Any] = {
    "direction": "match",
    "unit": "1",
    "reduce": summed(ratio),
    "over": CUED,
    "own": True,
    "added": False,
    "tabled": True,
}
METRICS = (
    Metric(
        name="blinks",
        title="blinks after blinks",
        convention="blinks 0.2-0.56 s after the speaker's within 0.3 s of a phrase's end, "
        "over elsewhere; chance 1",
        terms=_at_breakpoints,
        **_CUED,
    ),
    Metric(
        name="other_blinks",
        title="blinks after other blinks",
        convention="the same after the speaker's blinks over 0.6 s from a phrase's end; chance 1",
        terms=_off_breakpoints,
        **_CUED,
    ),
)
