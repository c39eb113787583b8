"""CUDA streams for what runs beside the long chain of a training step (chapter "Training")."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor


class Streams:
    """Streams of one training. Steps captured on the same streams would share cuBLAS's workspace,
    and could not be replayed beside each other.

    PyTorch has 32 streams of a priority and gives them out in turn: more than five trainings beside
    each other would share them again.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._branch = torch.cuda.Stream(device)
        self._gradients = itertools.cycle([torch.cuda.Stream(device) for _ in range(3)])

    @contextlib.contextmanager
    def branch(self) -> Iterator[Callable[[], None]]:
        """Run the block of a forward pass beside what follows it, until the caller calls what this
        yields.

        The long chain of small LSTM kernels leaves most of the chip idle; the emotion branch and D1
        fit beside it, and autograd runs their gradients on the same stream.
        """
        main, side = torch.cuda.current_stream(self.device), self._branch
        side.wait_stream(main)
        with torch.cuda.stream(side):
            yield lambda: main.wait_stream(side)

    @contextlib.contextmanager
    def gradients(self, *used: Tensor) -> Iterator[None]:
        """Within a backward pass: what is computed here runs on a stream of its own, and is there
        when the pass ends. `used` are the tensors that the block reads.

        The chain from the loss to the first layer needs no gradient of any parameter.
        """
        side = next(self._gradients)
        side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(side):
            yield
        for x in used:
            x.record_stream(side)

        def join() -> None:
            torch.cuda.current_stream(self.device).wait_stream(side)

        torch.autograd.Variable._execution_engine.queue_callback(join)
