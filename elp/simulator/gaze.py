"""Where people look: at their partner or away. No signal of a motion; known beside it."""

# T frame
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elp.motion import FPS

# part of the time on the partner while listening and speaking, and median length in s of a look at
# the partner: constants of ours, without a source
LISTENING, SPEAKING, EPISODE = 0.81, 0.69, 1.7
SPREAD = 0.8  # of the logarithm of an episode's length: chosen


def looks(rng: np.random.Generator, frames: int, share: float) -> NDArray[np.bool_]:
    """(T,) True while a person looks at the partner, in the part `share` of the time: log-normal
    looks of 1.7 s at the median, and log-normal looks away.
    """
    away = EPISODE * (1 - share) / share
    pairs = int(frames / FPS / (EPISODE + away)) + 16
    lengths = rng.lognormal(np.log([EPISODE, away]), SPREAD, (pairs, 2)).ravel()
    ends = np.cumsum(lengths) - rng.uniform(0, 8 * (EPISODE + away))  # begins long before the clip
    episode = np.searchsorted(ends, np.arange(frames) / FPS, side="right")
    return episode % 2 == 0
