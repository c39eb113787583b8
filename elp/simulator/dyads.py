"""Simulated dyads: who meets whom, how long and in what mood; and another true response to the same
speaker (chapter "Simulated dyads").
"""

# T frame
from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp import bounded
from elp.corpus.format import Corpus
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.face import model
from elp.motion import FPS, Floats, Motion
from elp.records import sha256
from elp.simulator.behaviour import BEHAVIOURS, behaviour
from elp.simulator.cast import Meeting, cast, presets
from elp.simulator.listener import respond
from elp.simulator.people import listener
from elp.simulator.speaker import Talk, speaker, talk

VERSION = 1  # of the simulator, where none is named; see `elp.simulator.behaviour`
PREROLL = 50  # frames before a clip begins: nobody starts from rest
# seconds of conversation that are worth starting processes for
PROCESSES = 1200
PERSON, CLIP = 1, 3  # streams of randomness; 2 is the cast's


def simulate(
    dest: str | Path,
    preset: str = "vico",
    seed: int = 0,
    audio: bool = True,
    hours: float | None = None,
    mfcc: str | Path | None = None,
    progress: bool = False,
    version: int = VERSION,
) -> Corpus:
    """Make a corpus of simulated dyads; the same arguments give the same bytes.

    Args:
        dest: folder to make. A corpus made there before with the same arguments is opened instead.
        preset: "vico" (3 emotions, 483 clips, 95 minutes; 50 listeners and 67 speakers in version
            1, 95 and 117 in version 2), "crowd" (as "vico", 16 hours of 400 listeners and 540
            speakers, to train on), "l2l" (2 emotions, 6 listeners, `hours`), "tiny" (36 clips of
            about 5 s, for tests) or, in version 2, "talks" (240 clips of 30 to 60 s, 3 hours).
        seed: of everything.
        audio: synthesise the speakers' sound and compute its MFCC and prosody.
            Without it the motion is the same bit for bit, MFCC and prosody are those of silence.
        hours: of conversation, for "l2l" (default 3; the real corpus has 72).
        mfcc: a `mfcc.npy` made with the same arguments on another machine, to use instead of
            computing it; prosody is computed all the same.
        progress: show a progress bar.
        version: of the simulator: 1, or 2 (moods that change and are shared over seconds, heads
            that rest).

    Raises:
        ElpError: unknown preset or version, `dest` holds something else, or the given MFCC do not
            fit.
    """
    dest = Path(dest)
    meetings = cast(preset, seed, hours, version)
    made = {
        "program": "elp corpus simulate",
        "simulator": version,
        "face_model": _face_model(),
        "preset": preset,
        "seed": seed,
        "hours": hours,
        "audio": audio or mfcc is not None,
        **_constants(version),
    }
    if (dest / "card.json").is_file():
        there = Corpus.open(dest)
        if there.card.get("made") == made:
            return there
        raise ElpError(
            f"{dest}: holds another corpus ({there.card.get('name')}): "
            "give another folder or delete this one"
        )
    card = {
        "name": f"simulated {preset}",
        "version": version,
        "seed": seed,
        "emotions": list(presets(version)[preset].emotions),
        "made": made,
        "licence": "MIT",
        "source": "simulated: no person is depicted",
        "preset": asdict(presets(version)[preset]),
    }
    given = None if mfcc is None else _given(Path(mfcc), 2 * sum(m.frames for m in meetings))
    with closing(_records(meetings, seed, audio and mfcc is None, given, progress)) as records:
        return Corpus.write(dest, records, card)


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


def conversation(meeting: Meeting, seed: int) -> Talk:
    """The speaker of a meeting, pre-roll included."""
    person = speaker(np.random.default_rng([seed, PERSON, 0, meeting.speaker]))
    return talk(
        np.random.default_rng([seed, CLIP, meeting.number, 0]),
        person,
        meeting.speaker_mood,
        meeting.frames + PREROLL,
        behaviour(meeting.version),
    )


