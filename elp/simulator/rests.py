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


def posture(rng: np.random.Generator, frames: int) -> Array:
    """(T, 3) head angles in degrees that shift over one second and over five."""
    quick = sway(rng, frames, 1.0, 0.8) * [1.0, 1.5, 1.0]
    return quick + sway(rng, frames, 5.0, 1.2) * [1.0, 1.8, 1.0]


def held(course: Array, moves: Array) -> Array:
    """A course (T, D) that goes on while `moves` (T,) is 1 and stays where it is while it is 0: its
    clock stands still.
    """
    clock, ticks = np.cumsum(moves), np.arange(len(course))
    return np.stack([np.interp(clock, ticks, column) for column in course.T], axis=1)
