"""Train every method, answer every test speaker, fill the tables: one command on one GPU (chapter
"Results").

    python experiments/tables.py --preset vico --out book/results            # Tables 1 and 2,
    controllability python experiments/tables.py --preset l2l --sweep 1 4 16 64 256 ...      #
    Tables 1, 2 and 3 python experiments/tables.py --source vc-resolution FILE.zip --recipe small
    --steps 800  # real conversations python experiments/tables.py --preset tiny --smoke --out
    /tmp/tables     # the same in a few minutes on a CPU

What is done is kept in --work and not done again, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

# a training machine without it makes and reads its corpus all the same
if importlib.util.find_spec("pyarrow") is None:
    pd.DataFrame.to_parquet = lambda self, path, **_: self.to_json(
        path, orient="table", index=False
    )  # type: ignore[method-assign]
    pd.read_parquet = lambda path, **_: pd.read_json(path, orient="table")

from elp import baselines
from elp.corpus import Corpus
from elp.evaluation.control import EmotionReader, controllability
from elp.evaluation.evaluate import GroundTruth, Newcomer, Oracle, Stranger, corpus_card, measure
from elp.listener.responder import ELPResponder
from elp.metrics.resample import Stats, summarise
from elp.model import checkpoint
from elp.records import atomic, commit, run_card, write_json
from elp.simulator import simulate
from elp.training import recipes
from elp.training.trainer import LOG_EVERY, Trainer

DEVICE: str  # of a process that trains


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the command line asked for."""

    corpus: Path
    work: Path
    devices: tuple[str, ...]
    seeds: tuple[int, ...]
    samples: int
    sweep: tuple[int, ...]
    recipe: str
    printed: str
    steps: int | None
    balanced: bool
    smoke: bool
    rlhg_steps: int | None
    l2l_steps: tuple[int, int]
    skip: tuple[str, ...]
    once: tuple[str, ...]
    l2l_batch: int

    def seeds_of(self, name: str) -> tuple[int, ...]:
        """The seeds with which a row was trained: the first alone where nothing is learned or time
        allowed no more.
        """
        return self.seeds[:1] if name in (*ONCE, *self.once) else self.seeds

    def elp_recipe(self, kind: str, seed: int) -> recipes.Recipe:
        """The recipe of "ELP-U", "ELP-V", "ELP-U H=16", "ELP-U, Eq 1" (without β and p), "ELP-U,
        causal", "ELP-U, Eq 3" (as the paper has it).
        """
        recipe = recipes.get(self.printed if "Eq 3" in kind else self.recipe)
        recipe = replace(
            recipe,
            seed=seed,
            name=kind,
            steps=self.steps or recipe.steps,
            balanced=self.balanced or recipe.balanced,
        )
        changes: dict[str, Any] = {"space": "V" if kind.startswith("ELP-V") else "U"}
        if "Eq 1" in kind:  # the style alone, as the paper has it
            changes["plain"] = False
        if "causal" in kind:
            changes["causal"] = True
        if "H=" in kind:
            changes["heads"] = int(kind.split("H=")[1])
        return replace(recipe, model=replace(recipe.model, **changes))

    def skips(self, name: str) -> bool:
        """Whether a row needs a method that is left out."""
        return name in self.skip or ("ELP-V" in self.skip and name.endswith("+V"))

    @property
    def beside(self) -> int:
        """How many trainings share a device: five at most, for each takes six of the 32 streams
        that PyTorch gives out in turn.
        """
        return 1 if "cpu" in self.devices else 3

    @property
    def trained(self) -> list[tuple[tuple[str, int], ...]]:
        """What is to be trained, (method, seed), in groups that share a device: methods with one
        seed; a method's seeds.

        One device begins with those whose rows take long to measure, so that the processors are
        done soon after it; several begin with those that take long to train, so that none is left
        with one of them.
        """
        many, long = (
            ["ELP-U", "ELP-V", "ELP-U, Eq 1", "ELP-U, causal", "RLHG", "PCH"],
            ["ELP-U, Eq 3", "ELP-V, Eq 3", "L2L"],
        )
        heads = [f"ELP-U H={h}" for h in sorted(set(self.sweep), reverse=True)]
        kinds = [*(many + long if len(self.devices) == 1 else long + many), *heads]
        kinds = [kind for kind in kinds if kind not in self.skip]
        lone = [(kind, self.seeds[0]) for kind in kinds if len(self.seeds_of(kind)) == 1]
        alike = [
            [(kind, seed) for seed in self.seeds] for kind in kinds if len(self.seeds_of(kind)) > 1
        ]
        groups = [
            tuple(jobs[k : k + self.beside])
            for jobs in (lone, *alike)
            for k in range(0, len(jobs), self.beside)
        ]
        return sorted(groups, key=lambda group: kinds.index(group[0][0]))


