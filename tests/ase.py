"""A corpus that takes milliseconds to make, for the tests of model, training and generation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from elp.corpus.format import Corpus
from elp.corpus.writer import Record
from elp.motion import Clip, Motion

D = 12  # expression coefficients
EMOTIONS = ("negative", "neutral", "positive")


def corpus(
    dest: Path,
    *,
    clips: int = 9,
    frames: int = 120,
    emotions: tuple[str, ...] = EMOTIONS,
    first: float = 1.0,
    **card: Any,
) -> Corpus:
    """Random dyads whose listener leans with the emotion; the first coefficient is multiplied by
    `first`.
    """
    rng = np.random.default_rng(0)

    def records():
        for n in range(clips):
            name = emotions[n % len(emotions)]
            for role in ("speaker", "listener"):
                beta = rng.normal(size=(frames, D)).cumsum(0) * 0.2 + (n % len(emotions)) * (
                    role == "listener"
                )
                beta[:, 0] *= first
                blink = (np.arange(frames) % 40 < 4).astype(np.uint8)
                motion = Motion(beta=beta, pose=0.05 * rng.normal(size=(frames, 6)), blink=blink)
                split = "val" if n >= clips - len(emotions) else "train"
                mfcc = rng.normal(size=(frames, 29)).astype(np.float32)
                yield Record(
                    clip=f"c{n}",
                    person=f"{role}{n}",
                    partner="",
                    role=role,
                    motion=motion,
                    mfcc=mfcc,
                    emotion=name if role == "listener" else "",
                    split=split,
                )

    return Corpus.write(dest, records(), {"name": "test", "emotions": list(emotions)} | card)


def clip(frames: int, width: int = D, seed: int = 0) -> Clip:
    rng = np.random.default_rng(seed)
    motion = Motion(
        beta=rng.normal(size=(frames, width)).cumsum(0) * 0.1,
        pose=0.05 * rng.normal(size=(frames, 6)),
        blink=np.zeros(frames),
    )
    return Clip(motion=motion, mfcc=rng.normal(size=(frames, 29)))


def train_as(rank: int, port: int, recipe: Any, folder: Path, dest: Path, said: Any) -> None:
    """Train as one of two processes, as torchrun starts them, and put into `said` how many the card
    counts: for a process of its own.
    """
    import torch

    from elp.training.run import train

    torch.set_num_threads(1)
    os.environ |= {
        "WORLD_SIZE": "2",
        "RANK": str(rank),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    said.put(train(recipe, Corpus.open(folder), dest, device="cpu")["processes"])
