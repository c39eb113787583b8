"""A training step recorded as one CUDA graph: thousands of small kernels start at once (chapter
"Training").
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import torch

WARM_UP = 3  # steps before the recording: libraries choose their kernels and take their memory


def captured(
    step: Callable[[], None], generator: torch.Generator, clear: Callable[[], None]
) -> Callable[[], None]:
    """Run `step` three times, record it, and return what replays it.

    The graph has a stream of its own, and with it cuBLAS's workspace, and its own state of the
    global generator, from which torch's layers draw their dropout: graphs of several trainings may
    be replayed side by side.

    Args:
        step: a step that reads and writes the same memory each time.
        generator: of its draws, on CUDA; its seed is also that of the dropout.
        clear: called before the recording, to drop the gradients of the warm-up.
    """
    # what waits for the longest chain goes before what runs beside it
    stream = torch.cuda.Stream(generator.device, priority=-1)
    stream.wait_stream(torch.cuda.current_stream())
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    with _own_dropout(generator):
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                step()
        torch.cuda.current_stream().wait_stream(stream)
        clear()
        with torch.cuda.graph(graph, stream=stream):
            step()
    return graph.replay


@contextlib.contextmanager
def _own_dropout(generator: torch.Generator) -> Iterator[None]:
    """Within: the device's global generator has a state of its own."""
    own = torch.Generator(generator.device).manual_seed(generator.initial_seed())
    everybodys = torch.cuda.default_generators[generator.device.index]
    before = everybodys.graphsafe_get_state()
    everybodys.graphsafe_set_state(own)
    try:
        yield
    finally:
        everybodys.graphsafe_set_state(before)
