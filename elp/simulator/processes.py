"""Random processes that behaviour is made of: drifts, episodes, gestures, blinks. All at 25 frames
per second.
"""

# T frame
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from elp.motion import FPS

Array = NDArray[np.float64]


def drift(
    rng: np.random.Generator,
    frames: int,
    tau: float,
    sigma: float,
    width: int = 1,
    rate: float = FPS,
) -> Array:
    """Stationary first-order autoregression (T, width): correlation falls to 1/e in `tau` seconds,
    deviation `sigma`.
    """
    a = np.exp(-1 / (tau * rate))
    x = rng.standard_normal((frames, width))
    x[1:] *= np.sqrt(1 - a * a)
    return sigma * lfilter([1.0], [1.0, -a], x, axis=0)


def smooth(x: Array, seconds: float, rate: float = FPS) -> Array:
    """Gaussian low-pass along time (first axis); `seconds` is the kernel's deviation."""
    return gaussian_filter1d(x, seconds * rate, axis=0, mode="nearest")


def sway(rng: np.random.Generator, frames: int, tau: float, sigma: float) -> Array:
    """Drift of something with inertia, a head for instance: (T, 3), differentiable where `drift` is
    rough.
    """
    return smooth(drift(rng, frames, tau, 1.2 * sigma, 3), 0.16)


def episodes(rng: np.random.Generator, frames: int, on: float, off: float) -> Array:
    """Alternating renewal process (T,): 1 in episodes of mean `on` seconds, 0 in gaps of mean
    `off`, both gamma of shape 2.
    """
    pairs = int(frames / FPS / (on + off) * 2) + 6
    lengths = rng.gamma(2.0, [on / 2, off / 2], (pairs, 2)).ravel()
    if rng.random() < on / (on + off):
        state = np.arange(len(lengths)) % 2 == 0
    else:
        lengths, state = lengths[1:], np.arange(len(lengths) - 1) % 2 == 1
    lengths[0] *= rng.random()  # the clip opens somewhere inside an episode
    ends = np.cumsum(lengths)
    return state[
        np.minimum(np.searchsorted(ends, np.arange(frames) / FPS, side="right"), len(state) - 1)
    ].astype(float)


def onsets(x: Array, level: float) -> Array:
    """Times (s) at which x (T,), flags included, rises through `level`."""
    return (np.flatnonzero((x[1:] >= level) & (x[:-1] < level)) + 1) / FPS


def delayed(x: Array, seconds: float) -> Array:
    """x (T, ...) shifted later by `seconds` (rounded to a frame); the first value is held."""
    shift = int(round(seconds * FPS))
    return (
        x
        if shift <= 0
        else np.concatenate(
            [np.repeat(x[:1], min(shift, len(x)), axis=0), x[: max(len(x) - shift, 0)]]
        )
    )


def window(frames: int, start: float, seconds: float) -> tuple[slice, Array]:
    """Frames that lie in [start, start + seconds) and their phase in [0, 1)."""
    first, last = (
        max(int(np.ceil(start * FPS)), 0),
        min(int(np.ceil((start + seconds) * FPS)), frames),
    )
    return slice(first, max(last, first)), (
        np.arange(first, max(last, first)) / FPS - start
    ) / seconds


def hump(phase: Array) -> Array:
    """Raised cosine: 0 at phase 0 and 1, 1 in the middle."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * phase)


def plateau(phase: Array, attack: float = 0.2, decay: float = 0.35) -> Array:
    """Rise in `attack`, hold, fall in `decay` (parts of the duration), with cosine flanks: an
    expression's time course.
    """
    return np.sin(0.5 * np.pi * np.clip(np.minimum(phase / attack, (1 - phase) / decay), 0, 1)) ** 2


def spontaneous_blinks(
    rng: np.random.Generator, seconds: float, per_minute: float, spread: float = 0.7
) -> Array:
    """Times of a renewal process with log-normal intervals of mean 60 / `per_minute` s, at least
    0.4 s apart.
    """
    mean = max(60 / per_minute - 0.4, 0.3)
    count = int(seconds / mean * 2) + 12
    intervals = 0.4 + rng.lognormal(np.log(mean) - spread**2 / 2, spread, count)
    intervals[0] *= rng.random()
    times = np.cumsum(intervals)
    return times[times < seconds]


def all_blinks(
    rng: np.random.Generator,
    driven: Array,
    seconds: float,
    per_minute: float,
    *,
    least: float,
    apart: float = 0.4,
) -> Array:
    """Driven blinks among spontaneous ones, of which so many make room, all but the part `least`,
    that the rate stays near `per_minute`; none within `apart` s of another.
    """
    keep = max(1 - len(driven) / max(seconds / 60 * per_minute, 1), least)
    spontaneous = spontaneous_blinks(rng, seconds, per_minute)
    return merge_blinks(rng, driven, spontaneous, seconds, keep, apart)


def merge_blinks(
    rng: np.random.Generator,
    driven: Array,
    spontaneous: Array,
    seconds: float,
    keep: float,
    apart: float = 0.4,
) -> Array:
    """Driven blinks plus a part `keep` of the spontaneous ones, none within `apart` s of another;
    driven ones win.
    """
    kept: list[float] = []
    order = [*np.sort(driven), *spontaneous[rng.random(len(spontaneous)) < keep]]
    for time in order:
        if 0 <= time < seconds and all(abs(time - other) >= apart for other in kept):
            kept.append(float(time))
    return np.sort(np.array(kept))


def eyelids(rng: np.random.Generator, times: Array, frames: int) -> Array:
    """Eyelid closure (T,) in [0, 1]: closing in about 0.1 s, shut 0.05 s, opening in about 0.2
    s.
    """
    lid = np.zeros(frames)
    for time in times:
        down, shut, up = rng.normal(0.09, 0.012), rng.uniform(0.03, 0.09), rng.normal(0.17, 0.025)
        depth = rng.uniform(0.85, 1.0)
        frame = slice(
            max(int((time - down) * FPS), 0), min(int((time + shut + up) * FPS) + 2, frames)
        )
        t = np.arange(frame.start, frame.stop) / FPS - time
        shape = np.clip(
            np.where(t < 0, 1 + t / down, np.where(t < shut, 1, 1 - (t - shut) / up)), 0, 1
        )
        lid[frame] = np.maximum(lid[frame], depth * np.sin(0.5 * np.pi * shape) ** 2)
    return lid
