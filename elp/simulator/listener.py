"""The simulated listener: several valid answers to the same cue, chosen by emotion, personal style
and chance.
"""

# T frame
from __future__ import annotations

import numpy as np

from elp.motion import FPS, Motion
from elp.simulator.affect import followed, shown
from elp.simulator.behaviour import Affect, Answering, Behaviour
from elp.simulator.face import Acting, measure
from elp.simulator.gestures import gesture
from elp.simulator.people import Listener
from elp.simulator.processes import (
    Array,
    all_blinks,
    delayed,
    episodes,
    eyelids,
    smooth,
    sway,
)
from elp.simulator.rests import held, moving, posture
from elp.simulator.speaker import Talk
from elp.simulator.speech import low_pitch_cues


def respond(
    rng: np.random.Generator, who: Listener, emotion: int, heard: Talk, how: Behaviour
) -> Motion:
    """One true response to a speaker, in the same number of frames; another `rng` gives another,
    equally true.
    """
    frames = len(heard.motion)
    acting = Acting(frames)
    if how.affect is None:
        _attitude(rng, acting, who, emotion)
    else:
        _affect(rng, acting, who, emotion, heard, how.affect)
    echo = 1.0 if how.affect is None else how.affect.echo
    moves = None if how.rests is None else moving(rng, frames, how.rests, who.still)
    _mimic(rng, acting, who, emotion, heard, echo, moves)
    for time in cues(rng, heard, who, how.answering):
        gesture(rng, acting, who, emotion, time)
    _sit(rng, acting, who, moves)
    seconds = frames / FPS
    driven = entrained(rng, heard, who.attention)
    blinks = all_blinks(rng, driven, seconds, who.blinks, least=0.3, apart=how.apart)
    lids = eyelids(rng, blinks, frames)
    return measure(rng, acting, lids, who.bias, rng.lognormal(0, 0.25), how.tremble)


def _sit(rng: np.random.Generator, acting: Acting, who: Listener, moves: Array | None) -> None:
    """The head's resting pose, and its sway about it while it moves."""
    frames = acting.frames
    if moves is None:
        acting.angles += who.rest + np.deg2rad(sway(rng, frames, 1.0, 0.8) * [1.0, 1.5, 1.0])
        acting.angles += np.deg2rad(sway(rng, frames, 5.0, 1.2) * [1.0, 1.8, 1.0])
        acting.shift += sway(rng, frames, 3.0, 0.5) * [1, 0.5, 1.5]
    else:
        acting.angles += who.rest + np.deg2rad(held(posture(rng, frames), moves))
        acting.shift += held(sway(rng, frames, 3.0, 0.5) * [1, 0.5, 1.5], moves)


def cues(rng: np.random.Generator, heard: Talk, who: Listener, chances: Answering) -> Array:
    """Times (s) at which this listener answers: low-pitch cues, phrase ends, the speaker's smiles
    and brow raises, each by chance.
    """
    pauses = heard.speech.phrases[:, 1] + rng.normal(
        who.delay * 0.6, 0.08, len(heard.speech.phrases)
    )
    groups = [
        (low_pitch_cues(heard.speech) + rng.normal(0, 0.06), chances.low_pitch),
        (pauses, chances.pause),
        (heard.smiles + rng.normal(who.delay, 0.1, len(heard.smiles)), chances.smile),
        (heard.raises + rng.normal(who.delay, 0.1, len(heard.raises)), chances.raised_brows),
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


def _affect(
    rng: np.random.Generator,
    acting: Acting,
    who: Listener,
    emotion: int,
    heard: Talk,
    affect: Affect,
) -> None:
    """An emotion that strays from the named one, in part with the speaker's: a smile while it is
    positive, a frown while it is negative.
    """
    shared = min(2 * who.mimicry * affect.shared, 0.9)  # 2 * mimicry is 1 on average
    moved = followed(rng, heard.moved, affect, shared)
    # an emotion is named for a whole clip: it is the clip's mean, whatever the length
    valence = emotion + affect.sigma * (moved - moved.mean())
    _glad(acting, who, who.face * shown(valence, affect))
    _sour(rng, acting, who, who.face * shown(-valence, affect))
    _brows(rng, acting, who, emotion)


def _attitude(rng: np.random.Generator, acting: Acting, who: Listener, emotion: int) -> None:
    """The lasting part of a constant emotion: a smile with raised cheeks, a frown with lowered
    brows, or a face at rest.
    """
    frames = acting.frames
    if emotion > 0:
        smile = _course(rng, frames, who.face, on=(4.0, 1.8), level=(0.55, 0.08), floor=0.16)
        _glad(acting, who, smile)
    elif emotion < 0:
        sour = _course(rng, frames, who.face, on=(5.0, 1.8), level=(0.58, 0.08), floor=0.22)
        _sour(rng, acting, who, sour)
    else:
        calm = _course(rng, frames, who.face, on=(1.5, 6.0), level=(0.15, 0.05), floor=0.03)
        acting.add("smile", calm)
        lips = _course(rng, frames, who.face, on=(1.5, 6.0), level=(0.12, 0.04), floor=0.0)
        acting.add("press", lips)
    _brows(rng, acting, who, emotion)


def _glad(acting: Acting, who: Listener, smile: Array) -> None:
    acting.add("smile", smile, left=1 + who.lopsided, right=1 - who.lopsided)
    # raised cheeks: a felt smile (Ekman, Davidson & Friesen 1990)
    acting.add("squint", 0.55 * smile)
    acting.add("dimple", 0.25 * smile)
    acting.add("upper_lip_raise", 0.12 * smile)
    acting.add("brow_outer_up", 0.12 * smile)
    acting.add("jaw_open", 0.08 * smile)


def _sour(rng: np.random.Generator, acting: Acting, who: Listener, sour: Array) -> None:
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


def _brows(rng: np.random.Generator, acting: Acting, who: Listener, emotion: int) -> None:
    height = 0.15 if emotion < 0 else 0.3
    brows = _course(rng, acting.frames, who.face, on=(1.5, 5.0), level=(height, 0.06), floor=0.0)
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
    rng: np.random.Generator,
    acting: Acting,
    who: Listener,
    emotion: int,
    heard: Talk,
    echo: float,
    moves: Array | None,
) -> None:
    """The speaker's smile, frown (the part `echo` of them) and head, later and smaller, while this
    listener is with the speaker and, of the head, does not rest.
    """
    with_them = smooth(episodes(rng, acting.frames, 3.0, 2.0), 0.25)
    gain = who.mimicry * with_them * {1: 1.0, 0: 0.55, -1: 0.2}[emotion]
    smile = gain * delayed(smooth(heard.smile, 0.15), who.delay)
    acting.add("smile", 0.85 * echo * smile)
    acting.add("squint", 0.4 * echo * smile)
    frown = delayed(smooth(heard.frown, 0.15), who.delay)
    acting.add("frown", 0.5 * echo * who.mimicry * with_them * frown * (emotion <= 0))
    head = delayed(smooth(heard.angles - np.median(heard.angles, axis=0), 0.15), who.delay)
    turning = who.mimicry * with_them if moves is None else who.mimicry * with_them * moves
    # face to face: yaw and roll are mirrored
    acting.angles += turning[:, None] * head * [0.35, -0.25, -0.3]
