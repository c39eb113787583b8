"""Train every method, answer every test speaker, fill the tables: one command on one GPU (chapter
"Results").

    # Tables 1 and 2, controllability
    python experiments/tables.py --preset vico --out book/results
    # Tables 1, 2 and 3
    python experiments/tables.py --preset l2l --sweep 1 4 16 64 256 ...
    # real conversations
    python experiments/tables.py --source vc-resolution FILE.zip --recipe small --steps 800
    # the same of version 2 of the simulator: tables-vico-v2.json
    python experiments/tables.py --preset vico --simulator 2 --out book/results
    # the same in a few minutes on a CPU
    python experiments/tables.py --preset tiny --smoke --out tables

What is done is kept in --work and not done again, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elp.corpus import Corpus
from elp.errors import ElpError
from elp.evaluation.answers import Answerer, usable
from elp.evaluation.bootstrap import summarise
from elp.evaluation.controllability import EmotionClassifier, controllability
from elp.evaluation.evaluate import corpus_card
from elp.evaluation.inferred import inferred_emotions, regressed_emotions
from elp.evaluation.measure import Scene, Stats, measure
from elp.evaluation.methods import ELP_U, METHODS, Method, responder, with_heads
from elp.evaluation.trainings import Budget, Training, file_name
from elp.evaluation.units import units
from elp.files import atomic
from elp.model import checkpoint
from elp.records import commit, run_card, write_json
from elp.simulator import simulate


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the command line asked for; `emotions`: whether to ask if answers show the emotion that
    they were told, and if e' is the listener's.
    """

    corpus: Path
    work: Path
    devices: tuple[str, ...]
    seeds: tuple[int, ...]
    samples: int
    sweep: tuple[int, ...]
    budget: Budget
    skip: tuple[str, ...]
    once: tuple[str, ...]
    emotions: bool = True

    @property
    def rows(self) -> list[Method]:
        """The tables' rows but those that are left out, or need a model that is."""
        every = (*METHODS, *with_heads(sorted(set(self.sweep))))
        return [m for m in every if not {m.name, m.training and m.training.name} & set(self.skip)]

    def seeds_of(self, row: Method | Training) -> tuple[int, ...]:
        """The seeds with which a row is trained: the first alone where nothing is learned or time
        allowed no more.
        """
        learned = isinstance(row, Training) or row.training is not None
        return self.seeds if learned and row.name not in self.once else self.seeds[:1]

    @property
    def beside(self) -> int:
        """How many trainings share a device: five at most, for each takes six of the 32 streams
        that PyTorch gives out in turn.
        """
        return 1 if "cpu" in self.devices else 3

    @property
    def trained(self) -> list[tuple[tuple[Training, int], ...]]:
        """What is to be trained, (model, seed), in groups that share a device: models with one
        seed; a model's seeds.

        One device begins with those whose rows take long to measure, so that the processors are
        done soon after it; several begin with those that take long to train, so that none is left
        with one of them. The sweep over heads comes last.
        """
        # the tables end with the rows of the models that most rows wait for
        rows = [row for row in self.rows[::-1] if row.training is not None]
        sweep = {row.training for row in rows if row.table == 3}
        models = list(dict.fromkeys(row.training for row in rows if row.training is not None))
        first = len(self.devices) > 1
        models.sort(key=lambda model: (model in sweep, model.long != first))
        lone = [(m, self.seeds[0]) for m in models if len(self.seeds_of(m)) == 1]
        alike = [[(m, s) for s in self.seeds] for m in models if len(self.seeds_of(m)) > 1]
        groups = [
            tuple(jobs[k : k + self.beside])
            for jobs in (lone, *alike)
            for k in range(0, len(jobs), self.beside)
        ]
        return sorted(groups, key=lambda group: models.index(group[0][0]))


def together(trainings: list[Iterator[None]], device: str) -> None:
    """Take a step of each in turn until all are done, on CUDA each on a stream of its own: none
    fills a GPU alone. One whose loss is not finite any more stops alone, and is then missing.
    """
    left = [(training, None if device == "cpu" else torch.cuda.Stream()) for training in trainings]
    while left:
        for training, stream in list(left):
            with torch.cuda.stream(stream):
                try:
                    if next(training, "done") == "done":
                        left.remove((training, stream))
                except ElpError as error:
                    print(error, flush=True)
                    left.remove((training, stream))


