"""A corpus's listeners as event heads see them (chapter "Training")."""

# F frame of the corpus, T frame of a conversation
from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.model.config import ASEConfig
from elp.model.events import OWN, Events
from elp.motion import Motion


def calibrated(config: ASEConfig, corpus: Corpus, seed: int, device: str | torch.device) -> Events:
    """Untrained event heads that know how fast and how far the corpus's training listeners move;
    `seed` is that of their parameters.

    Raises:
        ElpError: the configuration has none.
    """
    if config.events is None:
        raise ElpError("this model has no event heads: train recipe 'listener'")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        events = Events(config.events, len(config.emotions))
    poses = [centred(motion) for _, motion in listeners(corpus, corpus.pairs("train"))]
    position, velocity = (
        torch.from_numpy(np.concatenate(x)) for x in (poses, [np.diff(p, axis=0) for p in poses])
    )
    events.calibrate(position, velocity)
    return events.to(device)


def own_of_listeners(corpus: Corpus, pairs: pd.DataFrame, events: Events) -> Tensor:
    """What an encoder is told of each listener's own head and lids, (F, 13) in half precision."""
    device = events.edges.device
    own = torch.zeros(len(corpus.blink), OWN, dtype=torch.half, device=device)
    for at, motion in listeners(corpus, pairs):
        pose, blink = (torch.tensor(x, device=device) for x in (centred(motion), motion.blink))
        own[at] = events.own_of(pose, blink).half()
    return own


def listeners(corpus: Corpus, pairs: pd.DataFrame) -> list[tuple[slice, Motion]]:
    """The corpus's frames of each pair's listener, and the motion in them."""
    found = []
    for pair in pairs.itertuples():
        offset, length = int(pair.listener_offset), int(pair.length)
        found.append((slice(offset, offset + length), corpus.motion(offset, length)))
    return found


def centred(motion: Motion) -> NDArray[np.float32]:
    """The head counted from its rest, the median of the seen frames: (T, 6)."""
    if not motion.valid.any():
        return np.zeros_like(motion.pose)
    rest = np.median(motion.pose[motion.valid], axis=0)
    return (motion.pose - rest).astype(np.float32)
