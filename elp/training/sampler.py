"""A corpus on the device: random clips are drawn, gathered and standardised without leaving it
(chapter "Training").
"""

# F frame of the corpus, B clip, T frame of a clip, N emotion
from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from elp.errors import ElpError
from elp.model.ase import ASE
from elp.training.losses import Target

if TYPE_CHECKING:
    import pandas as pd

    from elp.corpus.format import Corpus


class Batch(NamedTuple):
    """mfcc (B, T, 29) and motion style (B, T, 2 D + 6) of the speaker, e (B, N) for the
    rearrangement, the true listener.
    """

    mfcc: Tensor
    motion: Tensor
    e: Tensor
    target: Target


class Batches:
    """Random clips of a corpus's split, on the model's device.

    The motion part of Eq 1 needs no learning: it is computed once over whole conversations, so that
    a training clip sees the same σ as an endless one at test time; with window "clip" it is
    computed from each training clip, as it must be.

    `weight` (D,) is what a squared error of each standardised β coefficient counts, 1 on average:
    its variance, in the corpus's units.

    Args:
        corpus: opened. model: tells device, options and statistics. split: "train", "val", "test".
        frames: T. balanced: every emotion equally often.

    Raises:
        ElpError: the split has no pair of at least `frames` frames.
    """

    def __init__(
        self, corpus: Corpus, model: ASE, split: str, frames: int, *, balanced: bool = False
    ) -> None:
        pairs = corpus.pairs(split)
        pairs = pairs[pairs["length"] >= frames]
        if not len(pairs):
            raise ElpError(
                f"{corpus.folder}: no pair of the {split} split has {frames} frames: take shorter clips or another corpus"
            )
        self.model, self.frames, self.card = model, frames, corpus.card
        device = model.beta_mean.device
        put = lambda x: torch.from_numpy(np.array(x)).to(device)  # noqa: E731
        self.beta, self.pose, self.mfcc, self.blink, self.valid = (
            put(getattr(corpus, name)) for name in ("beta", "pose", "mfcc", "blink", "valid")
        )
        self.speaker, self.listener, self.length, emotion = (
            put(pairs[name].to_numpy(np.int64))
            for name in ("speaker_offset", "listener_offset", "length", "emotion")
        )
        n = len(model.config.emotions)
        # unknown: all zero
        self.e = torch.eye(n + 1, device=device)[emotion.where(emotion >= 0, n), :n]
        weight = (self.length - frames + 1).double()
        if balanced:
            share = torch.zeros(n + 1, device=device, dtype=torch.double).index_add_(
                0, emotion % (n + 1), weight
            )
            weight = weight / share[emotion % (n + 1)]
        self.edges = weight.cumsum(0) / weight.sum()
        self.style = (
            None
            if model.config.window == "clip" and not model.config.causal
            else self._style(pairs)
        )
        self.steps = torch.arange(frames, device=device)
        size = (model.beta_std / put(corpus.units)).square()
        self.weight = size / size.mean()

    def _style(self, pairs: pd.DataFrame) -> Tensor:
        style = torch.zeros(
            len(self.beta), len(self.model.style_mean), dtype=torch.half, device=self.beta.device
        )
        for offset, length in pairs.groupby("speaker_offset")["length"].max().items():
            cut = slice(int(offset), int(offset) + int(length))
            style[cut] = self._motion(self.beta[cut], self.pose[cut])
        return style

    def _motion(self, beta: Tensor, pose: Tensor) -> Tensor:
        return self.model.motion_style(
            self.model.standardise("beta", beta.float()),
            self.model.standardise("pose", pose.float()),
        )

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pairs and first frames within them, uniform over all positions: two (B,) int64."""
        device = self.edges.device
        row = torch.searchsorted(
            self.edges, torch.rand(count, generator=generator, device=device, dtype=torch.double)
        ).clamp_max(len(self.edges) - 1)
        places = self.length[row] - self.frames + 1
        start = (
            torch.rand(count, generator=generator, device=device, dtype=torch.double) * places
        ).long()
        return row, start

    def gather(self, row: Tensor, start: Tensor) -> Batch:
        """The clips themselves, standardised; row and start are (B,) int64."""
        at, to = (
            (offset[row] + start)[:, None] + self.steps for offset in (self.speaker, self.listener)
        )
        model = self.model
        motion = (
            self._motion(self.beta[at], self.pose[at])
            if self.style is None
            else self.style[at].float()
        )
        e = self.e[row]
        known = e.sum(-1, keepdim=True)
        target = Target(
            beta=model.standardise("beta", self.beta[to].float()),
            pose=model.standardise("pose", self.pose[to].float()),
            blink=self.blink[to],
            e=e,
            valid=self.valid[to],
        )
        mixture = e + (1 - known) / e.shape[-1]  # unknown: every emotion a little
        return Batch(model.standardise("mfcc", self.mfcc[at].float()), motion, mixture, target)

    @staticmethod
    def prefixes(heads: int, count: int, generator: torch.Generator) -> Tensor:
        """Random prefix lengths 1, 2, 4, ... H, every second clip all H: (B,) int64, for nested
        heads.
        """
        powers = torch.randint(
            0, heads.bit_length() + 1, (count,), generator=generator, device=generator.device
        )
        lengths = (2**powers).clamp_max(heads)
        full = torch.arange(count, device=generator.device) % 2 == 0
        return torch.where(full, heads, lengths)
