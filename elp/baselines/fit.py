"""The training of a baseline: draw windows, descend, on CUDA replay the whole step as one graph."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from elp.baselines.features import Batch, Windows
from elp.training.cuda.graph import WARM_UP
from elp.training.loop import Loop

LOOK = 100  # steps between two looks at the loss


def constant(step: int) -> float:
    """A learning rate that stays."""
    return 1.0


class Fit(Loop):
    """AdamW on a model's loss, a step at a time, so that several runs can share one device.

    Args:
        model: on the windows' device. loss: of one batch, a scalar. windows: give batches.
        steps, batch: iterations and windows an iteration. lr, weight_decay: of AdamW; schedule:
            step -> factor on lr.
        seed: of the windows and of the dropout. half: bfloat16 on CUDA where torch's autocast
            thinks it safe.

    Attributes:
        done: steps made. curve: the mean loss of every `LOOK` steps.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[Batch], Tensor],
        windows: Windows,
        *,
        steps: int,
        batch: int,
        lr: float,
        weight_decay: float = 0.0,
        schedule: Callable[[int], float] = constant,
        seed: int = 0,
        half: bool = False,
    ) -> None:
        super().__init__(type(model).__name__, windows.device, seed, lr)
        cuda = self.device.type == "cuda"
        self.half = half and cuda
        self.model, self.loss, self.windows = model.train(), loss, windows
        self.steps, self.batch, self.peak, self.schedule = steps, batch, lr, schedule
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=self.lr, weight_decay=weight_decay, capturable=cuda, fused=True
        )
        self.total = torch.zeros((), device=self.device)
        self.looked = 0
        self.curve: list[float] = []
        if cuda:
            self.capture()
            self.done = self.looked = WARM_UP
        else:
            # dropout inside torch's own layers draws from the global generator
            torch.manual_seed(seed)

    def step(self) -> None:
        self.clear()
        with torch.autocast("cuda", torch.bfloat16, enabled=self.half):
            value = self.loss(self.windows.gather(*self.windows.draw(self.batch, self.generator)))
        value.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, foreach=True)
        self.optimizer.step()
        self.total.add_(value.detach())

    def rate(self, done: int) -> float:
        return self.peak * self.schedule(done)

    def clear(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)

    def capture(self) -> None:
        """Make three steps and record the next, whose loss is the first that counts."""
        super().capture()
        self.total.zero_()

    def advance(self) -> None:
        """One step; raises ElpError at a look that finds the loss not finite."""
        super().advance()
        if self.done % LOOK == 0 or self.done == self.steps:
            value = float(self.total) / (self.done - self.looked)
            self.require_finite(self.done, [value])
            self.curve.append(round(value, 6))
            self.looked = self.done
            self.total.zero_()
        if self.done >= self.steps:
            self.model.eval()


def finish(fit: Fit, *, progress: bool = False) -> list[float]:
    """Run a fit to its end; its loss curve."""
    from tqdm import tqdm

    for _ in tqdm(range(fit.done, fit.steps), desc=fit.name, disable=not progress):
        fit.advance()
    return fit.curve