def answer(meeting: Meeting, seed: int, heard: Talk, rng: np.random.Generator) -> Motion:
    """The listener of a meeting, without the pre-roll."""
    person = listener(np.random.default_rng([seed, PERSON, 1, meeting.listener]))
    return cut(respond(rng, person, meeting.mood, heard, behaviour(meeting.version)))


def utter(meeting: Meeting, seed: int, said: Talk) -> NDArray[np.float32]:
    """The speaker's sound, without the pre-roll."""
    from elp.simulator.synthesis import RATE, synthesise

    return synthesise(
        np.random.default_rng([seed, CLIP, meeting.number, 1]), said.speech, said.voice
    )[int(PREROLL / FPS * RATE) :]


def cut(motion: Motion) -> Motion:
    """A motion without the pre-roll, its place measured from where the head mostly is."""
    motion = motion[PREROLL:]
    centre = np.concatenate([np.zeros(3, np.float32), np.median(motion.pose[:, 3:], axis=0)])
    return replace(motion, pose=motion.pose - centre)


def _records(
    meetings: list[Meeting], seed: int, audio: bool, given: NDArray[Any] | None, progress: bool
) -> Generator[Record]:
    from joblib import Parallel, delayed
    from tqdm import tqdm

    rows = np.cumsum([0, *(2 * meeting.frames for meeting in meetings)])
    large = sum(meeting.frames for meeting in meetings) > PROCESSES * FPS
    # in order, a few ahead: memory must not grow with the corpus
    pool = Parallel(n_jobs=min(os.cpu_count() or 1, 16) if large else 1, return_as="generator")
    tasks = (
        delayed(_dyad)(
            meeting,
            seed,
            audio,
            None if given is None else given[row : row + meeting.frames].astype(np.float32),
        )
        for meeting, row in zip(meetings, rows[:-1], strict=True)
    )
    shown = {"total": len(meetings), "desc": "simulating", "unit": "clip", "disable": not progress}
    dyads = pool(tasks)
    try:
        with tqdm(**shown) as bar:
            for dyad in dyads:
                yield from dyad
                bar.update()
    finally:
        with warnings.catch_warnings():  # joblib's, that who stops early loses what is at work
            warnings.simplefilter("ignore")
            dyads.close()


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
            motion=cut(said.motion),
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
    given = bounded.mapped(path)
    if given.dtype.kind != "f":
        raise ElpError(f"{path}: holds {given.dtype}: give the mfcc.npy of such a corpus")
    if given.shape != (frames, 29):
        raise ElpError(
            f"{path}: shape {given.shape}, this corpus needs ({frames}, 29): "
            "it belongs to other arguments"
        )
    return given


def _meeting(corpus: Corpus, clip: str) -> tuple[Meeting, int]:
    made = corpus.card.get("made", {})
    if not isinstance(made, dict) or made.get("program") != "elp corpus simulate":
        raise ElpError(
            f"{corpus.folder}: only a simulated corpus knows other true responses: "
            "make one with 'elp corpus simulate'"
        )
    version = made["simulator"]
    if (
        version not in BEHAVIOURS
        or made["face_model"] != _face_model()
        or not _constants(version).items() <= made.items()
    ):
        raise ElpError(
            f"{corpus.folder}: made by another simulator or face model than this one: "
            "simulate it again"
        )
    meetings = cast(made["preset"], made["seed"], made["hours"], version)
    return next(meeting for meeting in meetings if meeting.clip == clip), made["seed"]


def _constants(version: int) -> dict[str, Any]:
    """What a corpus records of its version's behaviour; of the first, its number says it all."""
    how = behaviour(version)
    return {} if version == 1 else {"behaviour": asdict(how)}


@cache
def _face_model() -> str:
    """First digits of the face model's checksum: another model gives other coefficients from the
    same seed.
    """
    return sha256(Path(model.__file__).with_name("default_face.npz"))[:12]


def _draw(generator: Any) -> int:
    import torch

    return int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
