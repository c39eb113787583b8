"""Moments at which speech invites an answer, found from the speaker's pitch (chapter "Metrics").

The rule is Ward & Tsukahara's (2000, J. Pragmatics 32, section 3). Nothing but the sound is needed,
so real clips have cues too; a simulated speaker's are known, and the same rule gives them.
"""

# T frame
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.metrics.clips import Doubles
from elp.metrics.events.modulation import Flags, flags
from elp.motion import FPS

PERCENTILE = 26  # of the speaker's pitch, below which it is low
LOW, SPOKEN, ANSWER, APART = 0.11, 0.7, 0.7, 0.8  # s; see `low_pitch`
PAUSE = 0.2  # s without voice that end a phrase: longer than any consonant without voice
PHRASE = 0.3  # s that a phrase lasts at least: shorter ones are noise


@dataclass(frozen=True, kw_only=True)
class Cues:
    """What a listener may answer, each (T,) bool.

    Attributes:
        low_pitch: where Ward & Tsukahara's rule would answer: 0.7 s after a region of low pitch.
        phrase_ends: the first frame of each pause.
        talking: inside phrases.
    """

    low_pitch: Flags
    phrase_ends: Flags
    talking: Flags


def find_cues(pitch: NDArray[np.floating], *, fps: float = FPS) -> Cues:
    """Cues in a speaker's clip.

    Args:
        pitch: (T,) F0 or anything that rises with it (logarithm, z-score), NaN where there is no
            voice. Percentiles are of the whole clip: give more than a few phrases.
        fps: frames per second.

    Raises:
        ElpError: pitch is not (T,) with T at least 1.
    """
    pitch = np.asarray(pitch, np.float64)
    if pitch.ndim != 1 or not len(pitch):
        raise ElpError(f"pitch of shape {pitch.shape}: give one value a frame, (T,)")
    voiced, frames = np.isfinite(pitch), len(pitch)
    talking = phrases(voiced, fps=fps)
    ends = np.flatnonzero(talking[:-1] & ~talking[1:]) + 1
    moments = np.zeros(0)
    if talking.any():
        at = np.arange(frames)
        # through consonants without voice the larynx goes on
        held = np.interp(at, at[voiced], pitch[voiced])
        moments = low_pitch(held, talking, fps)
    return Cues(
        low_pitch=flags(moments, frames, fps),
        phrase_ends=flags(ends / fps, frames, fps),
        talking=talking,
    )


def phrases(voiced: Flags, *, fps: float = FPS) -> Flags:
    """(T,) True inside phrases: stretches of voice whose gaps are shorter than `PAUSE`."""
    talking = ~_lasting(~voiced, PAUSE * fps)
    return _lasting(talking, PHRASE * fps) & talking


def low_pitch(pitch: Doubles, talking: Flags, fps: float) -> Doubles:
    """Times (s) of answers by Ward & Tsukahara's rule.

    A region of pitch below the 26th percentile that lasts 110 ms, after at least 700 ms of speech,
    and no answer within the last 800 ms: answer 700 ms later.

    Args:
        pitch: (T,) continuous inside phrases. talking: (T,) inside phrases. fps: of both.
    """
    if not talking.any():
        return np.zeros(0)
    low = talking & (pitch < np.percentile(pitch[talking], PERCENTILE))
    begun = run_length(low) == round(LOW * fps)
    spoken = run_length(talking) >= round(SPOKEN * fps)
    kept: list[float] = []
    for moment in np.flatnonzero(begun & spoken) / fps + ANSWER:
        if not kept or moment - kept[-1] >= APART:
            kept.append(float(moment))
    return np.array(kept)


def run_length(flag: Flags) -> NDArray[np.int64]:
    """(T,) how many True in a row end at each frame."""
    place = np.arange(1, len(flag) + 1)
    return np.where(flag, place - np.maximum.accumulate(np.where(flag, 0, place)), 0)


def _lasting(flag: Flags, frames: float) -> Flags:
    """The True runs of at least so many frames."""
    before, after = run_length(flag), run_length(flag[::-1])[::-1]
    return flag & (before + after - 1 >= frames - 1e-6)
