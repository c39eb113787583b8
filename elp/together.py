"""Several training runs at once on one device (chapter "Training")."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

import torch

from elp.recipes import Recipe
from elp.train import LOG_EVERY, Trainer

if TYPE_CHECKING:
    from pathlib import Path

    from elp.corpus.format import Corpus

T = TypeVar("T")


def together(
    runs: Iterable[Recipe], corpus: Corpus, device: torch.device, finish: Callable[[Trainer], T], *, out: Path, at_once: int = 6
) -> Iterator[T]:
    """Train every recipe and yield what `finish` makes of its trainer, in the order in which they end.

    One run's chain of small LSTM kernels leaves most of a large GPU idle. Each run replays its own graph from a thread and a
    stream of its own; a capture, which borrows the shared second stream, waits until no other is under way.

    Args:
        runs: recipes; the next is asked for when there is room. corpus: opened. device: where; a CPU takes one run after the other.
        finish: called with each trainer at its end.
        out: folder for the batch of a run whose loss is not finite. at_once: runs that share a GPU.

    Raises:
        ElpError: a loss is not finite.
    """
    cuda, alone = device.type == "cuda", threading.Lock()

    def run(recipe: Recipe) -> T:
        with alone:
            trainer = Trainer(recipe, corpus, device)
            if cuda:
                trainer.capture()
                torch.cuda.synchronize()
        with torch.cuda.stream(torch.cuda.Stream() if cuda else None):
            while trainer.done < recipe.steps:
                trainer.advance()
            trainer.check(out, min(recipe.steps, LOG_EVERY))
        with alone:
            return finish(trainer)

    waiting, jobs = iter(runs), set[Future[T]]()
    with ThreadPoolExecutor(limit := at_once if cuda else 1) as pool:
        while True:
            jobs |= {pool.submit(run, recipe) for recipe in itertools.islice(waiting, limit - len(jobs))}
            if not jobs:
                return
            done, jobs = wait(jobs, return_when=FIRST_COMPLETED)
            yield from (job.result() for job in done)
