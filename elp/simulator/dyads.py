"""Simulated dyads: who meets whom, how long and in what mood; and another true response to the same
speaker (chapter "Simulated dyads").
"""

# T frame
from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.corpus.format import Corpus
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.face import model
from elp.motion import FPS, Floats, Motion
from elp.records import sha256
from elp.simulator.listener import listener, respond
from elp.simulator.speaker import Talk, speaker, talk

VERSION = 1  # of the simulator, frozen: raised whenever the same seed would give other data
PREROLL = 50  # frames before a clip begins: nobody starts from rest
SPLITS = ("train", "val", "test")
CONTRARY = 0.1  # of listeners do not share the speaker's mood: an attitude is one's own
PERSON, CAST, CLIP = 1, 2, 3  # streams of randomness


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


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """One clip to be: who meets whom, the listener's mood (-1, 0, 1) and the emotion the index
    names, the speaker's mood, how long.
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


def simulate(
    dest: str | Path,
    preset: str = "vico",
    seed: int = 0,
    audio: bool = True,
    hours: float | None = None,
    mfcc: str | Path | None = None,
    progress: bool = False,
) -> Corpus:
    """Make a corpus of simulated dyads; the same arguments give the same bytes.

    Args:
        dest: folder to make. A corpus made there before with the same arguments is opened instead.
        preset: "vico" (3 emotions, 483 clips, 95 minutes, 50 listeners, 67 speakers), "l2l" (2
            emotions, 6 listeners, `hours`) or "tiny" (36 clips of about 5 s, for tests).
        seed: of everything.
        audio: synthesise the speakers' sound and compute its MFCC (needs librosa) and prosody.
            Without it the motion is the same bit for bit, MFCC and prosody are those of silence.
        hours: of conversation, for "l2l" (default 3; the real corpus has 72).
        mfcc: a `mfcc.npy` made with the same arguments on another machine, to use instead of
            computing it; prosody, which needs no librosa, is computed all the same.
        progress: show a progress bar.

    Raises:
        ElpError: unknown preset, `dest` holds something else, or the given MFCC do not fit.
    """
    dest = Path(dest)
    meetings = cast(preset, seed, hours)
    made = {
        "program": "elp corpus simulate",
        "simulator": VERSION,
        "face_model": _face_model(),
        "preset": preset,
        "seed": seed,
        "hours": hours,
        "audio": audio or mfcc is not None,
    }
    if (dest / "card.json").is_file():
        there = Corpus.open(dest)
        if there.card.get("made") == made:
            return there
        raise ElpError(
            f"{dest}: holds another corpus ({there.card.get('name')}): give another folder or delete this one"
        )
    card = {
        "name": f"simulated {preset}",
        "version": VERSION,
        "seed": seed,
        "emotions": list(PRESETS[preset].emotions),
        "made": made,
        "licence": "MIT",
        "source": "simulated: no person is depicted",
        "preset": asdict(PRESETS[preset]),
    }
    given = None if mfcc is None else _given(Path(mfcc), 2 * sum(m.frames for m in meetings))
    return Corpus.write(
        dest, _records(meetings, seed, audio and mfcc is None, given, progress), card
    )


def oracle(corpus: Corpus, pair: Any, generator: Any, *, listener: int | None = None) -> Motion:
    """Another true response to the speaker of `pair`: the same listener and mood, other chance:
    what every table compares with.

    Args:
        corpus: made by `simulate`.
        pair: a row of `corpus.pairs` (from `itertuples`).
        generator: torch.Generator or numpy Generator; another state gives another response.
        listener: number of another person who answers instead, in the same mood: the corpus numbers
            its own from 0, a number beyond them is somebody whom no split has met.

    Raises:
        ElpError: the corpus was not simulated, or by another version of the simulator.
    """
    meeting, seed = _meeting(corpus, pair.clip)
    if listener is not None:
        meeting = replace(meeting, listener=listener)
    fresh = (
        generator.integers(2**62)
        if isinstance(generator, np.random.Generator)
        else _draw(generator)
    )
    return answer(meeting, seed, conversation(meeting, seed), np.random.default_rng(int(fresh)))[
        : int(pair.length)
    ]


def sound(corpus: Corpus, pair: Any) -> NDArray[np.float32]:
    """What the speaker of a simulated pair says: (length * 640,) float32 at 16 kHz."""
    meeting, seed = _meeting(corpus, pair.clip)
    return utter(meeting, seed, conversation(meeting, seed))


def cast(preset: str, seed: int, hours: float | None = None) -> list[Meeting]:
    """All the meetings of a corpus, in its order."""
    if preset not in PRESETS:
        raise ElpError(f"unknown preset {preset!r}: choose one of {', '.join(PRESETS)}")
    chosen = PRESETS[preset]
    if hours is not None:
        if chosen.clips is not None:
            raise ElpError(
                f"preset {preset!r} has a fixed size: leave hours out, or take preset 'l2l'"
            )
        if not 0.1 <= hours <= 1000:
            raise ElpError(f"{hours} hours of conversation: give between 0.1 and 1000")
        chosen = replace(chosen, minutes=hours * 60)
    return list(_cast(chosen, seed))


@lru_cache(maxsize=4)
def _cast(preset: Preset, seed: int) -> tuple[Meeting, ...]:
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


def conversation(meeting: Meeting, seed: int) -> Talk:
    """The speaker of a meeting, pre-roll included."""
    person = speaker(np.random.default_rng([seed, PERSON, 0, meeting.speaker]))
    return talk(
        np.random.default_rng([seed, CLIP, meeting.number, 0]),
        person,
        meeting.speaker_mood,
        meeting.frames + PREROLL,
    )


def answer(meeting: Meeting, seed: int, heard: Talk, rng: np.random.Generator) -> Motion:
    """The listener of a meeting, without the pre-roll."""
    person = listener(np.random.default_rng([seed, PERSON, 1, meeting.listener]))
    return _cut(respond(rng, person, meeting.mood, heard))


def utter(meeting: Meeting, seed: int, said: Talk) -> NDArray[np.float32]:
    """The speaker's sound, without the pre-roll."""
    from elp.simulator.synthesis import RATE, synthesise

    return synthesise(
        np.random.default_rng([seed, CLIP, meeting.number, 1]), said.speech, said.voice
    )[int(PREROLL / FPS * RATE) :]


