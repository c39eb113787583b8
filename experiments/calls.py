"""The tables' methods on real calls, each answered by models that have not met the dyad, and by
models that have only met simulated people (chapter "Real conversations").

    python -m experiments.calls FILE.zip -o book/results/calls.json --work runs/calls

FILE.zip is VC-resolution as its authors ship it. "calls" are its four signals in five folds of
dyads; "smiles" its smiles alone, in the same folds, and answered by models trained on the smiles of
either version of the simulator. What is done is kept in --work and not done again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from elp.corpus import Corpus
from elp.corpus.importers import import_corpus
from elp.corpus.writer import Record
from elp.evaluation.answers import usable
from elp.evaluation.bootstrap import summarise
from elp.evaluation.measure import Stats, movements
from elp.evaluation.methods import METHODS
from elp.evaluation.trainings import Budget
from elp.evaluation.units import units
from elp.motion import POSE, Motion
from elp.records import commit, run_card, write_json
from elp.simulator import simulate
from experiments.tables import Plan, Run, measured

FOLDS = 5
BOUNDS = ("GT", "stranger", "mean face")
CALLS = (*BOUNDS, "Random", "NN-motion", "RLHG", "PCH", "ELP-U, Eq 1", "ELP-U, causal", "ELP-U")
SMILES = (*BOUNDS, "RLHG", "ELP-U, causal", "ELP-U")
CARD: dict[str, Any] = {
    "emotions": ["negative", "neutral", "positive"],
    "source": "VC-resolution, the simulator, or both",
    "licence": "MIT",
}


def dyads(corpus: Corpus) -> list[frozenset[str]]:
    """Who meets whom, in the order of the index."""
    met = zip(corpus.index["person"], corpus.index["partner"], strict=True)
    return list(dict.fromkeys(frozenset(pair) for pair in met))


def records(corpus: Corpus, splits: Sequence[str]) -> Iterator[Record]:
    """A corpus's rows, without sound, with the splits given for them."""
    for row, split in zip(corpus.index.itertuples(), splits, strict=True):
        motion = corpus.motion(row.offset, row.length)
        yield Record(
            clip=row.clip,
            person=row.person,
            partner=row.partner,
            role=row.role,
            emotion=row.emotion,
            split=split,
            motion=motion,
        )


def folded(corpus: Corpus, fold: int) -> list[str]:
    """The split of every row: every fifth dyad is answered, two are for validation."""
    order = {dyad: k for k, dyad in enumerate(dyads(corpus))}
    places = [
        order[frozenset(pair)]
        for pair in zip(corpus.index["person"], corpus.index["partner"], strict=True)
    ]
    tested = [k for k in order.values() if k % FOLDS == fold]
    watched = [k for k in order.values() if k % FOLDS == (fold + 1) % FOLDS][:2]
    return ["test" if k in tested else "val" if k in watched else "train" for k in places]


def smiling(corpus: Corpus, splits: Sequence[str], prefix: str = "") -> Iterator[Record]:
    """A corpus's smiles alone, standardised over all its people, as one coefficient."""
    smile = movements(corpus)["smile"]
    values = [smile(corpus.motion(r.offset, r.length)) for r in corpus.index.itertuples()]
    every = np.concatenate(values)
    for record, x in zip(records(corpus, splits), values, strict=True):
        motion = Motion(
            beta=((x - every.mean()) / every.std()).astype(np.float32),
            pose=np.zeros((len(x), POSE), np.float32),
            blink=np.zeros(len(x), np.uint8),
            valid=record.motion.valid,
        )
        yield Record(
            clip=prefix + record.clip,
            person=prefix + record.person,
            partner=prefix + record.partner,
            role=record.role,
            emotion=record.emotion,
            split=record.split,
            motion=motion,
        )


def from_simulator(people: Corpus, version: int, work: Path, preset: str) -> Iterator[Record]:
    """Smiles of simulated people to learn from, and of real ones, all dyads, to answer."""
    simulated = simulate(work / f"{preset}-v{version}", preset, 0, audio=False, version=version)
    splits = ["val" if split == "val" else "train" for split in simulated.index["split"]]
    yield from smiling(simulated, splits, "simulated ")
    yield from smiling(people, ["test"] * len(people))


def corpora(people: Corpus, work: Path, preset: str) -> dict[str, list[Path]]:
    """Folders of corpora by name of the experiment, one for each fold; made where missing."""
    calls = CARD | {"name": "calls", "units": "mixed", "beta_names": people.card["beta_names"]}
    smile = CARD | {"name": "smiles", "beta_names": ["AU12"]}
    made: dict[str, list[Path]] = {"calls": [], "smiles of people": []}
    for fold in range(FOLDS):
        splits = folded(people, fold)
        made["calls"].append(_written(work / f"calls-{fold}", records(people, splits), calls))
        path = work / f"smiles-people-{fold}"
        made["smiles of people"].append(_written(path, smiling(people, splits), smile))
    for version in (1, 2):
        given = from_simulator(people, version, work, preset)
        path = _written(work / f"smiles-v{version}", given, smile)
        made[f"smiles of the simulator, v{version}"] = [path]
    return made


