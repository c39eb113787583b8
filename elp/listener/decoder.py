"""From codes to motion, the one way: D1 and D2 in the corpus's units, of a whole clip, in pieces,
or as a stream (chapter "Training").
"""

# T frame, D coefficient, H head, N emotion
from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from elp.errors import ElpError
from elp.model.ase import ASE
from elp.model.events import Past
from elp.model.layers import State
from elp.motion import Motion

CHUNK = 250  # frames at once: ten seconds


class Decoded(NamedTuple):
    """β (1, T, D), p (1, T, 6) in corpus units and the probability of shut eyes (1, T)."""

    beta: Tensor
    pose: Tensor
    blink: Tensor

    def with_events(self, drawn: Past, rest: Tensor) -> Decoded:
        """The same with the head and the lids that event heads drew, (1, T, ...) each; `rest` (6,)
        is where the head rests.
        """
        return self._replace(pose=drawn.position + rest, blink=drawn.shut[..., 0])

    def motion(self, uniform: Tensor) -> Motion:
        """The motion, of which uniform numbers (1, T) decide the blinks.

        D2's probability rarely passes one half: a threshold would leave the eyes open for ever.
        """
        beta, pose, probability = (x.cpu().numpy()[0] for x in self)
        return Motion(beta=beta, pose=pose, blink=uniform.numpy()[0] < probability)


class Decoder(nn.Module):
    """Codes and an emotion -> motion in the corpus's units.

    Args:
        model: trained. heads: how many of its heads to read, where it was trained with nested ones;
            all by default.

    Raises:
        ElpError: the model has not as many heads.
    """

    def __init__(self, model: ASE, heads: int | None = None) -> None:
        super().__init__()
        most = model.config.heads
        if heads is not None and not 1 <= heads <= most:
            raise ElpError(
                f"{heads} heads asked for, the model has {most}: choose between 1 and {most}"
            )
        self.model, self.heads = model, heads

    def forward(self, codes: Tensor, e: Tensor) -> Decoded:
        """A whole clip in one pass: categories (1, T, H) in [0, V) and e (1, T, N), rows summing to
        1.
        """
        return self.piece(codes, e, None)

    def in_pieces(self, codes: Tensor, e: Tensor) -> Decoded:
        """A clip of any length, with the result of one pass."""
        state: State = {}
        reach = 0 if self.model.config.causal else self.model.blink.reach
        found = [
            self.piece(codes[:, around], e[:, around], state, trim)
            for around, trim in pieces(codes.shape[1], reach)
        ]
        return Decoded(*(torch.cat(part, 1) for part in zip(*found, strict=True)))

    def piece(
        self, codes: Tensor, e: Tensor, state: State | None, trim: slice = slice(None)
    ) -> Decoded:
        """The next piece; `state` carries what the one before left, `trim` drops frames that only
        gave context.
        """
        beta, pose, blink = self.standardised(codes, e, state, trim)
        restore = self.model.restore
        return Decoded(restore("beta", beta), restore("pose", pose), blink.sigmoid())

    def standardised(
        self,
        codes: Tensor,
        e: Tensor,
        state: State | None = None,
        trim: slice = slice(None),
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same of B clips as the losses see it: β (B, T, D) and p (B, T, 6) standardised, blink
        logit (B, T).
        """
        heads = None if self.heads is None else torch.tensor([self.heads], device=codes.device)
        return self.model.decode(self.model.image_of(codes, e, heads), state, trim)


def pieces(frames: int, reach: int) -> Iterator[tuple[slice, slice]]:
    """Cuts of `CHUNK` frames with `reach` more on either side, and where the piece itself lies in
    each.
    """
    for start in range(0, frames, CHUNK):
        stop = min(start + CHUNK, frames)
        first, last = max(0, start - reach), min(frames, stop + reach)
        yield slice(first, last), slice(start - first, stop - first)
