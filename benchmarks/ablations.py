"""What each option of the paper does to training: short runs of recipe `small`, several seeds.

    python benchmarks/ablations.py CORPUS -o book/results/training_ablations.json

Runs until `--limit` seconds have passed; every finished run is in the result file, in the order of JOBS.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from elp import recipes
from elp.corpus.format import Corpus
from elp.files import run_card, write_json
from elp.losses import LossWeights
from elp.recipes import Recipe
from elp.train import LOG_EVERY, TERMS, Trainer, validate

SPACES: dict[str, dict[str, Any]] = {"U": {}, "V": {"space": "V"}, "V+e": {"space": "V+e"}, "value": {"coding": "value"}}
OPTIONS: dict[str, dict[str, Any]] = {
    "nested": {"nested": True}, "clip": {"window": "clip"}, "causal": {"causal": True}, "tau .5": {"tau": 0.5}, "tau 2": {"tau": 2.0},
    **{f"H={h}": {"heads": h} for h in (1, 4, 16, 128, 256)},
}  # fmt: skip
TERMS_OFF = {f"no {name}": LossWeights(**{name: 0.0}) for name in ("motion", "blink", "emotion", "smooth")}


def jobs(seeds: int, steps: int) -> list[Recipe]:
    """The runs, the most important first."""
    base = replace(recipes.small(), steps=steps)
    runs = [replace(recipes.variant(base, name, **options), seed=seed) for name, options in SPACES.items() for seed in range(seeds)]
    runs += [replace(base, name=name, weights=weights) for name, weights in TERMS_OFF.items()]
    runs.append(replace(base, name="sum", weights=LossWeights(reduction="sum")))
    return runs + [replace(recipes.variant(base, name, **options), seed=seed) for name, options in OPTIONS.items() for seed in range(seeds)]


def run(recipe: Recipe, corpus: Corpus, device: torch.device) -> dict[str, Any]:
    trainer = Trainer(recipe, corpus, device)
    if device.type == "cuda":
        trainer.capture()
    curves, started = [], time.perf_counter()
    every = min(LOG_EVERY, max(1, recipe.steps // 10))
    for step in range(1, recipe.steps + 1):
        trainer.advance()
        if step % every == 0:
            curves.append(trainer.log[torch.arange(step - every, step) % LOG_EVERY].mean(0).tolist())
    seconds = time.perf_counter() - started
    return {
        "name": recipe.name, "seed": recipe.seed, "steps": recipe.steps, "every": every, "ms": round(seconds / recipe.steps * 1000, 3),
        "final": {term: round(x, 4) for term, x in zip(TERMS, curves[-1], strict=True)},
        "curves": {term: [round(row[k], 4) for row in curves] for k, term in enumerate(TERMS)} if recipe.seed == 0 else None,
        "validation": validate(trainer.model, corpus, trainer.recipe),
    }  # fmt: skip


def main(
    corpus: Path, output: Annotated[Path, typer.Option("-o")], seeds: int = 3, steps: int = 1500, limit: float = 600, device: str = "cuda"
) -> None:
    started, opened, runs = time.time(), Corpus.open(corpus), []
    name = torch.cuda.get_device_name() if device == "cuda" else device
    for recipe in jobs(seeds, steps):
        if time.time() - started > limit:
            print(f"out of time before {recipe.name}, seed {recipe.seed}")
            break
        runs.append(run(recipe, opened, torch.device(device)))
        print(recipe.name, recipe.seed, runs[-1]["validation"], flush=True)
        card = run_card(seed=None, device=name, started=started) | {"corpus": opened.card["name"], "simulator": opened.card.get("version")}
        write_json(output, card | {"runs": runs})


if __name__ == "__main__":
    typer.run(main)
