"""Where a listener looks: fixations and saccades (chapter "The renderer")."""

# T frame
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elp.motion import FPS

Floats = NDArray[np.floating]
LONGEST = np.deg2rad(12.0)  # people turn the head for what lies farther


@dataclass(frozen=True, kw_only=True)
class Looking:
    """How eyes move in a conversation, seen at arm's length (about 62 cm from a screen).

    Fixations and steps are those of 19 people in video calls (psyberlab, "Eye gaze during
    conversation", Apache-2.0); how much and for how long a partner is looked at are our constants.

    Attributes:
        fixation: median duration in seconds. spread: of its logarithm.
        step: median saccade within the partner's face, degrees.
        partner: share of the time in which the partner is looked at.
        episode: median duration of a look at the partner, seconds.
    """

    fixation: float
    step: float
    partner: float
    spread: float = 0.5
    episode: float = 1.7


LISTENING = Looking(fixation=0.211, step=1.3, partner=0.81)
SPEAKING = Looking(fixation=0.178, step=2.7, partner=0.69)
EPISODES = 0.6  # spread of the logarithm of a look's duration
AVERTED = (4.0, 10.0)  # degrees from the partner, at least and at most
FACE = 2.0  # degrees: how far the eyes wander over the partner's face


def path(frames: int, seed: int = 0, how: Looking = LISTENING) -> NDArray[np.float32]:
    """(T, 2) float32, angles in radians to the right and down in the picture from the partner's
    eyes, at 25 frames per second; the first fixation is on them.

    Args:
        frames: T. seed: of what is drawn. how: listening or speaking.
    """
    rng, out = np.random.default_rng(seed), np.zeros((frames, 2), np.float32)
    mean = how.episode * np.exp(EPISODES**2 / 2)
    gone = mean * (1 - how.partner) / how.partner
    place: Floats = np.zeros(2)
    at, looks, until = 0, True, _lognormal(rng, how.episode, EPISODES)
    while at < frames:
        last = at + max(2, round(FPS * _lognormal(rng, how.fixation, how.spread)))
        out[at:last] = np.deg2rad(place)
        out[at : at + 1] += (out[max(at - 1, 0)] - out[at : at + 1]) / 2  # a step takes a frame
        at = last
        if at / FPS > until:
            looks = not looks
            middle = how.episode if looks else gone * np.exp(-(EPISODES**2) / 2)
            until = at / FPS + _lognormal(rng, middle, EPISODES)
            place = np.zeros(2) if looks else _aside(rng)
        else:
            step = _direction(rng) * min(_lognormal(rng, how.step, 0.6), 2 * FACE)
            place = _within(place + step, looks)
    return np.clip(out, -LONGEST, LONGEST)


def on_partner(gaze: Floats) -> NDArray[np.bool_]:
    """(T,) whether angles (T, 2) in radians are on the partner's face."""
    return np.asarray(np.linalg.norm(gaze, axis=1) <= np.deg2rad(FACE + 1e-3))


def _within(place: Floats, looks: bool) -> Floats:
    """Back onto the partner's face, or anywhere off it."""
    size = max(float(np.linalg.norm(place)), 1e-6)
    if looks:
        return place * min(1.0, FACE / size)
    return place * np.clip(size, *AVERTED) / size


def _aside(rng: np.random.Generator) -> Floats:
    """A place off the partner: more often beside or below than above."""
    way = _direction(rng) * [1.0, 0.7]
    way[1] = abs(way[1]) if rng.random() < 0.6 else way[1]
    return way / np.linalg.norm(way) * rng.uniform(*AVERTED)


def _direction(rng: np.random.Generator) -> Floats:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)])


def _lognormal(rng: np.random.Generator, median: float, spread: float) -> float:
    return float(median * np.exp(spread * rng.normal()))
