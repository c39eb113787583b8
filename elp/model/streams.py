"""CUDA streams for what runs beside the long chain of a training step; each training has its own
(chapter "Training").
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import torch


class Streams:
    """Streams of one training. Steps captured on the same streams would share cuBLAS's workspace,
    and could not be replayed beside each other.

    PyTorch has 32 streams of a priority and gives them out in turn: more than five trainings beside
    each other would share them again.

    Attributes:
        branch: for a branch of the forward pass, and its gradients. weights: for gradients of
            weights, taken in turn.
    """

    def __init__(self, device: torch.device) -> None:
        self.branch = torch.cuda.Stream(device)
        self.weights = itertools.cycle([torch.cuda.Stream(device) for _ in range(3)])


# of the training whose step is under way, one in a process; backward passes run in a thread of
# their own, which no context variable reaches
_used: dict[torch.device, Streams] = {}


def of(device: torch.device) -> Streams:
    """The streams that are in use on a device."""
    if device not in _used:
        _used[device] = Streams(device)
    return _used[device]


@contextlib.contextmanager
def using(streams: Streams | None) -> Iterator[None]:
    """Within: `of` the streams' device gives these. None changes nothing."""
    if streams is None:
        yield
        return
    device = streams.branch.device
    before = of(device)
    _used[device] = streams
    try:
        yield
    finally:
        _used[device] = before
