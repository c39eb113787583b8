"""What the baselines see of a corpus: standardised motion and sound, and blinks read off the
expression.
"""

# B clip, T frame, F frame of the corpus, D expression coefficient, M = D + 6 motion, N emotion
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from elp.errors import ElpError
from elp.listener.responder import Emotion
from elp.motion import POSE, Clip, Motion

if TYPE_CHECKING:
    from elp.corpus import Corpus


class Features(nn.Module):
    """Corpus units <-> standardised (., M) motion and (., 29) sound; blinks from β for methods that
    predict none.

    The blink of a frame is read by a least-squares line through (β, φ) of the training listeners,
    cut halfway between the mean of open and of shut frames, so a method that moves the eyelids gets
    its blinks whatever the corpus calls its coefficients.
    """

    motion_mean: Tensor
    motion_std: Tensor
    mfcc_mean: Tensor
    mfcc_std: Tensor
    eyelid: Tensor

    def __init__(self, corpus: Corpus) -> None:
        super().__init__()
        self.emotions = tuple(corpus.emotions)
        stats = corpus.stats
        for part, names in (("motion", ("beta", "pose")), ("mfcc", ("mfcc",))):
            for i, moment in enumerate(("mean", "std")):
                value = np.concatenate([np.asarray(stats[name][i], np.float32) for name in names])
                self.register_buffer(f"{part}_{moment}", torch.from_numpy(value))
        self.register_buffer("eyelid", torch.from_numpy(_eyelid(corpus)))

    @property
    def width(self) -> int:
        """M, the number of motion coefficients."""
        return len(self.motion_mean)

    def motion(self, beta: Tensor, pose: Tensor) -> Tensor:
        """β (..., D) and p (..., 6) -> standardised (..., M) on this module's device."""
        x = torch.cat([beta, pose], -1).to(self.motion_mean)
        return (x - self.motion_mean) / self.motion_std.clamp_min(1e-6)

    def sound(self, mfcc: Tensor) -> Tensor:
        """(..., 29) -> standardised."""
        return (mfcc.to(self.mfcc_mean) - self.mfcc_mean) / self.mfcc_std.clamp_min(1e-6)

    def speaker(self, clip: Clip) -> Tensor:
        """(T, M + 29) standardised motion and sound; unseen frames are the mean face."""
        m = clip.motion
        motion = self.motion(torch.tensor(m.beta), torch.tensor(m.pose))
        seen = torch.tensor(m.valid).to(motion.device)[:, None]
        return torch.cat([torch.where(seen, motion, 0), self.sound(torch.tensor(clip.mfcc))], -1)

    def listener(self, x: Tensor, blink: Tensor | None = None) -> Motion:
        """Standardised (T, M) -> Motion; blinks are read off β when not given."""
        x = x.float() * self.motion_std + self.motion_mean
        beta, pose = x[:, :-POSE], x[:, -POSE:]
        if blink is None:
            blink = beta @ self.eyelid[:-1] + self.eyelid[-1] > 0
        return Motion(
            beta=beta.cpu().numpy(),
            pose=pose.cpu().numpy(),
            blink=blink.cpu().numpy().astype(np.uint8),
        )


def weights_of(emotion: Emotion, emotions: Sequence[str]) -> Tensor:
    """(N,) weights of a named emotion, of given weights, or (None) all alike; raises ElpError for
    what the corpus does not know.
    """
    if emotion is None:
        return torch.full((len(emotions),), 1 / len(emotions))
    if isinstance(emotion, str):
        if emotion not in emotions:
            raise ElpError(f"unknown emotion {emotion!r}: choose one of {', '.join(emotions)}")
        return torch.eye(len(emotions))[list(emotions).index(emotion)]
    if len(emotion) != len(emotions):
        raise ElpError(
            f"{len(emotion)} emotion weights, this corpus has {len(emotions)} emotions: {', '.join(emotions)}"
        )
    return torch.tensor(emotion, dtype=torch.float32)


def _eyelid(corpus: Corpus, most: int = 50_000) -> np.ndarray:
    """(D + 1,) weights and offset whose sign tells shut from open."""
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
    weights = np.linalg.lstsq(x, blink.astype(np.float64), rcond=1e-6)[0]
    score = x @ weights
    weights[-1] -= (score[blink].mean() + score[~blink].mean()) / 2
    return weights.astype(np.float32)


class Batch(NamedTuple):
    """speaker (B, T, M + 29) and listener (B, T, M) standardised, valid (B, T) bool, e (B, N)."""

    speaker: Tensor
    listener: Tensor
    valid: Tensor
    e: Tensor


class Windows:
    """Random windows of a split's pairs, cut on the device.

    Args:
        corpus: opened. features: on the device to use. frames: T. split: "train", "val" or "test".

    Raises:
        ElpError: no pair is `frames` long.
    """

    def __init__(
        self, corpus: Corpus, features: Features, frames: int, split: str = "train"
    ) -> None:
        pairs = corpus.pairs(split)
        pairs = pairs[pairs["length"] >= frames]
        if pairs.empty:
            raise ElpError(
                f"{corpus.folder}: no pair of the {split} split has {frames} frames: take another corpus"
            )
        device = features.motion_mean.device
        put = lambda x: torch.from_numpy(np.array(x)).to(device)  # noqa: E731
        self.valid = put(corpus.valid)
        motion = features.motion(put(corpus.beta).float(), put(corpus.pose).float())
        self.motion = torch.where(self.valid[:, None], motion, 0)
        self.sound = features.sound(put(corpus.mfcc).float())
        n = len(features.emotions)
        known = put(pairs["emotion"].to_numpy(np.int64))
        self.e = torch.cat([torch.eye(n), torch.full((1, n), 1 / n)]).to(device)[
            known.where(known >= 0, n)
        ]
        self.speaker, self.listener = (
            put(pairs[f"{who}_offset"].to_numpy(np.int64)) for who in ("speaker", "listener")
        )
        self.places = put(pairs["length"].to_numpy(np.int64)) - frames + 1
        self.edges = self.places.double().cumsum(0)
        self.steps = torch.arange(frames, device=device)

    def draw(self, count: int, generator: torch.Generator) -> Batch:
        """`count` windows, uniform over all positions; `generator` lives on the device."""
        r = torch.rand(2, count, generator=generator, device=self.edges.device, dtype=torch.double)
        row = torch.searchsorted(self.edges, r[0] * self.edges[-1]).clamp_max(len(self.edges) - 1)
        start = (r[1] * self.places[row]).long()
        at, to = (
            (offset[row] + start)[:, None] + self.steps for offset in (self.speaker, self.listener)
        )
        return Batch(
            torch.cat([self.motion[at], self.sound[at]], -1),
            self.motion[to],
            self.valid[to],
            self.e[row],
        )
