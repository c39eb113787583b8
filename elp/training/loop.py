"""The steps of one training, on any device: the same code on a CPU, on CUDA and inside a CUDA graph
(chapter "Training").
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from elp.errors import ElpError
from elp.training.cuda.graph import captured


class Loop(ABC):
    """What trainings of any model share: a generator, a learning rate on the device, and steps that
    may be recorded.

    Args:
        name: of the run, for errors. device: where. seed: of everything that is drawn.
        lr: learning rate of the steps before a recording.

    Attributes:
        done: steps made. lr: the learning rate of the next step, a scalar on the device.
    """

    def __init__(self, name: str, device: torch.device, seed: int, lr: float) -> None:
        self.name, self.done = name, 0
        self.lr: Tensor = torch.tensor(lr, device=device)
        self.device = self.lr.device  # which of several
        self.generator = torch.Generator(self.device).manual_seed(seed)
        self._replay: Callable[[], None] | None = None

    @abstractmethod
    def step(self) -> None:
        """Draw, predict, learn. No value leaves the device."""

    @abstractmethod
    def rate(self, done: int) -> float:
        """The learning rate after `done` steps."""

    @abstractmethod
    def clear(self) -> None:
        """Drop the gradients."""

    def capture(self) -> None:
        """Make three steps and record the next, which `advance` then replays; needs CUDA."""
        self._replay = captured(self.step, self.generator, self.clear)

    def advance(self) -> None:
        """One step at the schedule's learning rate, replayed where it was recorded."""
        self.lr.fill_(self.rate(self.done))
        if self._replay is None:
            self.step()
        else:
            self._replay()
        self.done += 1

    def require_finite(self, step: int, values: Sequence[float], detail: str = "") -> None:
        """Raises ElpError if one of a step's losses is NaN or infinite."""
        if not all(map(math.isfinite, values)):
            raise ElpError(
                f"{self.name}: training stopped at step {step}: the loss is not finite{detail}: "
                "lower the learning rate or check the data"
            )
