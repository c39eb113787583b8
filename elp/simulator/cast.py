"""Who meets whom, how long and in what mood: the meetings of a simulated corpus (chapter "Simulated
dyads").
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.motion import FPS
from elp.simulator.behaviour import behaviour

SPLITS = ("train", "val", "test")
CONTRARY = 0.1  # of listeners do not share the speaker's mood: an attitude is one's own
CAST = 2  # this module's stream of randomness


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A corpus to simulate.

    Attributes:
        emotions: their names; share: their parts of the clips, in the same order.
        clips: how many, or None to fill `minutes`.
        minutes: of conversation, in all.
        people: (listeners, speakers) per split train, val, test; nobody is in two splits.
        parts: of the clips per split.
        median, spread: of the clips' log-normal length (s; standard deviation of the logarithm);
            shortest, longest in s.
    """

    emotions: tuple[str, ...]
    share: tuple[float, ...]
    clips: int | None
    minutes: float
    people: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    parts: tuple[float, float, float] = (0.7, 0.1, 0.2)
    median: float = 9.5
    spread: float = 0.6
    shortest: float = 3.0
    longest: float = 71.0


THREE = ("negative", "neutral", "positive")
PRESETS = {
    "tiny": Preset(
        emotions=THREE,
        share=(1, 1, 1),
        clips=36,
        minutes=3.0,
        people=((4, 4), (1, 1), (1, 2)),
        median=5.0,
        spread=0.15,
        shortest=4,
    ),
    "vico": Preset(
        emotions=THREE,
        share=(123, 134, 226),
        clips=483,
        minutes=95.0,
        people=((35, 47), (5, 7), (10, 13)),
    ),
    # to train a model that ships: tests are for other corpora
    "crowd": Preset(
        emotions=THREE,
        share=(123, 134, 226),
        clips=4880,
        minutes=960.0,
        people=((360, 480), (20, 30), (20, 30)),
        parts=(0.9, 0.05, 0.05),
    ),
    "l2l": Preset(
        emotions=("unpositive", "positive"),
        share=(1, 8),
        clips=None,
        minutes=180.0,
        people=((4, 0), (1, 0), (1, 0)),
        median=60.0,
        spread=0.4,
        shortest=20,
        longest=180,
    ),
}
# version 2: tests and intervals go by listener, of whom ten are too few; and what is slow shows in
# longer clips only
MANY = ((35, 47), (10, 10), (50, 60))
PRESETS_2 = PRESETS | {
    "vico": replace(PRESETS["vico"], people=MANY),
    "talks": replace(
        PRESETS["vico"],
        clips=240,
        minutes=180.0,
        people=MANY,
        parts=(0.6, 0.1, 0.3),
        median=45.0,
        spread=0.2,
        shortest=30.0,
        longest=60.0,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """One clip to be: who meets whom, the listener's mood (-1, 0, 1) and the emotion the index
    names, the speaker's mood, how long, and the version of the simulator.
    """

    number: int
    clip: str
    speaker: int
    listener: int
    emotion: str
    mood: int
    speaker_mood: int
    split: str
    frames: int
    version: int = field(default=1, repr=False)


def presets(version: int) -> dict[str, Preset]:
    """The presets of a version of the simulator, by name; raises ElpError for an unknown one."""
    return PRESETS if behaviour(version).version == 1 else PRESETS_2


def cast(preset: str, seed: int, hours: float | None = None, version: int = 1) -> list[Meeting]:
    """All the meetings of a corpus, in its order."""
    known = presets(version)
    if preset not in known:
        raise ElpError(
            f"unknown preset {preset!r} of version {version}: choose one of {', '.join(known)}"
        )
    chosen = known[preset]
    if hours is not None:
        if chosen.clips is not None:
            raise ElpError(
                f"preset {preset!r} has a fixed size: leave hours out, or take preset 'l2l'"
            )
        if not 0.1 <= hours <= 1000:
            raise ElpError(f"{hours} hours of conversation: give between 0.1 and 1000")
        chosen = replace(chosen, minutes=hours * 60)
    return list(_cast(chosen, seed, version))


@lru_cache(maxsize=4)
def _cast(preset: Preset, seed: int, version: int) -> tuple[Meeting, ...]:
    rng = np.random.default_rng([seed, CAST])
    lengths = _lengths(rng, preset)
    splits = _parts(rng, len(lengths), preset.parts)
    meetings: list[Meeting] = []
    shared = np.array(preset.share, float) / sum(preset.share)
    people = np.cumsum([(0, 0), *preset.people], axis=0)
    guests = 0
    for number, split in enumerate(SPLITS):
        mine = np.flatnonzero(splits == number)
        emotions = _parts(rng, len(mine), shared)
        (first_l, first_s), (listeners, speakers) = people[number], preset.people[number]
        if speakers == 0:  # an interview show: a new guest every ten minutes or so
            speakers, first_s = max(len(mine) // 8, 1), guests
            guests += speakers
        who_l, who_s = (
            first_l + _share(rng, len(mine), listeners),
            first_s + _share(rng, len(mine), speakers),
        )
        for clip, emotion, person_l, person_s in zip(mine, emotions, who_l, who_s, strict=True):
            name = preset.emotions[emotion]
            mood = {
                "negative": -1,
                "neutral": 0,
                "positive": 1,
                "unpositive": int(-(rng.random() < 0.6)),
            }[name]
            told = (
                mood
                if rng.random() > CONTRARY
                else int(rng.choice([m for m in (-1, 0, 1) if m != mood]))
            )
            meetings.append(
                Meeting(
                    number=int(clip),
                    clip=f"c{clip:05d}",
                    speaker=int(person_s),
                    listener=int(person_l),
                    emotion=name,
                    mood=mood,
                    speaker_mood=told,
                    split=split,
                    frames=int(lengths[clip]),
                    version=version,
                )
            )
    return tuple(sorted(meetings, key=lambda m: m.number))


def _lengths(rng: np.random.Generator, preset: Preset) -> NDArray[np.int64]:
    """Frames of each clip, log-normal; in all exactly the preset's minutes."""
    total = int(preset.minutes * 60 * FPS)
    count = preset.clips or max(
        round(total / FPS / preset.median / np.exp(preset.spread**2 / 2)), 12
    )
    seconds = rng.lognormal(np.log(preset.median), preset.spread, count)
    for _ in range(20):  # scaling and limits pull against each other: settle
        seconds = np.clip(seconds * total / FPS / seconds.sum(), preset.shortest, preset.longest)
    frames = np.floor(seconds * FPS).astype(np.int64)
    frames[np.argsort(-frames)[: max(total - frames.sum(), 0)]] += 1
    return frames


def _parts(rng: np.random.Generator, count: int, parts: Any) -> NDArray[np.int64]:
    """`count` labels in the given parts (rounded), shuffled."""
    ends = np.round(np.cumsum(parts) / np.sum(parts) * count).astype(int)
    return rng.permutation(np.searchsorted(ends, np.arange(count), side="right"))


def _share(rng: np.random.Generator, clips: int, people: int) -> NDArray[np.int64]:
    """Who is in which clip: everybody at least once where there are clips enough, some people far
    more often.
    """
    weights = rng.dirichlet(np.full(people, 2.0))
    return rng.permutation(
        np.concatenate(
            [np.arange(people), rng.choice(people, size=max(clips - people, 0), p=weights)]
        )[:clips]
    )