def train(
    plan: Plan, group: tuple[tuple[Training, int], ...], device: str, until: float
) -> list[tuple[Training, int]]:
    """Train (model, seed) side by side, unless the files are there or the time is up; what is
    there then.
    """
    torch.set_num_threads(1)
    if device != "cpu":
        torch.cuda.set_device(torch.device(device))
    left = [(model, seed) for model, seed in group if not model.path(plan.work, seed).exists()]
    if left and time.time() < until:
        corpus = Corpus.open(plan.corpus)
        runs = [
            model.train(corpus, plan.budget, seed, device, model.path(plan.work, seed))
            for model, seed in left
        ]
        together(runs, device)
    return [(model, seed) for model, seed in group if model.path(plan.work, seed).exists()]


def answerer(plan: Plan, corpus: Corpus, row: Method, seed: int) -> Answerer:
    """What answers in a row."""
    if row.training is None:
        return row.build(corpus, None)
    device = plan.devices[os.getpid() % len(plan.devices)]
    path = row.training.path(plan.work, seed)
    return row.build(corpus, row.training.load(corpus, path, device))


@cache
def tested(folder: Path) -> Scene:
    """The test split's true clips, prepared once in each process."""
    corpus = Corpus.open(folder)
    return Scene(corpus, usable(corpus, "test"))


def measured(plan: Plan, name: str, seed: int) -> Stats:
    """Measure one row and seed, in a process of its own, into the work folder."""
    torch.set_num_threads(1)
    path = plan.work / f"stats-{file_name(name)}-{seed}.npz"
    if not path.exists():
        scene, row = tested(plan.corpus), named(plan, name)
        method = answerer(plan, scene.corpus, row, seed)
        samples = row.samples(plan.samples)
        stats = measure(scene.corpus, method, samples=samples, seed=seed, scene=scene)
        with atomic(path) as partial:
            np.savez_compressed(partial, **stats)
    with np.load(path) as file:
        return dict(file)


def controlled(plan: Plan, name: str, seed: int) -> dict[str, Any]:
    """Controllability of one row and seed, in a process of its own."""
    torch.set_num_threads(1)
    path = plan.work / f"control-{file_name(name)}-{seed}.json"
    if not path.exists():
        corpus = Corpus.open(plan.corpus)
        classifier = EmotionClassifier(corpus)
        method = answerer(plan, corpus, named(plan, name), seed)
        found = controllability(corpus, method, classifier, seed=seed)
        found |= {f"reader_{split}": classifier.accuracy(split) for split in ("test", "train")}
        write_json(path, found)
    return json.loads(path.read_text())


def inferred(plan: Plan, name: str, seed: int) -> dict[str, Any]:
    """How well one row and seed infers the listener's emotion, in a process of its own."""
    torch.set_num_threads(1)
    path = plan.work / f"inferred-{file_name(name)}-{seed}.json"
    if not path.exists():
        corpus = Corpus.open(plan.corpus)
        method = responder(answerer(plan, corpus, named(plan, name), seed))
        splits = ("val", "test")
        write_json(path, {split: inferred_emotions(corpus, method, split) for split in splits})
    return json.loads(path.read_text())


def named(plan: Plan, name: str) -> Method:
    """A row by its name, which can be sent to another process as the row's functions cannot."""
    return next(row for row in plan.rows if row.name == name)


def rows_of(
    plan: Plan, model: Training | None, seed: int
) -> list[tuple[Callable[..., Any], str, int]]:
    """What can be measured once a model of this seed is trained: function, row's name, seed."""
    corpus = Corpus.open(plan.corpus)
    told = plan.emotions and bool((corpus.pairs("train")["emotion"] >= 0).any())
    ready = [
        row
        for row in plan.rows
        if row.training == model and row.fits(corpus) and seed in plan.seeds_of(row)
    ]
    return [
        *((measured, row.name, seed) for row in ready),
        *((controlled, row.name, seed) for row in ready if told and row.steered),
        *((inferred, row.name, seed) for row in ready if told and row.infers),
    ]


