"""A loop that knows nothing of the model: draw windows, descend, and on CUDA replay the whole step as one graph."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from elp.baselines.features import Batch, Windows
from elp.errors import ElpError

LOOK = 100  # steps between two looks at the loss


def fit(
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
    progress: bool = False,
) -> list[float]:
    """Minimise `loss` over a model's parameters with AdamW.

    Args:
        model: on the windows' device. loss: of one batch, a scalar. windows: gives batches.
        steps, batch: iterations and windows an iteration. lr, weight_decay: of AdamW; schedule: step -> factor on lr.
        seed: of the windows and of the dropout. progress: show a bar on stderr.

    Returns:
        the mean loss of every `LOOK` steps.

    Raises:
        ElpError: the loss is not finite.
    """
    from tqdm import tqdm

    device = windows.edges.device
    cuda = device.type == "cuda"
    generator = torch.Generator(device).manual_seed(seed)
    torch.manual_seed(seed)  # dropout inside torch's own layers draws from the global generator
    rate = torch.tensor(lr, device=device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=weight_decay, capturable=cuda, fused=True)
    total = torch.zeros((), device=device)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        value = loss(windows.draw(batch, generator))
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        optimizer.step()
        total.add_(value.detach())

    model.train()
    run, done = (_captured(step, optimizer, generator), 3) if cuda else (step, 0)
    total.zero_()
    curve: list[float] = []
    for n in tqdm(range(done, steps), desc=type(model).__name__, disable=not progress):
        rate.fill_(lr * schedule(n))
        run()
        if (n + 1) % LOOK == 0 or n + 1 == steps:
            value = float(total) / ((n + 1 - done) if not curve else (n % LOOK + 1))
            if not torch.isfinite(torch.tensor(value)):
                raise ElpError(f"{type(model).__name__}: the loss is not finite at step {n + 1}: lower the learning rate or check the data")
            curve.append(round(value, 6))
            total.zero_()
    model.eval()
    return curve


def _captured(step: Callable[[], None], optimizer: torch.optim.Optimizer, generator: torch.Generator) -> Callable[[], None]:
    """Three steps to warm up, then the step as a CUDA graph: these models are thousands of tiny kernels."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    optimizer.zero_grad(set_to_none=True)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        step()
    return graph.replay