def elp_training(plan: Plan, corpus: Corpus, kind: str, seed: int, device: str) -> Iterator[None]:
    """One of ELP's trainings, a step each time; its file lies in the work folder afterwards."""
    started = time.time()
    trainer = Trainer(plan.elp_recipe(kind, seed), corpus, torch.device(device))
    if device != "cpu":
        trainer.capture()
    steps = trainer.recipe.steps
    while trainer.done < steps:
        trainer.advance()
        if trainer.done % LOG_EVERY == 0 or trainer.done == steps:
            last = trainer.check(plan.work, (trainer.done - 1) % LOG_EVERY + 1)[-1]
        yield
    card = {
        "steps": steps,
        "batch": trainer.recipe.batch,
        "loss": round(last["loss"], 4),
        "seconds": round(time.time() - started, 1),
    }
    checkpoint.save(model_path(plan, kind, seed), trainer.model, card)


def baseline_training(
    plan: Plan, corpus: Corpus, kind: str, seed: int, device: str
) -> Iterator[None]:
    """One of the others' trainings, a step each time."""
    started = time.time()
    model: torch.nn.Module
    if kind == "L2L":
        model, fits = baselines.l2l_fits(
            corpus, seed=seed, device=device, steps=plan.l2l_steps, batch=plan.l2l_batch
        )
    else:
        fit = baselines.rlhg_fit(
            corpus, residual=kind == "PCH", seed=seed, device=device, steps=plan.rlhg_steps
        )
        model, fits = fit.model, iter([(kind, fit)])
    losses: dict[str, float | None] = {}
    steps = 0
    for name, fit in fits:
        while fit.done < fit.steps:
            fit.advance()
            yield
        # on CUDA three steps are done before the first look
        losses[name] = fit.curve[-1] if fit.curve else None
        steps += fit.steps
    tensors = {
        name: x.detach().cpu().contiguous().clone() for name, x in model.state_dict().items()
    }
    card = {
        "steps": steps,
        "batch": fit.batch,
        "loss": losses,
        "seconds": round(time.time() - started, 1),
    }
    checkpoint.write(model_path(plan, kind, seed), tensors, {"card": card})


def together(trainings: list[Iterator[None]], device: str) -> None:
    """Take a step of each in turn until all are done, on CUDA each on a stream of its own: none
    fills a GPU alone.
    """
    left = [(training, None if device == "cpu" else torch.cuda.Stream()) for training in trainings]
    while left:
        for training, stream in list(left):
            with torch.cuda.stream(stream):
                if next(training, "done") == "done":
                    left.remove((training, stream))


def model_path(plan: Plan, kind: str, seed: int) -> Path:
    return (
        plan.work / f"{kind.replace(' ', '-').replace('=', '').replace(',', '')}-{seed}.safetensors"
    )


def begin(devices: Any) -> None:
    """A process that trains takes one of the devices and keeps it: two processes take turns on a
    GPU, streams of one share it.
    """
    global DEVICE
    torch.set_num_threads(1)
    DEVICE = devices.get()
    if DEVICE != "cpu":
        torch.cuda.set_device(torch.device(DEVICE))


def trained(plan: Plan, group: tuple[tuple[str, int], ...], until: float) -> list[tuple[str, int]]:
    """Train (method, seed) side by side, unless the files are there or the time is up; what is
    there then.
    """
    left = [job for job in group if not model_path(plan, *job).exists()]
    if left and time.time() < until:
        corpus = Corpus.open(plan.corpus)
        together(
            [
                (elp_training if kind.startswith("ELP") else baseline_training)(
                    plan, corpus, kind, seed, DEVICE
                )
                for kind, seed in left
            ],
            DEVICE,
        )
    return [job for job in group if model_path(plan, *job).exists()]