def _cut(motion: Motion) -> Motion:
    motion = motion[PREROLL:]
    centre = np.concatenate([np.zeros(3, np.float32), np.median(motion.pose[:, 3:], axis=0)])
    return replace(motion, pose=motion.pose - centre)


def _records(
    meetings: list[Meeting], seed: int, audio: bool, given: NDArray[Any] | None, progress: bool
) -> Iterator[Record]:
    from concurrent.futures import ThreadPoolExecutor

    from tqdm import tqdm

    rows = np.cumsum([0, *(2 * meeting.frames for meeting in meetings)])
    heard = (
        (lambda k: given[rows[k] : rows[k] + meetings[k].frames].astype(np.float32))
        if given is not None
        else lambda k: None
    )
    workers = min(os.cpu_count() or 1, 8)
    with (
        ThreadPoolExecutor(workers) as pool,
        tqdm(total=len(meetings), desc="simulating", unit="clip", disable=not progress) as bar,
    ):
        # a batch at a time: memory must not grow with the corpus
        for first in range(0, len(meetings), 2 * workers):
            batch = range(first, min(first + 2 * workers, len(meetings)))
            for dyad in pool.map(lambda k: _dyad(meetings[k], seed, audio, heard(k)), batch):
                yield from dyad
                bar.update()


def _dyad(meeting: Meeting, seed: int, audio: bool, mfcc: Floats | None) -> tuple[Record, Record]:
    said = conversation(meeting, seed)
    response = answer(meeting, seed, said, np.random.default_rng([seed, CLIP, meeting.number, 2]))
    prosody = None
    if audio or mfcc is not None:
        spoken = utter(meeting, seed, said)
        mfcc = _mfcc(spoken, meeting.frames) if mfcc is None else mfcc
        prosody = _prosody(spoken, meeting.frames)
    one, other = f"s{meeting.speaker:03d}", f"l{meeting.listener:03d}"
    common: dict[str, Any] = {
        "clip": meeting.clip,
        "split": meeting.split,
        "emotion": meeting.emotion,
        "source": f"simulated, seed {seed}",
    }
    return (
        Record(
            person=one,
            partner=other,
            role="speaker",
            motion=_cut(said.motion),
            mfcc=mfcc,
            prosody=prosody,
            **common,
        ),
        Record(person=other, partner=one, role="listener", motion=response, **common),
    )


def _mfcc(audio: NDArray[np.float32], frames: int) -> Floats:
    from elp.media.audio import mfcc

    return mfcc(audio, frames)


def _prosody(audio: NDArray[np.float32], frames: int) -> Floats:
    from elp.media.prosody import prosody

    return prosody(audio, frames)


def _given(path: Path, frames: int) -> NDArray[Any]:
    try:
        given = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ElpError(
            f"{path}: not a readable .npy file: give the mfcc.npy of a corpus made with audio"
        ) from error
    if given.shape != (frames, 29):
        raise ElpError(
            f"{path}: shape {given.shape}, this corpus needs ({frames}, 29): it belongs to other arguments"
        )
    return given


def _meeting(corpus: Corpus, clip: str) -> tuple[Meeting, int]:
    made = corpus.card.get("made", {})
    if not isinstance(made, dict) or made.get("program") != "elp corpus simulate":
        raise ElpError(
            f"{corpus.folder}: only a simulated corpus knows other true responses: make one with 'elp corpus simulate'"
        )
    if (made["simulator"], made["face_model"]) != (VERSION, _face_model()):
        raise ElpError(
            f"{corpus.folder}: made by another simulator or face model than this one: simulate it again"
        )
    found = {meeting.clip: meeting for meeting in cast(made["preset"], made["seed"], made["hours"])}
    return found[clip], made["seed"]


@cache
def _face_model() -> str:
    """First digits of the face model's checksum: another model gives other coefficients from the
    same seed.
    """
    return sha256(Path(model.__file__).with_name("default_face.npz"))[:12]


def _draw(generator: Any) -> int:
    import torch

    return int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
