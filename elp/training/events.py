"""Training of the event heads by likelihood (chapter "Training")."""

# F frame of the corpus, B clip, T frame of a clip, N emotion
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from torch import Tensor, nn

from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.metrics.events import nod_power
from elp.model.events import DRAWS, LID_PAST, POSE_PAST, Events
from elp.motion import Motion
from elp.training.listeners import centred, listeners
from elp.training.loop import Loop
from elp.training.sampler import Sampler

SHORTEST = 50  # frames of a conversation that is worth a clip
AROUND = 4.0  # frames over which the power of a nod is taken
TERMS = ("lids", "pitch", "yaw", "roll", "x", "y", "z", "nodding")  # nats a frame


@dataclass(frozen=True, kw_only=True)
class EventRecipe:
    """How event heads are trained.

    Attributes:
        steps, batch, frames: iterations, clips an iteration, frames a clip: eight seconds, longer
            than what one cue sets off.
        lr, weight_decay, warmup, clip: of AdamW, as in `Recipe`; lr falls along a cosine.
        nodding: weight of the loss on the cues alone. Without it the heads learn from their own
            past and answer half as much.
    """

    steps: int = 3000
    batch: int = 64
    frames: int = 200
    lr: float = 1e-3
    weight_decay: float = 0.02
    warmup: int = 100
    clip: float = 1.0
    nodding: float = 5.0


class EventBatch(NamedTuple):
    """Clips of conversations: the speaker's prosody and blinks (B, T, 9), the listener's past (B,
    T, 27) and codes (B, T, 7), e (B, N), nodding and what counts, both (B, T) bool.
    """

    heard: Tensor
    past: Tensor
    codes: Tensor
    e: Tensor
    nodding: Tensor
    valid: Tensor


class EventSampler(Sampler):
    """Clips as event heads learn from them.

    Args:
        corpus: with prosody. events: calibrated heads, which say what they need to know.
        frames: of a clip; of a shorter conversation the rest is not valid. options: see `Sampler`.

    Attributes:
        nodding: (F,) bool, where a listener nods: the power of pitch between 1 and 4 Hz is above
            the mean over the split. So the label knows no threshold in degrees.

    Raises:
        ElpError: the corpus has no prosody, or no pair is long enough.
    """

    def __init__(self, corpus: Corpus, events: Events, frames: int, **options: Any) -> None:
        super().__init__(corpus, frames, shortest=min(frames, SHORTEST), **options)
        if corpus.prosody is None:
            raise ElpError(
                f"{corpus.folder}: event heads need the prosody of every voice: make the corpus "
                "again, or train a recipe without them"
            )
        self.prosody = self._put(corpus.prosody)
        size, power = len(self.blink), np.zeros(len(self.blink))
        self.past = torch.zeros(size, LID_PAST + POSE_PAST, device=self.device)
        self.codes = torch.zeros(size, DRAWS, dtype=torch.int8, device=self.device)
        for at, motion in listeners(corpus, self.pairs):
            pose, blink = (self._put(x) for x in (centred(motion), motion.blink))
            codes, self.past[at] = events.targets(pose, blink)
            self.codes[at], power[at] = codes.to(torch.int8), _nods(motion)
        self.nodding = self._put(power > power[power > 0].mean() if power.any() else power > 0)

    def gather(self, row: Tensor, start: Tensor) -> EventBatch:
        """The clips themselves; row and start are (B,) int64."""
        speaker, listener = (self.frames(x, row, start) for x in (self.speaker, self.listener))
        blink = self.blink[speaker][..., None].float()
        inside = start[:, None] + self.steps < self.length[row, None]
        return EventBatch(
            heard=torch.cat([self.prosody[speaker].float(), blink], -1),
            past=self.past[listener],
            codes=self.codes[listener].long(),
            e=self.mixture[row],
            nodding=self.nodding[listener],
            valid=self.valid[speaker] & self.valid[listener] & inside,
        )


class EventTrainer(Loop):
    """The event heads of one run and their step.

    Args:
        recipe: how they are trained. events: calibrated, on the device. sampler: of the clips.
        seed: of everything that is drawn. name: of the run, for errors.

    Attributes:
        terms: (8,), the `TERMS` of the last step.
    """

    def __init__(
        self, recipe: EventRecipe, events: Events, sampler: EventSampler, *, seed: int, name: str
    ) -> None:
        super().__init__(name, sampler.device, seed * 1009 + 7, recipe.lr)
        self.recipe, self.events, self.sampler = recipe, events.train(), sampler
        self.optimizer = torch.optim.AdamW(
            events.parameters(),
            lr=self.lr,
            weight_decay=recipe.weight_decay,
            fused=True,
            capturable=self.device.type == "cuda",
        )
        self.weights = torch.ones(len(TERMS), device=self.device)
        self.weights[-1] = recipe.nodding
        self.terms = torch.zeros(len(TERMS), device=self.device)

    def step(self) -> None:
        """Draw, predict, learn. No value leaves the device."""
        batch = self.sampler.gather(*self.sampler.draw(self.recipe.batch, self.generator))
        self.clear()
        terms = event_losses(self.events, batch, self.generator)
        (terms * self.weights).sum().backward()
        nn.utils.clip_grad_norm_(self.events.parameters(), self.recipe.clip, foreach=True)
        self.optimizer.step()
        self.terms.copy_(terms.detach())

    def rate(self, done: int) -> float:
        """A linear rise over the warm-up, then a cosine to zero."""
        fall = 0.5 + 0.5 * math.cos(math.pi * done / self.recipe.steps)
        return self.recipe.lr * fall * min(1.0, (done + 1) / max(1, self.recipe.warmup))

    def clear(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)


def event_losses(
    events: Events, batch: EventBatch, generator: torch.Generator | None = None
) -> Tensor:
    """Cross-entropy of the true codes and of nodding, read from the cues alone: the `TERMS`, (8,),
    in nats a frame.
    """
    lids, pose, nodding = events(batch.heard, batch.past, batch.e, batch.codes, generator=generator)
    each = [
        F.cross_entropy(logits.movedim(-1, 1), codes, reduction="none")
        for logits, codes in ((lids, batch.codes[..., :1]), (pose, batch.codes[..., 1:]))
    ]
    label = batch.nodding.to(nodding.dtype)
    each.append(F.binary_cross_entropy_with_logits(nodding, label, reduction="none")[..., None])
    seen = torch.cat(each, -1) * batch.valid[..., None]
    return seen.sum((0, 1)) / batch.valid.sum().clamp_min(1)


@torch.no_grad()
def validate_events(
    events: Events, corpus: Corpus, recipe: EventRecipe, split: str = "val", count: int = 256
) -> dict[str, float]:
    """The `TERMS` on fixed random clips of a split that training never saw."""
    sampler = EventSampler(corpus, events, recipe.frames, split=split, device=events.edges.device)
    generator, training = torch.Generator(sampler.device).manual_seed(0), events.training
    events.eval()
    found = [
        event_losses(events, sampler.gather(*sampler.draw(min(count, 64), generator)))
        for _ in range(0, count, 64)
    ]
    events.train(training)
    return dict(zip(TERMS, torch.stack(found).mean(0).tolist(), strict=True))


def _nods(motion: Motion) -> NDArray[np.float64]:
    """Power of nods around each frame, (T,), 0 in clips too short to tell."""
    power = np.nan_to_num(nod_power([motion.pose[:, 0]], valid=[motion.valid])[0])
    return gaussian_filter1d(power.ravel(), AROUND)