def load(plan: Plan, corpus: Corpus, kind: str, seed: int) -> Any:
    """A trained method, ready to respond: ELP on the processor, where a conversation takes no
    longer and no training waits for it.
    """
    path, device = model_path(plan, kind, seed), plan.devices[os.getpid() % len(plan.devices)]
    if kind.startswith("ELP"):
        return ELPResponder.from_checkpoint(path)
    features = baselines.Features(corpus)
    model = (
        baselines.L2L(features)
        if kind == "L2L"
        else baselines.RLHG(features, residual=kind == "PCH")
    )
    model.load_state_dict(checkpoint.read(path)[0])
    return model.to(device).eval()


def method(plan: Plan, corpus: Corpus, name: str, seed: int) -> tuple[Any, int, dict[str, Any]]:
    """A row of the tables: what answers, how many samples it deserves, options of `measure`."""
    simple: dict[str, Callable[[], Any]] = {
        "GT": GroundTruth,
        "oracle": Oracle,
        "another listener": Newcomer,
        "stranger": Stranger,
        "mean face": lambda: baselines.MeanFace(corpus),
        "Random": lambda: baselines.RandomListener(corpus),
        "NN-motion": lambda: baselines.NearestNeighbour(corpus, "motion"),
        "NN-audio": lambda: baselines.NearestNeighbour(corpus, "audio"),
    }
    if name in simple:
        return (
            simple[name](),
            plan.samples if name in ("oracle", "another listener", "stranger", "Random") else 1,
            {},
        )
    base, _, space = name.partition("+")
    if base == "DLS-Random":
        trained = load(plan, corpus, f"ELP-{space}", seed)
        return baselines.RandomCodes(trained.model), plan.samples, {}
    if base in ("NN-motion", "NN-audio"):
        found = baselines.RetrievedSpeaker(
            corpus, base.removeprefix("NN-"), load(plan, corpus, f"ELP-{space}", seed)
        )  # type: ignore[arg-type]
        return found, plan.samples, {}
    if name == "ELP-U, e inferred":
        return load(plan, corpus, "ELP-U", seed), plan.samples, {"infer": True}
    return load(plan, corpus, name, seed), 1 if name in ("RLHG", "PCH") else plan.samples, {}


BOUNDS = ("GT", "oracle", "another listener", "stranger", "mean face")
ONCE = (*BOUNDS, "Random", "NN-motion", "NN-audio")
TABLE1 = (
    *ONCE,
    "RLHG",
    "PCH",
    "L2L",
    "ELP-V, Eq 3",
    "ELP-U, Eq 3",
    "ELP-U, Eq 1",
    "ELP-U, causal",
    "ELP-V",
    "ELP-U",
    "ELP-U, e inferred",
)
TABLE2 = tuple(
    f"{base}+{space}" for base in ("NN-motion", "NN-audio", "DLS-Random") for space in "VU"
)
CONTROLLED = ("ELP-U", "ELP-U, Eq 3", "ELP-V", "DLS-Random+U", "RLHG", "PCH", "L2L")


def measured(plan: Plan, name: str, seed: int) -> Stats:
    """Measure one row and seed, in a process of its own, into the work folder."""
    torch.set_num_threads(1)
    path = (
        plan.work / f"stats-{name.replace(' ', '-').replace('=', '').replace(',', '')}-{seed}.npz"
    )
    if not path.exists():
        corpus = Corpus.open(plan.corpus)
        found, samples, options = method(plan, corpus, name, seed)
        stats = measure(corpus, found, samples=samples, seed=seed, **options)
        with atomic(path) as partial:
            np.savez_compressed(partial, **stats)
    with np.load(path) as file:
        return dict(file)


def controlled(plan: Plan, name: str, seed: int) -> dict[str, Any]:
    """Controllability of one row and seed, in a process of its own."""
    torch.set_num_threads(1)
    path = plan.work / f"control-{name.replace(' ', '-').replace(',', '')}-{seed}.json"
    if not path.exists():
        corpus = Corpus.open(plan.corpus)
        reader = EmotionReader(corpus)
        found = controllability(corpus, method(plan, corpus, name, seed)[0], reader, seed=seed)
        write_json(
            path,
            found
            | {"reader_test": reader.accuracy("test"), "reader_train": reader.accuracy("train")},
        )
    return json.loads(path.read_text())


def needs(name: str) -> str | None:
    """The training that a row waits for."""
    if name in ONCE:
        return None
    return f"ELP-{name[-1]}" if "+" in name else name.removesuffix(", e inferred")


