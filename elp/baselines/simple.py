"""Baselines that learn nothing: nearest neighbours, chance, the mean face (ELP, section 4.1)."""

# T frame, S segment, M = D + 6 motion
from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from elp.baselines.features import Features
from elp.corpus import Corpus
from elp.errors import ElpError
from elp.listener.contract import Emotion, Responder
from elp.motion import CLIP, Clip, Motion

SEGMENT = CLIP  # frames of a retrieved piece: the paper's 2 s clip
STRIDE = 5  # frames between two training segments that may be retrieved
THIN = 5  # every fifth frame describes a segment: motion and MFCC hardly change in 0.2 s


def rng_of(generator: torch.Generator) -> np.random.Generator:
    """A numpy generator seeded by a torch one."""
    return np.random.default_rng(
        int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
    )


def joined(pieces: list[Motion]) -> Motion:
    """Motions behind one another."""
    beta, pose, blink, valid = (
        np.concatenate([getattr(m, n) for m in pieces]) for n in ("beta", "pose", "blink", "valid")
    )
    return Motion(beta=beta, pose=pose, blink=blink, valid=valid)


class MeanFace:
    """The mean of all training listeners, motionless: what a perfect regression of the
    unpredictable would say.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.features = Features(corpus)

    def respond(
        self, speaker: Clip, emotion: Emotion = None, *, generator: torch.Generator
    ) -> Motion:
        return self.features.listener(torch.zeros(len(speaker), self.features.width))


class RandomListener:
    """Random training listeners with a little Gaussian noise (0.05 standard deviations), whoever
    speaks.
    """

    noise = 0.05

    def __init__(self, corpus: Corpus) -> None:
        self.corpus, self.features = corpus, Features(corpus)
        self.pairs = list(corpus.pairs("train").itertuples())

    def respond(
        self, speaker: Clip, emotion: Emotion = None, *, generator: torch.Generator
    ) -> Motion:
        rng, pieces, missing = rng_of(generator), [], len(speaker)
        while missing > 0:
            piece = self.corpus.listener(self.pairs[rng.integers(len(self.pairs))])[:missing]
            pieces.append(piece)
            missing -= len(piece)
        motion = joined(pieces)
        beta, pose = (
            (x + rng.standard_normal(x.shape) * (s.numpy() * self.noise)).astype(np.float32)
            for x, (_, s) in (
                (motion.beta, self.features.moments("beta")),
                (motion.pose, self.features.moments("pose")),
            )
        )
        return Motion(beta=beta, pose=pose, blink=motion.blink, valid=motion.valid)


class Found(NamedTuple):
    """Where a piece of the answer lies: corpus frames of the nearest speaker and of its listener,
    and how many.
    """

    speaker: int
    listener: int
    frames: int


class Neighbours:
    """Exact nearest training segments of speakers, by motion or by sound.

    Args:
        corpus: with a "train" split. by: "motion" (β and pose) or "audio" (MFCC), both
            standardised.
    """

    def __init__(self, corpus: Corpus, by: Literal["motion", "audio"]) -> None:
        from sklearn.neighbors import NearestNeighbors

        self.corpus, self.by, self.features = corpus, by, Features(corpus)
        pairs = corpus.pairs("train")
        places = [np.arange(0, max(length - SEGMENT, 0) + 1, STRIDE) for length in pairs["length"]]
        owner = np.repeat(np.arange(len(pairs)), [len(p) for p in places])
        start = np.concatenate(places)
        self.speaker, self.listener = (
            pairs[f"{who}_offset"].to_numpy()[owner] + start for who in ("speaker", "listener")
        )
        self.length = np.minimum(pairs["length"].to_numpy()[owner] - start, SEGMENT)
        whole = self.length == SEGMENT
        if not whole.any():
            raise ElpError(
                f"{corpus.folder}: no training pair of {SEGMENT} frames to retrieve from: "
                "take longer clips, or leave this row out"
            )
        self.speaker, self.listener = self.speaker[whole], self.listener[whole]
        frames = self.speaker[:, None] + np.arange(0, SEGMENT, THIN)
        series = corpus.mfcc if by == "audio" else np.concatenate([corpus.beta, corpus.pose], 1)
        self.index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(
            self._scaled(np.asarray(series)[frames])
        )

    def _scaled(self, x: NDArray) -> NDArray[np.float32]:
        names = ("mfcc",) if self.by == "audio" else ("beta", "pose")
        moments = zip(*(self.features.moments(name) for name in names), strict=True)
        mean, std = (torch.cat(part).numpy() for part in moments)
        return np.nan_to_num((x.astype(np.float32) - mean) / std).reshape(len(x), -1)

    def find(self, speaker: Clip) -> list[Found]:
        """The nearest training segment for each 2 s of a speaker of any length; the last one
        overlaps what came before.
        """
        series = (
            speaker.mfcc
            if self.by == "audio"
            else np.concatenate([speaker.motion.beta, speaker.motion.pose], 1)
        )
        if len(series) < SEGMENT:
            series = np.pad(series, ((0, SEGMENT - len(series)), (0, 0)), mode="edge")
        starts = np.arange(0, len(speaker), SEGMENT)
        queries = np.minimum(starts, len(series) - SEGMENT)
        nearest = self.index.kneighbors(
            self._scaled(series[queries[:, None] + np.arange(0, SEGMENT, THIN)]),
            return_distance=False,
        )[:, 0]
        found = []
        for start, query, k in zip(starts, queries, nearest, strict=True):
            skip, frames = int(start - query), min(SEGMENT, len(speaker) - int(start))
            found.append(Found(int(self.speaker[k]) + skip, int(self.listener[k]) + skip, frames))
        return found


class NearestNeighbour:
    """NN-motion, NN-audio: the answer is what the nearest training speaker's listener did."""

    def __init__(self, corpus: Corpus, by: Literal["motion", "audio"]) -> None:
        self.corpus, self.neighbours = corpus, Neighbours(corpus, by)

    def respond(
        self, speaker: Clip, emotion: Emotion = None, *, generator: torch.Generator
    ) -> Motion:
        return joined(
            [self.corpus.motion(f.listener, f.frames) for f in self.neighbours.find(speaker)]
        )


class RetrievedSpeaker:
    """NN-motion or NN-audio in a learned space (Table 2): the model answers the nearest training
    speaker instead of this one.
    """

    def __init__(self, corpus: Corpus, by: Literal["motion", "audio"], model: Responder) -> None:
        self.corpus, self.neighbours, self.model = corpus, Neighbours(corpus, by), model

    def respond(
        self, speaker: Clip, emotion: Emotion = None, *, generator: torch.Generator
    ) -> Motion:
        found = self.neighbours.find(speaker)
        motion = joined([self.corpus.motion(f.speaker, f.frames) for f in found])
        frames = np.concatenate([np.arange(f.speaker, f.speaker + f.frames) for f in found])
        prosody = self.corpus.prosody
        clip = Clip(
            motion=motion,
            mfcc=self.corpus.mfcc[frames],
            prosody=None if prosody is None else prosody[frames],
        )
        return self.model.respond(clip, emotion, generator=generator)
