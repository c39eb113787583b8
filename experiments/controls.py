"""Does it listen? The shipped listener with its speaker, without the sound, with another speaker's
sound and face, and trained from other seeds (chapter "Results").

    elp corpus simulate vico --simulator 2 --seed 2026 -o corpora/vico2
    python experiments/controls.py corpora/vico2 -o book/results/controls.json \
        --seed-checkpoint runs/listener-1/model.safetensors ...

Cues are always the true speaker's: a listener who hears somebody else, or nothing, must stand at 1.
"""

# T frame
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from elp.corpus import Corpus
from elp.evaluation.bounds import GroundTruth, Oracle
from elp.evaluation.evaluate import evaluate
from elp.evaluation.tables import EVENTS, table
from elp.listener.contract import Emotion
from elp.listener.responder import ELPResponder
from elp.motion import SILENT, Clip, Motion
from elp.records import write_json


class Hearing:
    """A listener who hears and sees something else than the true speakers.

    Args:
        method: who answers. change: the speakers, and a generator -> what is heard instead, clip by
            clip as long.
    """

    def __init__(
        self, method: ELPResponder, change: Callable[[list[Clip], torch.Generator], list[Clip]]
    ) -> None:
        self.method, self.change = method, change

    def answer_all(
        self,
        corpus: Corpus,
        pairs: Sequence[Any],
        emotions: Sequence[Emotion],
        generator: torch.Generator,
    ) -> list[Motion]:
        speakers = self.change([corpus.speaker(pair) for pair in pairs], generator)
        return self.method.respond_all(speakers, emotions, generator=generator)


def silence(clips: list[Clip], generator: torch.Generator) -> list[Clip]:
    """The same speakers without a sound."""
    return [muted(clip) for clip in clips]


def elsewhere(clips: list[Clip], generator: torch.Generator) -> list[Clip]:
    """Each the speaker of another conversation."""
    order = torch.randperm(len(clips), generator=generator).tolist()
    after = dict(zip(order, order[1:] + order[:1], strict=True))
    return [looped(clips[after[k]], len(clip)) for k, clip in enumerate(clips)]


def muted(clip: Clip) -> Clip:
    """The clip with the sound of silence."""
    prosody = np.tile(np.asarray(SILENT, np.float32), (len(clip), 1))
    return replace(clip, mfcc=np.zeros_like(clip.mfcc), prosody=prosody)


def looped(clip: Clip, frames: int) -> Clip:
    """The clip, again and again, for T frames."""
    at = np.arange(frames) % len(clip)
    motion = clip.motion
    return Clip(
        motion=Motion(
            beta=motion.beta[at],
            pose=motion.pose[at],
            blink=motion.blink[at],
            valid=motion.valid[at],
        ),
        mfcc=clip.mfcc[at],
        prosody=clip.voice()[at],
    )


def main(
    corpus: Path,
    output: Annotated[Path, typer.Option("-o")],
    seed_checkpoint: Annotated[list[Path] | None, typer.Option()] = None,
    samples: int = 4,
) -> None:
    opened, shipped = Corpus.open(corpus), ELPResponder.from_checkpoint()
    methods: dict[str, Any] = {
        "GT": GroundTruth(),
        "oracle": Oracle(),
        "listener": shipped,
        "listener, no sound": Hearing(shipped, silence),
        "listener, another speaker": Hearing(shipped, elsewhere),
    }
    for path in seed_checkpoint or []:
        other = ELPResponder.from_checkpoint(path)
        methods[f"listener, seed {other.card['seed']}"] = other
    result = evaluate(opened, methods, samples=samples, progress=True)
    result["trained"] = shipped.card["commit"]
    write_json(output, result)
    print(table(result, EVENTS, intervals=False).round(3).T.to_string())


if __name__ == "__main__":
    typer.run(main)
