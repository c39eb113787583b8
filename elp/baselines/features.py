"""What the baselines see of a corpus: standardised motion and sound, and blinks read off the
expression.
"""

# B clip, T frame, F frame of the corpus, D expression coefficient, M = D + 6 motion, N emotion
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from elp.corpus import Corpus
from elp.listener.contract import Emotion, mixture
from elp.model.standard import Standardiser
from elp.motion import MFCC, POSE, Clip, Motion
from elp.training.sampler import Sampler


class Features(Standardiser):
    """Corpus units <-> standardised (., M) motion and (., 29) sound; blinks from β for methods that
    predict none.

    The blink of a frame is read by a least-squares line through (β, φ) of the training listeners,
    cut halfway between the mean of open and of shut frames, so a method that moves the eyelids gets
    its blinks whatever the corpus calls its coefficients.
    """

    eyelid: Tensor

    def __init__(self, corpus: Corpus) -> None:
        super().__init__(corpus.stats)
        self.emotions = tuple(corpus.emotions)
        self.register_buffer("eyelid", torch.from_numpy(_eyelid(corpus)))

    @property
    def device(self) -> torch.device:
        """Where the statistics lie."""
        return self.eyelid.device

    @property
    def width(self) -> int:
        """M, the number of motion coefficients."""
        return len(self.eyelid) - 1 + POSE

    def motion(self, beta: Tensor, pose: Tensor) -> Tensor:
        """β (..., D) and p (..., 6) -> standardised (..., M) on this module's device."""
        beta, pose = (x.to(self.eyelid) for x in (beta, pose))
        return torch.cat([self.standardise("beta", beta), self.standardise("pose", pose)], -1)

    def speaker(self, clip: Clip) -> Tensor:
        """(T, M + 29) standardised motion and sound; unseen frames are the mean face."""
        m = clip.motion
        motion = self.motion(torch.tensor(m.beta), torch.tensor(m.pose))
        seen = torch.tensor(m.valid).to(self.device)[:, None]
        sound = self.standardise("mfcc", torch.tensor(clip.mfcc).to(self.eyelid))
        return torch.cat([torch.where(seen, motion, 0), sound], -1)

    def first_frame(self, motion: Motion) -> Tensor:
        """(M,) the first frame in which somebody is seen, standardised; the mean face where nobody
        is.
        """
        seen = np.flatnonzero(motion.valid)[:1]
        frames = self.motion(torch.tensor(motion.beta[seen]), torch.tensor(motion.pose[seen]))
        return frames.sum(0)

    def listener(self, x: Tensor, blink: Tensor | None = None) -> Motion:
        """Standardised (T, M) -> Motion; blinks are read off β when not given."""
        beta, pose = self.restore("beta", x[:, :-POSE]), self.restore("pose", x[:, -POSE:])
        if blink is None:
            blink = beta @ self.eyelid[:-1] + self.eyelid[-1] > 0
        return Motion(
            beta=beta.cpu().numpy(),
            pose=pose.cpu().numpy(),
            blink=blink.cpu().numpy().astype(np.uint8),
        )

    def mixtures(self, emotions: Sequence[Emotion]) -> Tensor:
        """(B, N) of what is asked for; where it is left open, all emotions alike."""
        even = torch.full((len(self.emotions),), 1 / len(self.emotions))
        asked = [mixture(emotion, self.emotions) for emotion in emotions]
        return torch.stack([even if e is None else e for e in asked]).to(self.device)


def speaker_width(features: Features) -> int:
    """Numbers a frame of `Features.speaker`: M + 29."""
    return features.width + MFCC


class Batch(NamedTuple):
    """speaker (B, T, M + 29) and listener (B, T, M) standardised, valid (B, T) bool, e (B, N)."""

    speaker: Tensor
    listener: Tensor
    valid: Tensor
    e: Tensor


class Windows(Sampler):
    """Random windows as the baselines learn from them: unseen frames are the mean face. Arguments:
    see `Sampler`.

    Everything is standardised once: a step of these small models takes less than a millisecond.
    """

    def __init__(self, corpus: Corpus, frames: int, **options: Any) -> None:
        super().__init__(corpus, frames, **options)
        every = torch.arange(len(self.valid), device=self.device)
        motion = torch.cat([self.series("beta", every), self.series("pose", every)], -1)
        self.motion = torch.where(self.valid[:, None], motion, 0)
        self.sound = self.series("mfcc", every)

    def gather(self, row: Tensor, start: Tensor) -> Batch:
        """The windows themselves, standardised; row and start are (B,) int64."""
        speaker, listener = (self.frames(x, row, start) for x in (self.speaker, self.listener))
        heard = torch.cat([self.motion[speaker], self.sound[speaker]], -1)
        return Batch(heard, self.motion[listener], self.valid[listener], self.mixture[row])


def _eyelid(corpus: Corpus, most: int = 50_000) -> np.ndarray:
    """(D + 1,) slopes and offset whose sign tells shut from open."""
    betas, blinks = [], []
    for pair in corpus.pairs("train").itertuples():
        motion = corpus.listener(pair)
        betas.append(motion.beta[motion.valid])
        blinks.append(motion.blink[motion.valid])
        if sum(map(len, blinks)) > most:
            break
    beta, blink = np.concatenate(betas).astype(np.float64), np.concatenate(blinks).astype(bool)
    if blink.all() or not blink.any():
        return np.array([*np.zeros(beta.shape[1]), -1.0], np.float32)  # nobody blinks here
    x = np.column_stack([beta, np.ones(len(beta))])
    line = np.linalg.lstsq(x, blink.astype(np.float64), rcond=1e-6)[0]
    score = x @ line
    line[-1] -= (score[blink].mean() + score[~blink].mean()) / 2
    return line.astype(np.float32)
