"""Training steps a second on several devices: run once for each number of processes, all into one
file.

    for n in 1 2; do torchrun --nproc_per_node $n benchmarks/scaling.py CORPUS -o
    book/results/training_scaling.json; done

Each row is the recipe's own step, captured where there is CUDA; the processes share its batch, or
(weak scaling) take one each.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from elp.corpus.format import Corpus
from elp.records import run_card, write_json
from elp.training import recipes
from elp.training.distributed import Group
from elp.training.trainer import Trainer


def milliseconds(recipe: recipes.Recipe, corpus: Corpus, group: Group, steps: int) -> float:
    """A step's time once it runs smoothly."""
    trainer = Trainer(recipe, corpus, group.device, group)
    wait = torch.cuda.synchronize if group.device.type == "cuda" else torch.cpu.synchronize
    if group.device.type == "cuda":
        trainer.capture()
    for _ in range(max(2, steps // 10)):
        trainer.advance()
    wait()
    start = time.perf_counter()
    for _ in range(steps):
        trainer.advance()
    wait()
    return (time.perf_counter() - start) / steps * 1000


def main(
    corpus: Path,
    output: Annotated[Path, typer.Option("-o")],
    names: Annotated[list[str] | None, typer.Argument()] = None,
    steps: int = 300,
    device: str | None = None,
) -> None:
    started, opened = time.time(), Corpus.open(corpus)
    with Group.join(device) as group:
        rows: dict[str, dict[str, float]] = {}
        for recipe in map(recipes.get, names or ["vico", "l2l"]):
            for kind, batch in (("shared", recipe.batch), ("each", recipe.batch * group.size)):
                if kind == "shared" or group.size > 1:
                    ms = milliseconds(replace(recipe, batch=batch), opened, group, steps)
                    rows[f"{recipe.name}, batch {batch}"] = {
                        "ms": round(ms, 3),
                        "clips_per_second": round(batch / ms * 1000),
                    }
        if group.rank == 0:
            found: dict[str, Any] = (
                json.loads(output.read_text())["processes"] if output.exists() else {}
            )
            name = (
                torch.cuda.get_device_name(group.device) if group.device.type == "cuda" else "cpu"
            )
            write_json(
                output,
                run_card(seed=0, device=name, started=started)
                | {"processes": found | {str(group.size): rows}},
            )
            print(group.size, rows, flush=True)


if __name__ == "__main__":
    typer.run(main)
