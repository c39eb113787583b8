"""Valence that changes within a conversation, and passes from speaker to listener.

A speaker's valence is a named mood plus a slow process. The listener's is their own mood plus a
slow process of which a part is the speaker's, low-passed: moods are caught over seconds, unlike
single smiles, which are echoed at once.
"""

# T frame
from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from elp.motion import FPS
from elp.simulator.behaviour import Affect
from elp.simulator.processes import Array, drift, smooth

FACE = 0.18  # s, deviation of the Gaussian with which a face follows its mood
CORNER = 0.15  # valence over which a smile fades in


def wander(rng: np.random.Generator, frames: int, affect: Affect) -> Array:
    """(T,) deviations of a person's valence from the mood, standard deviation 1."""
    return drift(rng, frames, affect.tau, 1.0)[:, 0]


def caught(moved: Array, affect: Affect) -> Array:
    """(T,) what has reached a listener of a speaker's deviations (T,); standard deviation 1
    again.
    """
    keep = np.exp(-1 / (affect.catching * FPS))
    slow = lfilter([1 - keep], [1.0, -keep], moved)
    return slow * np.sqrt((affect.tau + affect.catching) / affect.tau)


def followed(
    rng: np.random.Generator,
    moved: Array,
    affect: Affect,
    shared: float,
) -> Array:
    """(T,) deviations of a listener's valence, of which the part `shared`,
    a correlation, is what is caught of the speaker's deviations (T,).
    """
    own = wander(rng, len(moved), affect)
    theirs = shared * caught(moved, affect)
    return theirs + np.sqrt(1 - shared**2) * own


def shown(valence: Array, affect: Affect) -> Array:
    """(T,) how wide a smile valence (T,) gives, in parts of the full movement; -valence gives the
    frown.
    """
    felt = smooth(valence, FACE)
    return affect.wide * 0.5 * (felt + np.sqrt(felt**2 + 4 * CORNER**2))
