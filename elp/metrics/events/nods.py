"""Does the head nod when it is invited to? (chapter "Metrics")"""

# C clip, T frame
from __future__ import annotations

from typing import Any

import numpy as np

from elp.errors import ElpError
from elp.metrics.clips import ClipsLike, Doubles, as_clips
from elp.metrics.events.columns import CUED, LOW_PITCH, PHRASE_END, PITCH, column
from elp.metrics.events.modulation import modulation_terms, ratio, summed
from elp.metrics.metric import Case, Metric
from elp.motion import FPS, runs

BAND = (1.0, 4.0)  # Hz: ordinary and rapid nods (Hadar, Steiner & Rose 1985)
AFTER_LOW_PITCH = (0.0, 1.0)  # s after the moment at which the rule answers
AFTER_PHRASE = (0.2, 1.2)  # s after a phrase's end
LEAST = 25  # frames below which a clip is too short for a band of 1 Hz
AROUND = 0.5  # s over which power is averaged: a cycle of the slower half of the band
SWING = 0.6  # degrees of amplitude from which a head swings, and does not merely sway
WIDE = 1.5  # degrees from one side to the other that a swing has at least
MOVING = 0.3  # of a swing's greatest speed: below it the head has not begun, or is at rest again


def nod_power(pitch: ClipsLike, *, valid: Any = None, fps: float = FPS) -> list[Doubles]:
    """Momentary power of pitch between 1 and 4 Hz.

    Args:
        pitch: C arrays (T_c,), the head's rotation about x in radians; NaN where unseen.

    Returns:
        C arrays (T_c,) in deg²: squares of pitch after a Butterworth filter without delay; NaN in
            unseen frames and in clips of fewer than `LEAST` seen frames.

    Raises:
        ElpError: more than one column.
    """
    return [turn**2 for turn in _in_band(pitch, valid, fps)]


def _in_band(pitch: ClipsLike, valid: Any, fps: float) -> list[Doubles]:
    """Per clip (T_c,) degrees of pitch in `BAND`, see `nod_power`."""
    from scipy.signal import butter, sosfiltfilt

    band = butter(2, BAND, "bandpass", fs=fps, output="sos")
    found = []
    for clip in as_clips("pitch", pitch, valid):
        if clip.shape[1] != 1:
            raise ElpError(f"pitch of shape {clip.shape}: give one column, the rotation about x")
        degrees = np.rad2deg(clip[:, 0])
        there, turn = np.isfinite(degrees), np.full(len(clip), np.nan)
        if there.sum() >= LEAST:
            at = np.arange(len(clip))
            bridged = np.interp(at, at[there], degrees[there])
            turn[there] = sosfiltfilt(band, bridged)[there]
        found.append(turn)
    return found


def swings(
    angle: ClipsLike, other: ClipsLike, *, valid: Any = None, fps: float = FPS
) -> list[list[tuple[int, int, float]]]:
    """Single nods or shakes: where the head swings about one axis between 1 and 4 Hz.

    Half a second's mean of `nod_power` is half of the squared amplitude of a swing. A swing is a
    run of frames in which the amplitude exceeds 0.6 degrees, from one side to the other at least
    1.5 degrees wide somewhere, and with more power than about the other axis in the same frames. As
    the mean spreads it by a quarter of a second to both sides, it begins and ends where the speed
    of the angle in the band first and last exceeds 0.3 of its greatest: on simulated swings of 1.4
    to 3.5 Hz within 0.1 s of the truth in nine of ten, 0.00 s from it at the median of beginnings.

    Args:
        angle: C arrays (T_c,) in radians: pitch for nods, yaw for shakes. other: the other one.

    Returns:
        per clip (first frame, frame after the last, width in degrees), the width from peak to peak
            of the angle in the band.
    """
    found = []
    for own, aside in zip(*(_in_band(x, valid, fps) for x in (angle, other))):
        amplitude = np.sqrt(2 * _around(own**2, round(AROUND * fps)))
        clip = []
        for first, last in runs(amplitude > SWING):
            turn = own[first:last]
            width = 2 * float(np.abs(turn).max())
            if width >= WIDE and (turn**2).sum() > np.nansum(aside[first:last] ** 2):
                clip.append((*_moving(own, first, last), width))
        found.append(clip)
    return found


def _moving(turn: Doubles, first: int, last: int) -> tuple[int, int]:
    """Of the frames from `first` to before `last`, those in which the head is on its way."""
    speed = np.abs(np.nan_to_num(np.gradient(turn)[first:last]))
    frames = first + np.flatnonzero(speed >= MOVING * speed.max())
    return int(frames[0]), int(frames[-1]) + 1


def _around(power: Doubles, frames: int) -> Doubles:
    """(T,) centred running mean; 0 where nothing is known."""
    from scipy.ndimage import uniform_filter1d

    # its running sum rounds below 0 where everything is still
    return np.maximum(uniform_filter1d(np.nan_to_num(power), frames, mode="constant"), 0)


def nod_terms(
    low_pitch: ClipsLike, pitch: ClipsLike, *, valid: Any = None, fps: float = FPS
) -> Doubles:
    """(C, 4) for `ratio`: nod-band power 0 to 1 s after the speaker's low-pitch cues, over
    elsewhere.

    Args:
        low_pitch: C arrays (T_c,), cues of `find_cues` or the true ones.
        pitch: of the listener, rad.
    """
    return modulation_terms(
        low_pitch, nod_power(pitch, valid=valid, fps=fps), AFTER_LOW_PITCH, fps=fps
    )


def phrase_nod_terms(
    phrase_ends: ClipsLike, pitch: ClipsLike, *, valid: Any = None, fps: float = FPS
) -> Doubles:
    """(C, 4) for `ratio`: nod-band power 0.2 to 1.2 s after the speaker's phrases end, over
    elsewhere.
    """
    return modulation_terms(
        phrase_ends, nod_power(pitch, valid=valid, fps=fps), AFTER_PHRASE, fps=fps
    )


def _after_low_pitch(case: Case) -> Doubles:
    cues, pitch = column(case.speaker, LOW_PITCH), column(case.pred, PITCH)
    return nod_terms(cues, pitch, valid=case.valid, fps=case.fps)


def _after_phrase(case: Case) -> Doubles:
    ends, pitch = column(case.speaker, PHRASE_END), column(case.pred, PITCH)
    return phrase_nod_terms(ends, pitch, valid=case.valid, fps=case.fps)


METRICS = (
    Metric(
        name="nods",
        title="nods after low pitch",
        direction="match",
        unit="1",
        convention="power of pitch at 1-4 Hz 0-1 s after low-pitch cues, over elsewhere; chance 1",
        terms=_after_low_pitch,
        reduce=summed(ratio),
        over=CUED,
        own=True,
        added=False,
        tabled=True,
    ),
    Metric(
        name="phrase_nods",
        title="nods after phrases",
        direction="match",
        unit="1",
        convention="power of pitch at 1-4 Hz 0.2-1.2 s after phrases end, over elsewhere; chance 1",
        terms=_after_phrase,
        reduce=summed(ratio),
        over=CUED,
        own=True,
        added=False,
        tabled=True,
    ),
)
