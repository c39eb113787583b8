"""The simulated speaker: lips and jaw that follow the syllables, brows and head that follow the
accents, a mood that colours all.
"""

# T frame
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from elp.motion import FPS, Motion
from elp.simulator.affect import shown, wander
from elp.simulator.behaviour import Behaviour
from elp.simulator.face import NAMES, Acting, measure
from elp.simulator.processes import (
    Array,
    all_blinks,
    episodes,
    eyelids,
    hump,
    onsets,
    plateau,
    smooth,
    sway,
    window,
)
from elp.simulator.speech import TICKS, Speech, Voice, in_mood, plan, voice

BLINKS = 26.0  # per minute in conversation (Bentivoglio et al. 1997, table 2)


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """A person who speaks: voice, size of the facial and head movements, blinks per minute, resting
    head angles, facial bias.
    """

    voice: Voice
    face: float
    jaw: float
    head: float
    blinks: float
    rest: Array
    bias: Array
    lopsided: float


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A speaker's clip and what a listener could notice in it: the plan of speech, onsets (s) of
    smiles, brow raises and blinks, the smooth courses (T,) of smile and frown, (T, 3) of head
    angles, and from version 2 on how far the valence strays from the mood (T,), else 0."""

    speech: Speech
    voice: Voice
    motion: Motion
    smile: Array
    frown: Array
    angles: Array
    smiles: Array
    raises: Array
    blinks: Array
    valence: float
    moved: Array


def speaker(rng: np.random.Generator) -> Speaker:
    """Draw a person."""
    return Speaker(
        voice=voice(rng),
        face=rng.lognormal(0, 0.2),
        jaw=rng.lognormal(np.log(0.5), 0.15),
        head=rng.lognormal(0, 0.25),
        blinks=BLINKS * rng.lognormal(-0.08, 0.4),
        rest=np.deg2rad(rng.normal(0, [3, 5, 2])),
        bias=rng.normal(0, 0.05, len(NAMES)),
        lopsided=rng.normal(0, 0.08),
    )


def talk(rng: np.random.Generator, who: Speaker, emotion: int, frames: int, how: Behaviour) -> Talk:
    """`frames` frames of a speaker whose emotion is -1 (negative), 0 or 1 (positive)."""
    seconds = frames / FPS
    # not everybody shows a mood equally: the classes overlap
    valence = float(np.clip(emotion + rng.normal(0, 0.3), -1.4, 1.4))
    tense = bool(rng.random() < 0.4)
    coloured = in_mood(who.voice, valence, tense)
    speech = plan(rng, seconds, coloured)
    acting = Acting(frames)
    _articulate(acting, speech, who)
    if how.affect is None:
        moved = np.zeros(frames)
        smile, frown = _episodes(rng, frames, who, valence)
    else:
        moved = wander(rng, frames, how.affect)
        felt = valence + how.affect.sigma * moved
        smile, frown = (who.face * shown(x, how.affect) for x in (felt, -felt))
    _mood(acting, who, smile, frown, tense)
    raises = _beats(rng, acting, speech, who, valence)
    # blinks mark the ends of phrases
    breaks = speech.phrases[:, 1] + rng.normal(0.08, 0.1, len(speech.phrases))
    driven = breaks[rng.random(len(breaks)) < 0.55]
    blinks = all_blinks(rng, driven, seconds, who.blinks, least=0.25, apart=how.apart)
    lids = eyelids(rng, blinks, frames)
    motion = measure(rng, acting, lids, who.bias, rng.lognormal(0, 0.25), how.tremble)
    return Talk(
        speech=speech,
        voice=coloured,
        motion=motion,
        smile=smile,
        frown=frown,
        angles=acting.angles,
        smiles=onsets(smile, 0.25),
        raises=raises,
        blinks=blinks,
        valence=valence,
        moved=moved,
    )


def per_frame(ticks: Array, frames: int) -> Array:
    """Mean of the ticks that fall into each frame."""
    step = int(TICKS / FPS)
    return ticks[: frames * step].reshape(frames, step, *ticks.shape[1:]).mean(axis=1)


def _articulate(acting: Acting, speech: Speech, who: Speaker) -> None:
    get = lambda name: per_frame(getattr(speech, name), acting.frames)  # noqa: E731
    loud = np.sqrt(get("loud").clip(0))
    open_, round_, spread, close = (
        get(name) for name in ("opening", "rounding", "spreading", "closing")
    )
    acting.add("jaw_open", who.jaw * (0.25 + 0.75 * loud) * open_ * (1 - 0.8 * close))
    acting.add("lower_lip_drop", 0.35 * open_ * (1 - close))
    acting.add("upper_lip_raise", 0.15 * spread * (1 - close))
    acting.add("pucker", 0.3 * round_)
    acting.add("funnel", 0.35 * round_)
    acting.add("stretch", 0.25 * spread)
    acting.add("press", 0.45 * close)
    acting.add("jaw_side", 0.1 * who.lopsided * open_)


def _episodes(
    rng: np.random.Generator, frames: int, who: Speaker, valence: float
) -> tuple[Array, Array]:
    """Smile and frown (T,) that come and go by themselves."""
    up, down = max(valence, 0.0), max(-valence, 0.0)
    glad = smooth(episodes(rng, frames, 2.5, 2.5), 0.18)
    smile = who.face * up * (0.18 + 0.42 * glad) + 0.04
    sour = smooth(episodes(rng, frames, 3.0, 2.0), 0.25)
    frown = who.face * down * (0.15 + 0.3 * sour)
    return smile, frown


def _mood(acting: Acting, who: Speaker, smile: Array, frown: Array, tense: bool) -> None:
    acting.add("smile", smile, left=1 + who.lopsided, right=1 - who.lopsided)
    acting.add("squint", 0.5 * smile + (0.2 if tense else 0.0) * frown)
    acting.add("dimple", 0.2 * smile)
    acting.add("frown", frown * (0.7 if tense else 1.2))
    acting.add("brow_down", frown * (1.3 if tense else 0.5))
    acting.add("brow_inner_up", frown * (0.0 if tense else 0.8))
    acting.add("nose_wrinkle", 0.3 * frown * tense)


def _beats(
    rng: np.random.Generator, acting: Acting, speech: Speech, who: Speaker, valence: float
) -> Array:
    """Head beats and brow raises on pitch accents, drift between them, a shift of posture at phrase
    ends; gives the raises' times.
    """
    frames = acting.frames
    lively = who.head * (1 + 0.35 * max(valence, 0) - 0.3 * max(-valence, 0))
    raises = []
    for time, size in zip(speech.accents, speech.accent_size, strict=True):
        if rng.random() < 0.55:
            frame, phase = window(frames, time - 0.12, rng.normal(0.42, 0.05))
            acting.angles[frame, 0] += np.deg2rad(lively * size * rng.uniform(0.6, 1.4)) * hump(
                phase
            )
        if rng.random() < 0.12 * size * who.face:
            raises.append(time - 0.1)
            frame, phase = window(frames, time - 0.1, rng.uniform(0.5, 0.9))
            height = rng.uniform(0.35, 0.7) * who.face * plateau(phase)
            acting.add("brow_inner_up", height, frame)
            acting.add(
                "brow_outer_up", 0.8 * height, frame, left=1 + who.lopsided, right=1 - who.lopsided
            )
    steps = np.zeros((frames, 3))
    for end in speech.phrases[:, 1]:
        steps[max(int(end * FPS), 0) :] += np.deg2rad(rng.normal(0, [1.5, 3.0, 1.5]))
    acting.angles += who.rest + smooth(steps - steps.mean(0), 0.3) * 0.6 * lively
    acting.angles += np.deg2rad(sway(rng, frames, 0.6, 1.0) * [1.2, 1.6, 1.0]) * lively
    acting.shift += sway(rng, frames, 2.5, 0.5) * [1, 0.5, 1.5]
    acting.angles[:, 0] += np.deg2rad(3.0) * max(-valence, 0) * 0.5  # a sad head hangs a little
    return np.array(raises)
