"""One conversation of a simulated corpus, answered by whatever needs no training here (chapter
"Results").

Nothing but the one clip is simulated: a meeting says who meets whom, and the seed all the rest, so
that the speaker and the real listener are those of the whole corpus, up to its rounding.
"""

# T frame
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elp.listener import ELPResponder
from elp.media.audio import mfcc
from elp.media.prosody import prosody
from elp.motion import SILENT, Clip, Motion
from elp.simulator.cast import Meeting, cast
from elp.simulator.dyads import CLIP, answer, conversation, cut, utter

NEW = 10_000  # number of a person whom no split of a corpus has


@dataclass(frozen=True, kw_only=True, eq=False)
class Answered:
    """A speaker and T frames of answers.

    Attributes:
        clip: its name in the corpus. emotion: the listener's.
        speaker: what was seen and heard. sound: (640 T,) at 16 kHz.
        answers: method -> T frames.
    """

    clip: str
    emotion: str
    speaker: Clip
    sound: NDArray[np.float32]
    answers: dict[str, Motion]


def answered(made: dict[str, Any], *, frames: int = 200, seed: int = 0) -> Answered:
    """The first clip of the test split that is long enough and positive, answered.

    Args:
        made: `preset`, `seed` and `simulator` of a corpus, as its card has them.
        frames: T, from the clip's beginning.
        seed: of what the methods draw.
    """
    number = made["seed"]
    meetings = cast(made["preset"], number, None, made["simulator"])
    long = [m for m in meetings if m.frames >= frames]
    tests = [m for m in long if m.split == "test"]
    meeting = next(m for m in tests if m.emotion == "positive")
    stranger = next(m for m in tests if m.speaker != meeting.speaker)
    rng = np.random.default_rng(seed)
    some = rng.choice(np.array([m.number for m in long if m.split == "train"]))
    random = next(m for m in long if m.number == some)
    said = conversation(meeting, number)
    sound = utter(meeting, number, said)[: 640 * frames]
    seen = cut(said.motion)[:frames]
    speaker = Clip(motion=seen, mfcc=mfcc(sound, frames), prosody=prosody(sound, frames))
    unheard = Clip(
        motion=seen,
        mfcc=np.zeros_like(speaker.mfcc),
        prosody=np.tile(SILENT, (frames, 1)),
    )
    ours = ELPResponder.from_checkpoint()
    other = replace(meeting, listener=NEW)
    answers = {
        "real listener": _true(meeting, number),
        "oracle": answer(meeting, number, said, np.random.default_rng([seed, 1])),
        "another listener": answer(other, number, said, np.random.default_rng([seed, 2])),
        "stranger": _true(stranger, number),
        "Random": _true(random, number),
        "listener": ours.respond(speaker, meeting.emotion, generator=_generator(seed)),
        "listener, no sound": ours.respond(unheard, meeting.emotion, generator=_generator(seed)),
    }
    return Answered(
        clip=meeting.clip,
        emotion=meeting.emotion,
        speaker=speaker,
        sound=sound,
        answers={name: motion[:frames] for name, motion in answers.items()},
    )


def _true(meeting: Meeting, seed: int) -> Motion:
    """What the listener of a meeting did."""
    rng = np.random.default_rng([seed, CLIP, meeting.number, 2])
    return answer(meeting, seed, conversation(meeting, seed), rng)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
