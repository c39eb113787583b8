"""What each option does to training: runs of recipe `lively`, three seeds, validated and scored on
people not seen in training.

    python experiments/ablations.py CORPUS -o book/results/training_ablations.json [--device cuda:0
    --device cuda:1]

Every finished run is in the result file; those that `--limit` seconds leave no time for are named,
and a second call goes on with them. With `--only NAME` these options alone are run, and take the
place of their rows in the file; the others say in `made` how they came about.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from elp.corpus.format import Corpus
from elp.evaluation.answers import usable
from elp.evaluation.bootstrap import resample
from elp.evaluation.inferred import inferred_emotions
from elp.evaluation.measure import measure
from elp.evaluation.units import units
from elp.listener.responder import ELPResponder
from elp.model import checkpoint
from elp.records import run_card, write_json
from elp.training import recipes
from elp.training.recipes import Recipe
from elp.training.trainer import LOG_EVERY, TERMS, Trainer
from elp.training.validation import validate

OPTIONS: dict[str, dict[str, Any]] = {
    "U": {},
    "V": {"space": "V"},
    "V+e": {"space": "V+e"},
    "Eq 1": {"raw_motion": False},
    "no shortcut": {"shortcut": False},
    "value": {"coding": "value"},
    "no holds": {"holds": (1,)},
    "no noise": {"noise": 0.0, "frame_noise": 0.0},
    "more noise": {"frame_noise": 1.0},
    "nested": {"nested": True},
    "causal": {"causal": True},
    "clip": {"window": "clip"},
    "linear e": {"emotion_branch": "linear"},
    "float32": {},
    "tau .5": {"tau": 0.5},
    "tau 2": {"tau": 2.0},
    **{f"H={h}": {"heads": h} for h in (1, 4, 16, 64, 256)},
    **{f"{space} balanced": {"space": space} for space in "UV"},
}
SCORE = recipes.lively().weights
WEIGHTS = {"Eq 3": replace(SCORE, score="l2"), "two draws": replace(SCORE, draws=2)} | {
    f"no {name}": replace(SCORE, **{name: 0.0}) for name in ("motion", "blink", "emotion", "smooth")
}
DEVICE: torch.device
CORPUS: Corpus
PREFIXES = (1, 4, 16, 64)  # heads of the nested model that are read, beside all
SCORES = (
    "all_fd",
    "facial_fd",
    "head_fd",
    "facial_vd",
    "head_vd",
    "all_sts_frame",
    "smile_wtlcc",
    "smile_gain",
    "nod_wtlcc",
    "nod_gain",
    "blink_wtlcc",
    "blink_rate",
)


def jobs(seeds: int, steps: int) -> list[Recipe]:
    """The runs, those whose rows matter most first."""
    base = replace(recipes.lively(), steps=steps)
    options = [
        recipes.variant(replace(base, balanced=name.endswith("balanced")), name, **changes)
        for name, changes in OPTIONS.items()
    ]
    runs = [replace(option, seed=seed) for option in options for seed in range(seeds)]
    lossy = [
        replace(base, name=name, weights=weights, seed=seed)
        for name, weights in WEIGHTS.items()
        for seed in range(seeds)
    ]
    # of a term switched off one seed will do
    return runs[: 6 * seeds] + lossy[: 2 * seeds] + runs[6 * seeds :] + lossy[2 * seeds :: seeds]


def begin(devices: Any, folder: Path) -> None:
    """A process that trains takes one of the devices and keeps it: two runs on one device take
    longer in all.
    """
    global DEVICE, CORPUS
    torch.set_num_threads(1)
    DEVICE, CORPUS = torch.device(devices.get()), Corpus.open(folder)
    if DEVICE.type == "cuda":
        torch.cuda.set_device(DEVICE)


def run(recipe: Recipe, work: Path, until: float) -> dict[str, Any] | None:
    """A run's row, None if its time is up; row and weights go to `work`, and are not made again."""
    kept = work / f"{recipe.name}-{recipe.seed}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    if time.time() > until:
        return None
    # single precision throughout, step by step: what the fast step must be as good as
    plainly = recipe.name == "float32"
    trainer = Trainer(recipe, CORPUS, DEVICE, amp=not plainly)
    if DEVICE.type == "cuda" and not plainly:
        trainer.capture()
    for _ in range(recipe.steps):
        trainer.advance()
    last = trainer.log[: min(recipe.steps, LOG_EVERY)].mean(0).tolist()
    card = {"steps": recipe.steps, "batch": recipe.batch, "loss": round(last[0], 4)}
    checkpoint.save(kept.with_suffix(".safetensors"), trainer.model, card)
    row = {
        "name": recipe.name,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "final": {term: round(x, 4) for term, x in zip(TERMS, last, strict=True)},
        "validation": validate(trainer.model, CORPUS, trainer.recipe),
    }
    write_json(kept, row)
    print(f"{DEVICE}: {recipe.name}, seed {recipe.seed}: {row['validation']}", flush=True)
    return row