Results = dict[str, dict[int, Any]]


class Run:
    """Train on the devices, measure each row on the processors as soon as it can be.

    Attributes:
        found: of `measured`, `controlled` and `inferred`, row -> seed -> what it found.
        missing: trainings that time ran out for, or that failed.
    """

    def __init__(self, plan: Plan, limit: float) -> None:
        self.plan, self.started, self.limit = plan, time.time(), limit
        self.found: dict[Callable[..., Any], Results] = {
            measured: {},
            controlled: {},
            inferred: {},
        }
        self.missing: list[str] = []
        self.waiting = list(plan.trained)
        self.jobs: dict[Any, tuple[Callable[..., Any], str, int]] = {}
        self.groups: dict[Any, tuple[tuple[tuple[Training, int], ...], str]] = {}

    def all(self, workers: int) -> None:
        """Everything that the plan asks for."""
        spawn = get_context("spawn")
        # two processes take turns on a GPU, streams of one share it: one for each device
        self.trainers = {
            device: ProcessPoolExecutor(1, mp_context=spawn) for device in self.plan.devices
        }
        self.measurers = ProcessPoolExecutor(
            workers, mp_context=spawn, initializer=os.nice, initargs=(10,)
        )  # a GPU must not wait for them
        try:
            self.begin_rows(None, self.plan.seeds[0])
            for device in self.trainers:
                self.begin_training(device)
            while self.jobs or self.groups:
                for done in wait([*self.jobs, *self.groups], return_when=FIRST_COMPLETED).done:
                    (self.row_done if done in self.jobs else self.training_done)(done)
        finally:
            for pool in (*self.trainers.values(), self.measurers):
                pool.shutdown()

    def begin_rows(self, model: Training | None, seed: int) -> None:
        for job, name, of_seed in rows_of(self.plan, model, seed):
            future = self.measurers.submit(job, self.plan, name, of_seed)
            self.jobs[future] = (job, name, of_seed)

    def begin_training(self, device: str) -> None:
        if self.waiting:
            group, until = self.waiting.pop(0), self.started + self.limit
            future = self.trainers[device].submit(train, self.plan, group, device, until)
            self.groups[future] = (group, device)

    def row_done(self, done: Any) -> None:
        job, name, seed = self.jobs.pop(done)
        self.found[job].setdefault(name, {})[seed] = done.result()
        self.say(f"{job.__name__} {name}, seed {seed}")

    def training_done(self, done: Any) -> None:
        group, device = self.groups.pop(done)
        self.begin_training(device)
        for model, seed in group:
            there = (model, seed) in done.result()
            if there:
                self.begin_rows(model, seed)
            else:
                self.missing.append(f"{model.name}, seed {seed}")
            self.say(f"{'trained' if there else 'without'} {model.name}, seed {seed}")

    def say(self, what: str) -> None:
        print(f"{time.time() - self.started:7.1f} s  {what}", flush=True)


def arguments() -> argparse.Namespace:
    """The command line."""
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
    p.add_argument("--simulator", type=int, default=1, help="its version, 1 or 2")
    p.add_argument("--people", type=int, default=0, help="seed of the simulated corpus")
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
    return p.parse_args()


def opened(a: argparse.Namespace, work: Path) -> Corpus:
    """The corpus: read where it is there, imported or simulated where it is not."""
    folder = a.corpus or work / "corpus"
    if (folder / "card.json").is_file():
        return Corpus.open(folder)
    if a.source:
        from elp.corpus.importers import import_corpus

        return import_corpus(a.source[0], a.source[1], folder)
    return simulate(
        folder,
        a.preset,
        a.people,
        audio=a.mfcc is None,
        hours=a.hours,
        mfcc=a.mfcc,
        version=a.simulator,
    )