def _written(path: Path, given: Iterator[Record], card: dict[str, Any]) -> Path:
    if not path.exists():
        Corpus.write(path, given, card)
    return path


def planned(folder: Path, rows: Sequence[str], budget: Budget, options: dict[str, Any]) -> Plan:
    """The plan of one fold."""
    names = {m.name for m in METHODS} | {m.training.name for m in METHODS if m.training}
    needed = {m.training.name for m in METHODS if m.name in rows and m.training}
    skip = tuple(sorted(names - {*rows} - needed))
    work = folder.with_name(f"{folder.name}-work")
    work.mkdir(exist_ok=True)
    rest: dict[str, Any] = {"sweep": (), "once": (), "emotions": False}  # calls name none
    return Plan(corpus=folder, work=work, budget=budget, skip=skip, **rest, **options)


def joined(folds: Sequence[Run]) -> dict[str, list[Stats]]:
    """Terms of every row's clips, all folds' side by side; a row that a fold lacks is left out.

    Heads and lids are not known. SI-D's terms are clusters of one fold's people, and say nothing
    beside another's.
    """
    found: dict[str, list[Stats]] = {}
    for row in folds[0].found[measured]:
        runs = [run.found[measured].get(row, {}) for run in folds]
        seeds = set.intersection(*(set(x) for x in runs))
        each = [
            {
                key: np.concatenate([x[seed][key] for x in runs], 1)
                for key in runs[0][seed]
                if key.startswith(("facial_", "smile_")) and not key.endswith("_sid")
            }
            for seed in sorted(seeds)
        ]
        if each:
            found[row] = each
    order = [m.name for m in METHODS if m.name in found]
    return {name: found[name] for name in order}


def main(
    source: Path,
    output: Annotated[Path, typer.Option("-o")] = Path("book/results/calls.json"),
    work: Path = Path("runs/calls"),
    device: Annotated[list[str] | None, typer.Option()] = None,
    seeds: int = 1,
    steps: int = 800,
    workers: int = 6,
    beside: int = 1,
    limit: float = 420,
    smoke: bool = False,
) -> None:
    started = time.time()
    commit()  # of the code that runs
    work.mkdir(parents=True, exist_ok=True)
    folder = work / "people"
    people = (
        Corpus.open(folder) if folder.exists() else import_corpus("vc-resolution", source, folder)
    )
    budget = Budget(recipe="small", steps=steps, rlhg_steps=3000)
    if smoke:
        budget = Budget(recipe="tiny", steps=5, rlhg_steps=5)
    devices = device or ["cuda:0"]
    options: dict[str, Any] = {
        "seeds": tuple(range(seeds)),
        "samples": 1 if smoke else 3,
    }
    made = corpora(people, work, "tiny" if smoke else "vico")
    folders = {name: paths[: 2 if smoke else None] for name, paths in made.items()}
    until = started + limit

    def answered(job: tuple[int, str, Path]) -> Run:
        k, name, path = job
        rows = CALLS if name == "calls" else SMILES
        on = devices[k % len(devices)]
        run = Run(planned(path, rows, budget, options | {"devices": (on,)}), until - time.time())
        run.all(workers)
        print(f"{time.time() - started:6.1f} s  {path.name}", flush=True)
        return run

    # those with the most to answer first
    by_work = sorted(folders.items(), key=lambda item: len(item[1]))
    jobs = [(name, path) for name, paths in by_work for path in paths]
    with ThreadPoolExecutor(beside) as pool:  # of folds, each with processes of its own
        done = list(pool.map(answered, [(k, *job) for k, job in enumerate(jobs)]))
    runs = dict(zip((path for _, path in jobs), done, strict=True))
    missing = [f"{path.name}: {what}" for path, run in runs.items() for what in run.missing]
    found = {}
    for name, paths in folders.items():
        pairs = [pair for path in paths for pair in usable(Corpus.open(path), "test")]
        terms = joined([runs[path] for path in paths])
        found[name] = summarise(terms, units(pairs), against="ELP-U")
    card = run_card(seed=0, device=devices[0], started=started)
    settings = {"folds": FOLDS, "steps": steps, "seeds": seeds, "samples": options["samples"]}
    write_json(output, card | settings | {"missing": missing, "results": found})


if __name__ == "__main__":
    typer.run(main)
