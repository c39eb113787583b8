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
from elp.model.standard import Standardiser
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
        events = Events(config.events, len(config.emotions), config.beta)
    pairs = corpus.pairs("train")
    found = [motion for _, motion in listeners(corpus, pairs)]
    standard = Standardiser(corpus.stats)
    (faces, rests), (beta, pose) = (
        [torch.from_numpy(np.stack(x)) for x in zip(*map(of, found), strict=True)]
        for of in (_lasting, _first)
    )
    faces, beta = (standard.standardise("beta", x) for x in (faces, beta))
    events.traits.calibrate(faces, rests, mixtures(corpus, pairs), beta=beta, pose=pose)
    poses = [centred(motion) for motion in found]
    position, velocity = (
        torch.from_numpy(np.concatenate(x)) for x in (poses, [np.diff(p, axis=0) for p in poses])
    )
    events.calibrate(position, velocity)
    return events.to(device)


def own_of_listeners(corpus: Corpus, pairs: pd.DataFrame, events: Events) -> Tensor:
    """What an encoder is told of each listener's own head and lids and of what lasts, (F, 13 + K)
    in half precision.
    """
    device, standard = events.edges.device, Standardiser(corpus.stats)
    own = torch.zeros(len(corpus.blink), OWN + events.traits.count, dtype=torch.half, device=device)
    told = zip(listeners(corpus, pairs), mixtures(corpus, pairs).to(device), strict=True)
    for (at, motion), e in told:
        face = standard.standardise("beta", torch.from_numpy(_lasting(motion)[0])).to(device)
        pose, blink = (torch.tensor(x, device=device) for x in (centred(motion), motion.blink))
        own[at] = events.own_of(pose, blink, events.traits.of(face, e)).half()
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
    return (motion.pose - _lasting(motion)[1]).astype(np.float32)


def mixtures(corpus: Corpus, pairs: pd.DataFrame) -> Tensor:
    """Each listener's emotion, one-hot; where it is unknown, every one a little: (C, N)."""
    emotion, n = torch.tensor(pairs["emotion"].to_numpy(np.int64)), len(corpus.emotions)
    e = torch.eye(n + 1)[emotion.where(emotion >= 0, n), :n]
    return e + (1 - e.sum(-1, keepdim=True)) / n


def _first(motion: Motion) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The first seen frame's face (D,) and head (6,); zeros where none is."""
    seen = np.flatnonzero(motion.valid)[:1]
    return motion.beta[seen].sum(0), motion.pose[seen].sum(0)


def _lasting(motion: Motion) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean face (D,) and rest of the head (6,) over the seen frames; zeros where none is."""
    seen = motion.valid if motion.valid.any() else slice(0)
    beta, pose = motion.beta[seen], motion.pose[seen]
    if not len(beta):
        return np.zeros(motion.beta.shape[1], np.float32), np.zeros(pose.shape[1], np.float32)
    return beta.mean(0).astype(np.float32), np.median(pose, axis=0).astype(np.float32)