def planned(a: argparse.Namespace, corpus: Path, work: Path) -> Plan:
    """What the command line asks for."""
    printed = "l2l" if a.preset == "l2l" else "vico"
    steps, vq_steps, predictor_steps = a.fit_steps
    budget = Budget(
        recipe=a.recipe,
        printed=printed,
        steps=a.steps,
        balanced=a.preset == "l2l",
        rlhg_steps=steps or None,
        l2l_steps=(vq_steps, predictor_steps),
        l2l_batch=a.l2l_batch,
    )
    if a.smoke:
        budget = Budget(
            recipe="tiny",
            printed="tiny",
            steps=a.steps or 20,
            balanced=budget.balanced,
            rlhg_steps=20,
            l2l_steps=(20, 20),
            l2l_batch=8,
        )
    return Plan(
        corpus=corpus,
        work=work,
        devices=tuple(a.device),
        seeds=tuple(a.seeds),
        samples=a.samples,
        sweep=tuple(a.sweep),
        budget=budget,
        skip=tuple(a.skip),
        once=tuple(a.once),
    )


def labelled(a: argparse.Namespace) -> str:
    """The corpus in names of files: "vico", "vico-v2", "vico-v2-people7"."""
    version = f"-v{a.simulator}" if a.simulator != 1 and not a.source else ""
    return f"{a.preset}{version}{f'-people{a.people}' if a.people else ''}"


def cards(plan: Plan, missing: list[str]) -> dict[str, Any]:
    """What the files of the trained models say of their training."""
    found = {}
    for group in plan.trained:
        for model, seed in group:
            name = f"{model.name}, seed {seed}"
            if name not in missing:
                card = checkpoint.read(model.path(plan.work, seed))[1]["card"]
                found[name] = {key: value for key, value in card.items() if key != "curves"}
    return found


def regressed(corpus: Corpus) -> dict[str, Any]:
    """What e' should reach, where the corpus knows emotions."""
    known = corpus.pairs("train")["emotion"]
    if known[known >= 0].nunique() < 2:
        return {}
    return {split: regressed_emotions(corpus, split) for split in ("val", "test")}


def in_order(plan: Plan, found: Results) -> dict[str, list[Any]]:
    """What was found, by row in the tables' order, of the seeds in theirs."""
    rows = [row.name for row in plan.rows if row.name in found]
    return {name: [found[name][seed] for seed in sorted(found[name])] for name in rows}


def main() -> None:
    a = arguments()
    started = time.time()
    commit()  # of the code that runs
    a.preset = a.source[0] if a.source else a.preset
    label = labelled(a)
    work = a.work or a.out.parent / f"tables-work-{label}"
    work.mkdir(parents=True, exist_ok=True)
    corpus = opened(a, work)
    plan = planned(a, corpus.folder, work)
    begun = time.time()
    run = Run(plan, a.limit)
    run.say(
        f"corpus of {len(corpus)} rows, recipe {plan.budget.recipe}, "
        f"{sum(map(len, plan.trained))} trainings"
    )
    run.all(a.workers)
    seconds = {
        "corpus_seconds": round(begun - started, 1),
        "working_seconds": round(time.time() - begun, 1),
    }
    device = torch.cuda.get_device_name() if a.device[0] != "cpu" else "cpu"
    result = (
        run_card(seed=plan.seeds[0], device=device, started=started)
        | corpus_card(corpus, "test")
        | {"devices": len(a.device), "beside": plan.beside}
        | seconds
        | {
            "seeds": list(plan.seeds),
            "samples": plan.samples,
            "bootstrap": a.bootstrap,
            "recipe": asdict(ELP_U.recipe(plan.budget, 0)),
            "trained": cards(plan, run.missing),
            "missing": run.missing,
            "control": in_order(plan, run.found[controlled]),
            "inferred": in_order(plan, run.found[inferred]),
            "regressed": regressed(corpus),
        }
        | summarise(
            in_order(plan, run.found[measured]),
            units(usable(corpus, "test")),
            against=ELP_U.name,
            bootstrap=a.bootstrap,
        )
    )
    name = f"tables-{label}{'-smoke' if a.smoke else ''}.json"
    write_json(a.out / name, result)
    run.say(str(a.out / name))


if __name__ == "__main__":
    main()
