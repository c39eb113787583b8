"""What a listener does at a cue: nods, shakes, smiles, brows, each with its own course."""

from __future__ import annotations

import numpy as np

from elp.simulator.face import Acting
from elp.simulator.people import MODES, Listener
from elp.simulator.processes import hump, plateau, window

#                 nod  2nod smile brow tilt laugh shake slow knit pull lips none
PROBABILITY = {
    1: np.array([0.20, 0.10, 0.30, 0.13, 0.08, 0.07, 0.01, 0.00, 0.00, 0.00, 0.01, 0.10]),
    0: np.array([0.40, 0.14, 0.04, 0.10, 0.07, 0.00, 0.02, 0.06, 0.01, 0.01, 0.03, 0.12]),
    -1: np.array([0.06, 0.00, 0.00, 0.04, 0.07, 0.00, 0.27, 0.13, 0.18, 0.11, 0.08, 0.06]),
}
TEMPO = {1: 1.25, 0: 1.0, -1: 0.75}  # of nods and shakes, relative


def gesture(
    rng: np.random.Generator, acting: Acting, who: Listener, emotion: int, time: float
) -> None:
    """Perform one at `time` (s), drawn by emotion and taste; it may be "none"."""
    weights = PROBABILITY[emotion] * who.taste
    mode = str(rng.choice(MODES, p=weights / weights.sum()))
    size, tempo = (
        who.nod * rng.lognormal(0, 0.25),
        who.tempo * TEMPO[emotion] * rng.lognormal(0, 0.1),
    )
    if "nod" in mode:
        drawn = {
            "nod": rng.integers(1, 3),
            "double_nod": rng.integers(2, 5),
            "smile_nod": rng.integers(1, 4),
            "slow_nod": np.int64(1),
        }
        cycles = int(drawn[mode])
        # ordinary nods: 1.8-3.7 Hz (Hadar, Steiner & Rose 1985)
        hertz = tempo * (0.9 if mode == "slow_nod" else 1.9)
        degrees = size * ({1: 6.5, 0: 4.5, -1: 4.0}[emotion] if mode != "slow_nod" else 6.0)
        _swing(acting, 0, time, cycles, hertz, degrees)
    if mode == "shake":
        _swing(
            acting,
            1,
            time,
            int(rng.integers(2, 4)),
            1.7 * tempo,
            size * rng.uniform(3.5, 6.0) * rng.choice([-1, 1]),
            both=True,
        )
    if mode in ("smile_nod", "laugh"):
        _show(
            acting,
            {"smile": 0.35 * who.face, "squint": 0.25 * who.face},
            time,
            rng.uniform(1.0, 2.2),
        )
    if mode == "laugh":
        _show(
            acting,
            {"jaw_open": 0.3, "upper_lip_raise": 0.3, "squint": 0.2},
            time + 0.1,
            rng.uniform(0.8, 1.4),
        )
        _swing(acting, 0, time + 0.15, 3, 3.2, -1.6 * size)
    if mode == "brow_flash":
        _show(
            acting,
            {"brow_inner_up": 0.5 * who.face, "brow_outer_up": 0.55 * who.face},
            time,
            rng.uniform(0.5, 1.1),
        )
    if mode in ("brow_knit", "shake"):
        _show(acting, {"brow_down": 0.3 * who.face, "squint": 0.15}, time, rng.uniform(0.9, 1.8))
    if mode == "lips":
        lips = {
            "press": 0.45 * who.face,
            "chin_raise": 0.3 * who.face,
            "mouth_shift": 0.3 * who.lopsided,
        }
        _show(acting, lips, time, rng.uniform(0.8, 1.5))
    if mode in ("tilt", "pull_back"):
        frame, phase = window(acting.frames, time, rng.uniform(1.2, 2.5) / tempo)
        course = plateau(phase, 0.25, 0.4)
        if mode == "tilt":
            acting.angles[frame, 2] += np.deg2rad(rng.choice([-1, 1]) * size * 5.0) * course
        else:
            acting.angles[frame, 0] -= np.deg2rad(3.5 * size) * course
            acting.shift[frame, 2] += 1.5 * size * course


def _swing(
    acting: Acting,
    axis: int,
    time: float,
    cycles: int,
    hertz: float,
    degrees: float,
    *,
    both: bool = False,
) -> None:
    """A nod (0 to `degrees` and back, `cycles` times, dying away) or, with `both`, a shake to both
    sides.
    """
    frame, phase = window(acting.frames, time, cycles / hertz)
    wave = (
        np.sin(2 * np.pi * cycles * phase) * hump(phase) ** 0.5
        if both
        else hump(cycles * phase % 1.0)
    )
    acting.angles[frame, axis] += np.deg2rad(degrees) * wave * (1 - 0.45 * phase)


def _show(acting: Acting, parts: dict[str, float], time: float, seconds: float) -> None:
    frame, phase = window(acting.frames, time, seconds)
    for name, height in parts.items():
        acting.add(name, height * plateau(phase), frame)
