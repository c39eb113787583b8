"""e', the emotion that the speaker's style suggests, where nobody asked for one (ELP, section
3.3).
"""

# T frame, N emotion
from __future__ import annotations

import torch
from torch import Tensor

from elp.listener.decoder import pieces
from elp.model.ase import ASE
from elp.model.layers import State
from elp.model.space import one_hot
from elp.motion import CLIP

TOGETHER = 5  # clips whose style is made at once


def inferred(model: ASE, mfcc: Tensor, motion: Tensor) -> Tensor:
    """e' as one-hot (1, T, N) from standardised mfcc (1, T, 29) and motion style (1, T, 2 D + 6).

    A causal model infers it from the frames so far; another one from the whole input, by the mean
    over its clips of two seconds.
    """
    if model.config.causal:
        return one_hot(_so_far(model, mfcc, motion))
    mean = _of_clips(model, mfcc, motion).sigmoid().mean(0)
    return one_hot(mean)[:, None].expand(1, motion.shape[1], -1)


def _so_far(model: ASE, mfcc: Tensor, motion: Tensor) -> Tensor:
    """Logits of each frame, (1, T, N)."""
    state: State = {}
    found = []
    for piece, _ in pieces(motion.shape[1], 0):
        style = model.style(mfcc[:, piece], motion[:, piece], state)
        found.append(model.tdnn.so_far(style, state))
    return torch.cat(found, 1)


def _of_clips(model: ASE, mfcc: Tensor, motion: Tensor) -> Tensor:
    """Logits of each clip of two seconds, (clips, 1, N); the last begins where it still fits."""
    frames = motion.shape[1]
    found = []
    for start in range(0, frames, TOGETHER * CLIP):
        stop = min(start + TOGETHER * CLIP, frames)
        first = max(0, min(start, frames - CLIP))
        clips = model.style(mfcc[:, first:stop], motion[:, first:stop]).split(CLIP, 1)
        found += [model.tdnn(x) for x in clips if x.shape[1] == CLIP or frames < CLIP]
    return torch.stack(found)