def rows_of(plan: Plan, kind: str | None, seed: int) -> list[tuple[Callable[..., Any], str, int]]:
    """What can be measured once (kind, seed) is trained: function, name of the row, seed."""
    corpus = Corpus.open(plan.corpus)
    told = bool((corpus.pairs("train")["emotion"] >= 0).any())
    simulated = str(corpus.card["source"]).startswith("simulated")
    names = [*TABLE1, *TABLE2, *(f"ELP-U H={h}" for h in plan.sweep)]
    names = [
        name
        for name in names
        if (simulated or name not in ("oracle", "another listener")) and not plan.skips(name)
    ]
    both = [(measured, name) for name in names] + [
        (controlled, name) for name in CONTROLLED if told and not plan.skips(name)
    ]
    return [
        (job, name, seed)
        for job, name in both
        if needs(name) == kind and seed in plan.seeds_of(name)
    ]


Results = dict[str, dict[int, Any]]


def run_all(plan: Plan, workers: int, limit: float) -> tuple[Results, Results, list[str]]:
    """Train on the devices, measure each row on the processors as soon as it can be; statistics and
    controllability, and what is missing.
    """
    started, spawn = time.time(), get_context("spawn")
    free = spawn.Queue()
    for device in plan.devices:
        free.put(device)
    found: dict[Callable[..., Any], Results] = {measured: {}, controlled: {}}
    missing = []
    with (
        ProcessPoolExecutor(
            len(plan.devices), mp_context=spawn, initializer=begin, initargs=(free,)
        ) as trainers,
        ProcessPoolExecutor(
            workers, mp_context=spawn, initializer=os.nice, initargs=(10,)
        ) as measurers,  # a GPU must not wait for them
    ):
        jobs: dict[Any, tuple[Callable[..., Any], str, int]] = {}

        def begin_rows(kind: str | None, seed: int) -> None:
            jobs.update(
                {
                    measurers.submit(job, plan, name, seed): (job, name, seed)
                    for job, name, seed in rows_of(plan, kind, seed)
                }
            )

        begin_rows(None, plan.seeds[0])
        groups = {
            trainers.submit(trained, plan, group, started + limit): group for group in plan.trained
        }
        while jobs or groups:
            for done in wait([*jobs, *groups], return_when=FIRST_COMPLETED).done:
                if done in jobs:
                    job, name, seed = jobs.pop(done)
                    found[job].setdefault(name, {})[seed] = done.result()
                    print(
                        f"{time.time() - started:7.1f} s  {job.__name__} {name}, seed {seed}",
                        flush=True,
                    )
                    continue
                for name, seed in groups.pop(done):
                    there = (name, seed) in done.result()
                    if there:
                        begin_rows(name, seed)
                    else:
                        missing.append(f"{name}, seed {seed}")
                    print(
                        f"{time.time() - started:7.1f} s  {'trained' if there else 'no time for'} {name}, seed {seed}",
                        flush=True,
                    )
    return found[measured], found[controlled], missing