def scored(folder: Path, path: Path, heads: int | None) -> dict[str, float]:
    """Metrics of full-length answers to the validation speakers, one sample, and how often e' of a
    whole clip is right.
    """
    torch.set_num_threads(1)
    corpus, responder = Corpus.open(folder), ELPResponder.from_checkpoint(path, heads=heads)
    stats = measure(corpus, responder, samples=1, split="val")
    found = resample([stats], units(usable(corpus, "val")), bootstrap=0)
    told = inferred_emotions(corpus, responder, "val")["accuracy"]["value"]
    return {name: float(f"{found[name][0]:.5g}") for name in SCORES} | {"e_accuracy": told}


def main(
    corpus: Path,
    output: Annotated[Path, typer.Option("-o")],
    work: Path | None = None,
    seeds: int = 3,
    steps: int = 2000,
    limit: float = 540,
    device: Annotated[list[str] | None, typer.Option()] = None,
    workers: int = 12,
    only: Annotated[list[str] | None, typer.Option()] = None,
) -> None:
    work = work or Path("runs/ablations") / corpus.name
    started, opened, devices, spawn = (
        time.time(),
        Corpus.open(corpus),
        device or ["cuda"],
        get_context("spawn"),
    )
    wanted, free = (
        [job for job in jobs(seeds, steps) if not only or job.name in only],
        get_context("spawn").Queue(),
    )
    before = json.loads(output.read_text()) if only and output.exists() else {"runs": []}
    # the file's card will be that of the new rows
    keep = ("commit", "command", "device", "versions", "date", "note")
    made = {key: before[key] for key in keep if key in before}
    others = [{"made": made} | row for row in before["runs"] if row["name"] not in (only or [])]
    for name in devices:
        free.put(name)
    with ProcessPoolExecutor(
        len(devices), mp_context=spawn, initializer=begin, initargs=(free, corpus)
    ) as pool:
        runs = [row for row in pool.map(run, wanted, repeat(work), repeat(started + limit)) if row]
    trained, done = time.time() - started, {(row["name"], row["seed"]) for row in runs}
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        rows = [(row, None) for row in runs] + [
            (row, h) for row in runs for h in PREFIXES if row["name"] == "nested"
        ]
        futures = [
            (
                row,
                h,
                pool.submit(scored, corpus, work / f"{row['name']}-{row['seed']}.safetensors", h),
            )
            for row, h in rows
        ]
        for row, h, future in futures:
            row["scores" if h is None else f"scores with {h} heads"] = future.result()
    missing = [f"{r.name}, seed {r.seed}" for r in wanted if (r.name, r.seed) not in done]
    name = torch.cuda.get_device_name() if devices[0].startswith("cuda") else "cpu"
    card = run_card(seed=None, device=name, started=started) | {
        "corpus": opened.card["name"],
        "simulator": opened.card.get("version"),
    }
    card |= {
        "devices": len(set(devices)),
        "training_seconds": round(trained, 1),
        "split": "val",
        "missing": missing,
    }
    write_json(output, card | {"runs": others + runs})
    print(f"{time.time() - started:6.1f} s; no time for: {', '.join(missing) or 'nothing missing'}")


if __name__ == "__main__":
    typer.run(main)
