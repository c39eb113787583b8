"""A loop that knows nothing of the model: draw windows, descend, and on CUDA replay the whole step
as one graph.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from elp.baselines.features import Batch, Windows
from elp.errors import ElpError

LOOK = 100  # steps between two looks at the loss


class Fit:
    """AdamW on a model's loss, a step at a time, so that several runs can share one device.

    Args:
        model: on the windows' device. loss: of one batch, a scalar. windows: gives batches.
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
        schedule: Callable[[int], float] = lambda step: 1.0,
        seed: int = 0,
        half: bool = False,
    ) -> None:
        device = windows.edges.device
        cuda = device.type == "cuda"
        self.half = half and cuda
        self.model, self.loss, self.windows, self.steps, self.batch = (
            model.train(),
            loss,
            windows,
            steps,
            batch,
        )
        self.lr, self.schedule = lr, schedule
        self.generator = torch.Generator(device).manual_seed(seed)
        if not cuda:
            # dropout inside torch's own layers draws from the global generator
            torch.manual_seed(seed)
        self.rate = torch.tensor(lr, device=device)
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=self.rate, weight_decay=weight_decay, capturable=cuda, fused=True
        )
        self.total = torch.zeros((), device=device)
        self.done, self.looked = 0, 0
        self.curve: list[float] = []
        self.run: Callable[[], None] = self._captured() if cuda else self._step

    def _step(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=self.half):
            value = self.loss(self.windows.draw(self.batch, self.generator))
        value.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, foreach=True)
        self.optimizer.step()
        self.total.add_(value.detach())

    def _captured(self) -> Callable[[], None]:
        """Three steps to warm up, then the step as a CUDA graph: these models are thousands of tiny
        kernels.

        The graph has a stream of its own, and with it cuBLAS's workspace, and its own state of the
        global generator, which draws the dropout: runs may be replayed side by side.
        """
        side, drawn = (
            torch.cuda.Stream(),
            torch.Generator(self.rate.device).manual_seed(self.generator.initial_seed()),
        )
        side.wait_stream(torch.cuda.current_stream())
        everybodys = torch.cuda.default_generators[self.rate.device.index]
        before = everybodys.graphsafe_get_state()
        everybodys.graphsafe_set_state(drawn)
        try:
            with torch.cuda.stream(side):
                for _ in range(3):
                    self._step()
            torch.cuda.current_stream().wait_stream(side)
            self.done = self.looked = 3
            self.optimizer.zero_grad(set_to_none=True)
            self.total.zero_()
            graph = torch.cuda.CUDAGraph()
            graph.register_generator_state(self.generator)
            with torch.cuda.graph(graph, stream=side):
                self._step()
        finally:
            everybodys.graphsafe_set_state(before)
        return graph.replay

    def advance(self) -> None:
        """One step; raises ElpError at a look that finds the loss not finite."""
        self.rate.fill_(self.lr * self.schedule(self.done))
        self.run()
        self.done += 1
        if self.done % LOOK == 0 or self.done == self.steps:
            value = float(self.total) / (self.done - self.looked)
            if not value < float("inf"):
                name = type(self.model).__name__
                raise ElpError(
                    f"{name}: the loss is not finite at step {self.done}: lower the learning rate or check the data"
                )
            self.curve.append(round(value, 6))
            self.looked = self.done
            self.total.zero_()
        if self.done >= self.steps:
            self.model.eval()


def finish(fit: Fit, *, progress: bool = False) -> list[float]:
    """Run a fit to its end; its loss curve."""
    from tqdm import tqdm

    for _ in tqdm(range(fit.done, fit.steps), desc=type(fit.model).__name__, disable=not progress):
        fit.advance()
    return fit.curve
