"""The simulated listener: several valid answers to the same cue, chosen by emotion, personal style
and chance.
"""

# T frame
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from elp.motion import FPS, Motion
from elp.simulator.face import NAMES, Acting, measure
from elp.simulator.processes import (
    Array,
    all_blinks,
    delayed,
    episodes,
    eyelids,
    hump,
    plateau,
    smooth,
    sway,
    window,
)
from elp.simulator.speaker import Talk
from elp.simulator.speech import low_pitch_cues

# per minute at rest (Bentivoglio et al. 1997, table 2): a listener is between rest and conversation
BLINKS = 17.0
MODES = (
    "nod",
    "double_nod",
    "smile_nod",
    "brow_flash",
    "tilt",
    "laugh",
    "shake",
    "slow_nod",
    "brow_knit",
    "pull_back",
    "lips",
    "none",
)
#                 nod  2nod smile brow tilt laugh shake slow knit pull lips none
PROBABILITY = {
    1: np.array([0.20, 0.10, 0.30, 0.13, 0.08, 0.07, 0.01, 0.00, 0.00, 0.00, 0.01, 0.10]),
    0: np.array([0.40, 0.14, 0.04, 0.10, 0.07, 0.00, 0.02, 0.06, 0.01, 0.01, 0.03, 0.12]),
    -1: np.array([0.06, 0.00, 0.00, 0.04, 0.07, 0.00, 0.27, 0.13, 0.18, 0.11, 0.08, 0.06]),
}
TEMPO = {1: 1.25, 0: 1.0, -1: 0.75}  # of nods and shakes, relative


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A person who listens: sizes of face, nod and mimicry, tempo, willingness, delay (s),
    preferences among MODES, blinks, rest.
    """

    face: float
    nod: float
    mimicry: float
    tempo: float
    willing: float
    delay: float
    taste: Array
    blinks: float
    attention: float
    rest: Array
    bias: Array
    lopsided: float


def listener(rng: np.random.Generator) -> Listener:
    """Draw a person."""
    return Listener(
        face=rng.lognormal(0, 0.18),
        nod=rng.lognormal(0, 0.28),
        mimicry=rng.beta(4, 4),
        tempo=rng.lognormal(0, 0.12),
        willing=rng.beta(9, 2.5),
        delay=rng.lognormal(np.log(0.6), 0.25),
        taste=rng.gamma(2.5, 0.4, len(MODES)),
        blinks=BLINKS * rng.lognormal(-0.08, 0.4),
        attention=rng.beta(5, 3),
        rest=np.deg2rad(rng.normal(0, [3, 6, 2.5])),
        bias=rng.normal(0, 0.05, len(NAMES)),
        lopsided=rng.normal(0, 0.1),
    )


def respond(rng: np.random.Generator, who: Listener, emotion: int, heard: Talk) -> Motion:
    """One true response to a speaker, in the same number of frames; another `rng` gives another,
    equally true.
    """
    frames = len(heard.motion)
    acting = Acting(frames)
    _attitude(rng, acting, who, emotion)
    _mimic(rng, acting, who, emotion, heard)
    for time in cues(rng, heard, who):
        weights = PROBABILITY[emotion] * who.taste
        _gesture(rng, acting, who, emotion, str(rng.choice(MODES, p=weights / weights.sum())), time)
    acting.angles += who.rest + np.deg2rad(sway(rng, frames, 1.0, 0.8) * [1.0, 1.5, 1.0])
    acting.angles += np.deg2rad(sway(rng, frames, 5.0, 1.2) * [1.0, 1.8, 1.0])
    acting.shift += sway(rng, frames, 3.0, 0.5) * [1, 0.5, 1.5]
    seconds = frames / FPS
    driven = entrained(rng, heard, who.attention)
    blinks = all_blinks(rng, driven, seconds, who.blinks, least=0.3)
    return measure(rng, acting, eyelids(rng, blinks, frames), who.bias, rng.lognormal(0, 0.25))


def cues(rng: np.random.Generator, heard: Talk, who: Listener) -> Array:
    """Times (s) at which this listener answers: low-pitch cues, phrase ends, the speaker's smiles
    and brow raises, each by chance.
    """
    pauses = heard.speech.phrases[:, 1] + rng.normal(
        who.delay * 0.6, 0.08, len(heard.speech.phrases)
    )
    groups = [
        (low_pitch_cues(heard.speech) + rng.normal(0, 0.06), 0.85),
        (pauses, 0.5),
        (heard.smiles + rng.normal(who.delay, 0.1, len(heard.smiles)), 0.45),
        (heard.raises + rng.normal(who.delay, 0.1, len(heard.raises)), 0.4),
    ]
    times = np.sort(
        np.concatenate([t[rng.random(len(t)) < chance * who.willing] for t, chance in groups])
    )
    kept: list[float] = []
    for time in times:
        if not kept or time - kept[-1] > 0.9:
            kept.append(float(time))
    return np.array(kept)


def entrained(rng: np.random.Generator, heard: Talk, attention: float) -> Array:
    """Blinks that follow the speaker's own blinks at breakpoints of speech by 0.25-0.5 s (Nakano &
    Kitazawa 2010).
    """
    ends = heard.speech.phrases[:, 1]
    at_break = np.abs(heard.blinks[:, None] - ends[None, :]).min(axis=1, initial=np.inf) < 0.3
    blinks = heard.blinks[at_break]
    return (blinks + rng.uniform(0.25, 0.5, len(blinks)))[rng.random(len(blinks)) < 0.6 * attention]


def _attitude(rng: np.random.Generator, acting: Acting, who: Listener, emotion: int) -> None:
    """The lasting part of an emotion: a smile with raised cheeks, a frown with lowered brows, or a
    face at rest.
    """
    frames = acting.frames
    if emotion > 0:
        smile = _course(rng, frames, who.face, on=(4.0, 1.8), level=(0.55, 0.08), floor=0.16)
        acting.add("smile", smile, left=1 + who.lopsided, right=1 - who.lopsided)
        # raised cheeks: a felt smile (Ekman, Davidson & Friesen 1990)
        acting.add("squint", 0.55 * smile)
        acting.add("dimple", 0.25 * smile)
        acting.add("upper_lip_raise", 0.12 * smile)
        acting.add("brow_outer_up", 0.12 * smile)
        acting.add("jaw_open", 0.08 * smile)
    elif emotion < 0:
        sour = _course(rng, frames, who.face, on=(5.0, 1.8), level=(0.58, 0.08), floor=0.22)
        # angry, sad, sceptical: all of them lower brows and lip corners
        flavour = rng.dirichlet([1.2, 1.2, 1.2])
        acting.add(
            "frown", sour * (0.75 + 0.3 * flavour[1]), left=1 + who.lopsided, right=1 - who.lopsided
        )
        acting.add("brow_down", sour * (0.65 + 0.4 * flavour[0] - 0.25 * flavour[1]))
        acting.add("brow_inner_up", 0.6 * sour * flavour[1])
        acting.add("press", 0.5 * sour * flavour[0])
        acting.add("nose_wrinkle", 0.45 * sour * flavour[2])
        acting.add("chin_raise", sour * (0.2 + 0.3 * flavour[2]))
        acting.add("squint", 0.25 * sour)
        side = rng.choice([-1.0, 1.0])
        acting.angles[:, 1] += side * np.deg2rad(5.0) * sour  # turned a little away,
        acting.angles[:, 0] -= np.deg2rad(2.0) * sour
        acting.shift[:, 2] += 1.6 * sour  # and drawn back
    else:
        acting.add(
            "smile", _course(rng, frames, who.face, on=(1.5, 6.0), level=(0.15, 0.05), floor=0.03)
        )
        acting.add(
            "press", _course(rng, frames, who.face, on=(1.5, 6.0), level=(0.12, 0.04), floor=0.0)
        )
    brows = _course(
        rng, frames, who.face, on=(1.5, 5.0), level=(0.15 if emotion < 0 else 0.3, 0.06), floor=0.0
    )
    acting.add("brow_inner_up", brows)
    acting.add("brow_outer_up", 0.7 * brows)


def _course(
    rng: np.random.Generator,
    frames: int,
    size: float,
    *,
    on: tuple[float, float],
    level: tuple[float, float],
    floor: float,
) -> Array:
    """An expression that comes and goes: episodes of mean `on[0]` s, gaps of `on[1]` s, each with
    its own height.
    """
    state = episodes(rng, frames, *on)
    heights = rng.normal(*level, frames)[
        np.cumsum(np.abs(np.diff(state, prepend=state[0]))).astype(int)
    ]
    return size * smooth(np.where(state > 0, heights, floor), rng.uniform(0.12, 0.22))


def _mimic(
    rng: np.random.Generator, acting: Acting, who: Listener, emotion: int, heard: Talk
) -> None:
    """The speaker's smile, frown and head, later and smaller, while this listener is with the
    speaker.
    """
    with_them = smooth(episodes(rng, acting.frames, 3.0, 2.0), 0.25)
    gain = who.mimicry * with_them * {1: 1.0, 0: 0.55, -1: 0.2}[emotion]
    smile = gain * delayed(smooth(heard.smile, 0.15), who.delay)
    acting.add("smile", 0.85 * smile)
    acting.add("squint", 0.4 * smile)
    acting.add(
        "frown",
        0.5
        * who.mimicry
        * with_them
        * delayed(smooth(heard.frown, 0.15), who.delay)
        * (emotion <= 0),
    )
    head = delayed(smooth(heard.angles - np.median(heard.angles, axis=0), 0.15), who.delay)
    # face to face: yaw and roll are mirrored
    acting.angles += (who.mimicry * with_them)[:, None] * head * [0.35, -0.25, -0.3]


def _gesture(
    rng: np.random.Generator, acting: Acting, who: Listener, emotion: int, mode: str, time: float
) -> None:
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
