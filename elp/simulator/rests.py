"""Heads that are held: a person at rest moves only to answer."""

# T frame
from __future__ import annotations

import numpy as np

from elp.simulator.behaviour import Rests
from elp.simulator.processes import Array, episodes, smooth, sway

EASE = 0.25  # s in which a head comes to rest


def moving(rng: np.random.Generator, frames: int, rests: Rests, stillness: float) -> Array:
    """(T,) 1 while a head moves, 0 while it rests, which it does in the part `stillness` of the
    time.
    """
    restless = rests.still * (1 - stillness) / stillness
    return smooth(episodes(rng, frames, restless, rests.still), EASE)


def posture(rng: np.random.Generator, moves: Array) -> Array:
    """(T, 3) head angles in degrees of a posture that shifts while the head moves and is kept while
    it rests: its clock stands still.
    """
    clock = np.cumsum(moves)
    ticks = np.arange(len(moves))
    swayed = sway(rng, len(moves), 1.0, 0.8) * [1.0, 1.5, 1.0]
    swayed += sway(rng, len(moves), 5.0, 1.2) * [1.0, 1.8, 1.0]
    return np.stack([np.interp(clock, ticks, axis) for axis in swayed.T], axis=1)
