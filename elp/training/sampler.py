"""A corpus on the device: random clips are drawn, gathered and standardised without leaving it
(chapter "Training").
"""

# F frame of the corpus, B clip, T frame of a clip, N emotion
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.model.config import ASEConfig
from elp.model.events import Events
from elp.model.standard import Standardiser
from elp.model.style import motion_style
from elp.training.listeners import mixtures, own_of_listeners
from elp.training.losses import Target


class Sampler:
    """Random clips of a corpus's split, uniform over all positions, for whatever learns from them.

    Args:
        corpus: opened; its statistics standardise.
        frames: T. shortest: frames that a pair must have at least, T by default; the end of a
            longer clip is not valid then. split: "train", "val" or "test". device: where the corpus
            is to lie.
        balanced: draw every emotion equally often.

    Attributes:
        e: (pairs, N), the listener's emotion as one-hot, 0 everywhere where it is unknown.
        mixture: (pairs, N), the same; where the emotion is unknown, every one a little.

    Raises:
        ElpError: the split has no pair of at least `frames` frames.
    """

    def __init__(
        self,
        corpus: Corpus,
        frames: int,
        *,
        shortest: int | None = None,
        split: str = "train",
        device: str | torch.device = "cpu",
        balanced: bool = False,
    ) -> None:
        pairs, least = corpus.pairs(split), frames if shortest is None else shortest
        pairs = pairs[pairs["length"] >= least]
        if pairs.empty:
            raise ElpError(
                f"{corpus.folder}: no pair of the {split} split has {least} frames: take shorter "
                "clips or another corpus"
            )
        self.corpus, self.pairs, self.device = corpus, pairs, torch.device(device)
        self.standard = Standardiser(corpus.stats).to(self.device)
        self.beta, self.pose, self.mfcc, self.blink, self.valid = (
            self._put(getattr(corpus, name)) for name in ("beta", "pose", "mfcc", "blink", "valid")
        )
        self.speaker, self.listener, length, emotion = (
            self._put(pairs[name].to_numpy(np.int64))
            for name in ("speaker_offset", "listener_offset", "length", "emotion")
        )
        n = len(corpus.emotions)
        unknown = emotion.where(emotion >= 0, n)
        self.e = torch.eye(n + 1, device=self.device)[unknown, :n]
        self.mixture = mixtures(corpus, pairs).to(self.device)
        self.length = length
        # first frames that a clip of a pair may have
        self.places = (length - frames + 1).clamp_min(1)
        odds = self.places.double()
        if balanced:
            odds = odds / odds.new_zeros(n + 1).index_add_(0, unknown, odds)[unknown]
        self.edges = odds.cumsum(0) / odds.sum()
        self.steps = torch.arange(frames, device=self.device)

    def draw(
        self,
        count: int,
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """Pairs and first frames within them: two (B,) int64."""
        options: dict[str, Any] = {
            "generator": generator,
            "device": self.device,
            "dtype": torch.double,
        }
        row = torch.searchsorted(self.edges, torch.rand(count, **options))
        row = row.clamp_max(len(self.edges) - 1)
        return row, (torch.rand(count, **options) * self.places[row]).long()

    def frames(self, offset: Tensor, row: Tensor, start: Tensor) -> Tensor:
        """(B, T) frames of the corpus, of the pairs' `speaker` or `listener`; a pair that ends
        before the clip does stays at its last.
        """
        within = torch.minimum(start[:, None] + self.steps, self.length[row, None] - 1)
        return offset[row, None] + within

    def series(self, name: str, frames: Tensor) -> Tensor:
        """Standardised "beta", "pose" or "mfcc" at corpus frames (B, T).

        Returns:
            (B, T, D) float32.
        """
        rows = getattr(self, name)[frames].float()
        return self.standard.standardise(name, rows)

    def _put(self, x: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.array(x)).to(self.device)


class Batch(NamedTuple):
    """mfcc (B, T, 29) and motion style (B, T, 2 D + 6) of the speaker, e (B, N) for the
    rearrangement, the true listener; with event heads, the listener's own lids and head (B, T, 13).
    """

    mfcc: Tensor
    motion: Tensor
    e: Tensor
    target: Target
    own: Tensor | None = None


class StyleSampler(Sampler):
    """Clips as the Adaptive Space Encoder learns from them.

    The motion part of Eq 1 needs no learning: it is computed once over whole conversations, so that
    a training clip sees the same σ as an endless one at test time; with window "clip" it is
    computed from each training clip, as it must be.

    Args:
        config: of the model: what its style is made of. events: calibrated, where the model has
            event heads. The others: see `Sampler`.

    Attributes:
        importance: (D,) what a squared error of each standardised β coefficient counts, 1 on
            average: its variance, in the corpus's units.
    """

    def __init__(
        self,
        corpus: Corpus,
        config: ASEConfig,
        frames: int,
        *,
        events: Events | None = None,
        **options: Any,
    ) -> None:
        super().__init__(corpus, frames, **options)
        self.config = config
        self.own = None if events is None else own_of_listeners(corpus, self.pairs, events)
        whole = config.causal or config.window != "clip"
        self.style = self._of_conversations() if whole else None
        variance = (self.standard.moments("beta")[1] / self._put(corpus.units)).square()
        self.importance = variance / variance.mean()

    def gather(self, row: Tensor, start: Tensor) -> Batch:
        """The clips themselves, standardised; row and start are (B,) int64."""
        speaker, listener = (self.frames(x, row, start) for x in (self.speaker, self.listener))
        target = Target(
            beta=self.series("beta", listener),
            pose=self.series("pose", listener),
            blink=self.blink[listener],
            e=self.e[row],
            valid=self.valid[listener],
        )
        style = self._of(speaker) if self.style is None else self.style[speaker].float()
        own = None if self.own is None else self.own[listener].float()
        return Batch(self.series("mfcc", speaker), style, self.mixture[row], target, own)

    @torch.no_grad()
    def moments(self, count: int = 1024) -> dict[str, tuple[Tensor, Tensor]]:
        """Mean and standard deviation of the motion "style" over random clips, with event heads of
        what is "own" too: σ of a derivative is twenty times σ of a position.
        """
        generator = torch.Generator(self.device).manual_seed(0)
        batch = self.gather(*self.draw(count, generator))
        series = {"style": batch.motion, "own": batch.own}
        return {
            name: (x.mean((0, 1)).cpu(), x.std((0, 1)).clamp_min(1e-3).cpu())
            for name, x in series.items()
            if x is not None
        }

    def _of_conversations(self) -> Tensor:
        """The motion style of every speaker's frame, (F, 2 D + 6) in half precision."""
        style = torch.zeros(
            len(self.beta), self.config.motion_width, dtype=torch.half, device=self.device
        )
        longest = self.pairs.groupby("speaker_offset")["length"].max()
        for offset, length in longest.items():
            frames = torch.arange(length, device=self.device) + offset
            style[frames] = self._of(frames).half()
        return style

    def _of(self, frames: Tensor) -> Tensor:
        beta, pose, config = self.series("beta", frames), self.series("pose", frames), self.config
        return motion_style(
            beta, pose, config.window, causal=config.causal, raw_motion=config.raw_motion
        )


def prefixes(heads: int, count: int, generator: torch.Generator) -> Tensor:
    """Random prefix lengths 1, 2, 4, ... H, every second clip all H: (B,) int64, for nested
    heads.
    """
    powers = torch.randint(
        0, heads.bit_length() + 1, (count,), generator=generator, device=generator.device
    )
    full = torch.arange(count, device=generator.device) % 2 == 0
    return torch.where(full, heads, (2**powers).clamp_max(heads))