def main() -> None:
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--preset", default="vico")
    p.add_argument(
        "--corpus", type=Path, help="folder of the corpus; made with --preset where it is missing"
    )
    p.add_argument(
        "--source",
        nargs=2,
        metavar=("KIND", "PATH"),
        help="import this published corpus instead of simulating one",
    )
    p.add_argument(
        "--mfcc", type=Path, help="mfcc.npy of the same corpus, where no sound can be synthesised"
    )
    p.add_argument("--hours", type=float, help="of the l2l preset")
    p.add_argument("--out", type=Path, default=Path("book/results"))
    p.add_argument(
        "--work",
        type=Path,
        help="models and statistics that a second call finds (default OUT/../tables-work)",
    )
    free = [f"cuda:{k}" for k in range(torch.cuda.device_count())] or ["cpu"]
    p.add_argument(
        "--device",
        nargs="+",
        default=free,
        help="cuda:0 cuda:1: trainings go to whichever is free; by default all there are",
    )
    p.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    p.add_argument("--samples", type=int, default=3)
    p.add_argument("--bootstrap", type=int, default=1000)
    p.add_argument("--sweep", type=int, nargs="*", default=[], help="numbers of heads for Table 3")
    p.add_argument(
        "--recipe",
        default="lively",
        help="of ELP-U and ELP-V; those with 'Eq 3' take the preset's own, as printed",
    )
    p.add_argument("--steps", type=int, help="of ELP, instead of the recipes'")
    p.add_argument(
        "--fit-steps",
        type=int,
        nargs=3,
        metavar=("RLHG", "VQ", "PREDICTOR"),
        default=[0, 6000, 4000],
        help="of the baselines; RLHG 0: 100 epochs",
    )
    p.add_argument("--skip", nargs="*", default=[], help="methods to leave out, e.g. ELP-V")
    p.add_argument(
        "--once",
        nargs="*",
        default=[],
        help="methods trained and measured with the first seed alone",
    )
    p.add_argument(
        "--l2l-batch", type=int, default=128, help="windows in a step of L2L's two trainings"
    )
    p.add_argument("--workers", type=int, default=max(1, min(12, (os.cpu_count() or 2) - 2)))
    p.add_argument(
        "--limit",
        type=float,
        default=float("inf"),
        help="seconds after which no further training begins; a second call goes on",
    )
    p.add_argument("--smoke", action="store_true", help="a few steps of everything")
    a = p.parse_args()

    started = time.time()
    commit()  # of the code that runs
    a.preset = a.source[0] if a.source else a.preset
    work = a.work or a.out.parent / f"tables-work-{a.preset}"
    work.mkdir(parents=True, exist_ok=True)
    folder = a.corpus or work / "corpus"
    if (folder / "card.json").is_file():
        corpus = Corpus.open(folder)
    elif a.source:
        from elp.corpus.importers import import_corpus

        corpus = import_corpus(a.source[0], a.source[1], folder)
    else:
        sound = a.mfcc is None and importlib.util.find_spec("librosa") is not None
        corpus = simulate(folder, a.preset, 0, audio=sound, hours=a.hours, mfcc=a.mfcc)
    printed = "tiny" if a.smoke else "l2l" if a.preset == "l2l" else "vico"
    recipe = "tiny" if a.smoke else a.recipe
    plan = Plan(
        corpus=folder,
        work=work,
        devices=tuple(a.device),
        seeds=tuple(a.seeds),
        samples=a.samples,
        sweep=tuple(a.sweep),
        recipe=recipe,
        printed=printed,
        steps=a.steps or (20 if a.smoke else None),
        balanced=a.preset == "l2l",
        smoke=a.smoke,
        skip=tuple(a.skip),
        once=tuple(a.once),
        l2l_batch=8 if a.smoke else a.l2l_batch,
        rlhg_steps=20 if a.smoke else a.fit_steps[0] or None,
        l2l_steps=(20, 20) if a.smoke else tuple(a.fit_steps[1:]),
    )
    print(
        f"{time.time() - started:7.1f} s  corpus of {len(corpus)} rows, recipe {recipe}, {sum(map(len, plan.trained))} trainings",
        flush=True,
    )
    begun = time.time()
    stats, control, missing = run_all(plan, a.workers, a.limit)
    seconds = {
        "corpus_seconds": round(begun - started, 1),
        "working_seconds": round(time.time() - begun, 1),
    }
    device = torch.cuda.get_device_name() if a.device[0] != "cpu" else "cpu"
    cards = {
        f"{kind}, seed {seed}": checkpoint.read(model_path(plan, kind, seed))[1]["card"]
        for group in plan.trained
        for kind, seed in group
        if f"{kind}, seed {seed}" not in missing
    }
    cards = {
        name: {key: value for key, value in card.items() if key != "curves"}
        for name, card in cards.items()
    }
    order = [
        name for name in (*TABLE1, *TABLE2, *(f"ELP-U H={h}" for h in plan.sweep)) if name in stats
    ]
    runs = {name: [stats[name][seed] for seed in sorted(stats[name])] for name in order}
    shown = {
        name: [control[name][seed] for seed in sorted(control[name])]
        for name in CONTROLLED
        if name in control
    }
    result = (
        run_card(seed=plan.seeds[0], device=device, started=started)
        | corpus_card(corpus, "test")
        | {"devices": len(a.device), "beside": plan.beside}
        | seconds
        | {
            "seeds": list(plan.seeds),
            "samples": plan.samples,
            "bootstrap": a.bootstrap,
            "recipe": asdict(plan.elp_recipe("ELP-U", 0)),
            "trained": cards,
            "missing": missing,
            "control": shown,
        }
        | summarise(runs, against="ELP-U", bootstrap=a.bootstrap)
    )
    name = f"tables-{a.preset}{'-smoke' if a.smoke else ''}.json"
    write_json(a.out / name, result)
    print(f"{time.time() - started:7.1f} s  {a.out / name}", flush=True)


if __name__ == "__main__":
    main()
