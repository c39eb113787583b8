"""Training: clips on the device, one captured step, a run that resumes where it stopped (chapter
"Training").
"""

# B clip, T frame, K logged step
from __future__ import annotations

import contextlib
import copy
import csv
import math
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import Tensor, nn

from elp.errors import ElpError
from elp.model import checkpoint, streams
from elp.model.ase import ASE, Prediction
from elp.records import atomic, commit, run_card, write_json
from elp.training import losses
from elp.training.distributed import Group
from elp.training.recipes import Recipe, from_dict
from elp.training.sampler import Batches

if TYPE_CHECKING:
    from elp.corpus.format import Corpus

TERMS = ("loss", "motion", "blink", "smooth", "emotion")
LOG_EVERY = 50  # steps between two looks at the device; the log keeps every step
SAVE_EVERY = 60.0  # seconds
SCALE = 1024.0  # of the loss: gradients of a mean would underflow in the LSTMs' float16


class Trainer:
    """One run's tensors and its step. `step` is the same code on CPU, on CUDA and inside a CUDA
    graph.

    Args:
        recipe: the run. corpus: what it learns from. device: where. group: the processes that share
            the run.
        amp: bfloat16 on CUDA (weights, statistics and losses stay float32); False computes in
            float32.
    """

    def __init__(
        self,
        recipe: Recipe,
        corpus: Corpus,
        device: torch.device,
        group: Group | None = None,
        *,
        amp: bool = True,
    ) -> None:
        self.group = group or Group()
        if recipe.batch % self.group.size:
            raise ElpError(
                f"recipe {recipe.name}: a batch of {recipe.batch} cannot be shared by {self.group.size} processes equally"
            )
        config = replace(
            recipe.model,
            beta=corpus.beta.shape[1],
            mfcc=corpus.mfcc.shape[1],
            emotions=tuple(corpus.emotions),
        )
        self.recipe, self.device = replace(recipe, model=config), device
        self.generator = torch.Generator(device).manual_seed(recipe.seed * 1009 + self.group.rank)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            model = ASE(
                config,
                {
                    name: (torch.from_numpy(mean), torch.from_numpy(std))
                    for name, (mean, std) in corpus.stats.items()
                },
            )
        self.model = model.to(device).train()
        self.batches = Batches(corpus, self.model, "train", recipe.frames, balanced=recipe.balanced)
        self._standardise_style()
        self.weights = flatten(self.model)
        self.work, self.half = self.model, None
        if amp and device.type == "cuda":
            self.work = copy.deepcopy(self.model).bfloat16()
            for mine, theirs in zip(self.work.modules(), self.model.modules(), strict=True):
                mine._buffers = theirs._buffers  # statistics stay float32
            self.half = flatten(self.work)
        self.gradient = torch.zeros_like(self.weights if self.half is None else self.half)
        self.lr = torch.tensor(recipe.lr, device=device)
        self.optimizer = torch.optim.AdamW(
            [self.weights],
            lr=self.lr,
            weight_decay=recipe.weight_decay,
            fused=True,
            capturable=device.type == "cuda",
        )
        moments = {name: torch.zeros_like(self.weights) for name in ("exp_avg", "exp_avg_sq")}
        # in place for resume and capture
        self.optimizer.state[self.weights] = {"step": torch.zeros((), device=device), **moments}
        self.slot = torch.zeros(1, dtype=torch.long, device=device)
        self.log = torch.zeros(LOG_EVERY, len(TERMS), device=device)
        self.drawn = torch.zeros(
            LOG_EVERY, 2, recipe.batch // self.group.size, dtype=torch.long, device=device
        )
        self.done = 0
        self.streams = streams.Streams(device) if device.type == "cuda" else None
        self.graph: torch.cuda.CUDAGraph | None = None

    def _gradient(self) -> Tensor:
        """The mean over the processes of all parameters' gradients, in the order of the weights."""
        parameters = list(self.work.parameters())
        parts = self.gradient.split([_room(p) for p in parameters])
        views = [part[: p.numel()] for p, part in zip(parameters, parts, strict=True)]
        torch._foreach_copy_(
            views, [_rows(p.grad).flatten() for p in parameters if p.grad is not None]
        )  # one kernel: all are vectors
        return self.group.average(self.gradient.float()) if self.group.size > 1 else self.gradient

    @torch.no_grad()
    def _standardise_style(self) -> None:
        """Moments of the motion style over some thousand random training clips: σ of a derivative
        is twenty times σ of a position.
        """
        generator = torch.Generator(self.device).manual_seed(0)
        batch = self.batches.gather(*self.batches.draw(1024, generator))
        self.model.style_mean.copy_(batch.motion.mean((0, 1)))
        self.model.style_std.copy_(batch.motion.std((0, 1)).clamp_min(1e-3))

    def losses(self, row: Tensor, start: Tensor) -> dict[str, Tensor]:
        """Eq 7 of the clips that start at `start` of pairs `row`."""
        batch = self.batches.gather(row, start)
        heads = (
            self.batches.prefixes(self.model.config.heads, len(row), self.generator)
            if self.model.config.nested
            else None
        )
        samples = self.recipe.weights.samples
        predicted: Prediction = self.work(
            batch.mfcc,
            batch.motion,
            batch.e,
            generator=self.generator,
            heads=heads,
            samples=samples,
        )
        return losses.total(*predicted, batch.target, self.recipe.weights, self.batches.weight)

    def step(self) -> None:
        """Draw, predict, learn. No value leaves the device."""
        row, start = self.batches.draw(self.recipe.batch // self.group.size, self.generator)
        if self.half is not None:
            self.half.copy_(self.weights)
        self.work.zero_grad(set_to_none=True)
        with streams.using(self.streams):
            terms = self.losses(row, start)
            (terms["loss"] * SCALE).backward()
        grad = self._gradient()
        norm = torch.linalg.vector_norm(grad, dtype=torch.float32)
        # a vector of one: bfloat16 becomes float32
        self.weights.grad = grad * ((self.recipe.clip * SCALE / norm).clamp_max(1) / SCALE)[None]
        self.optimizer.step()
        self.log.index_copy_(
            0, self.slot, torch.stack([terms[name].detach() for name in TERMS])[None]
        )
        self.drawn.index_copy_(0, self.slot, torch.stack([row, start])[None])
        self.slot.add_(1).remainder_(LOG_EVERY)

    def capture(self) -> None:
        """Record the whole step as one CUDA graph; the weights are as before afterwards."""
        before = {name: x.clone() for name, x in self.tensors().items()}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.step()
        torch.cuda.current_stream().wait_stream(side)
        self.work.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.generator)
        # what waits for the longest chain goes before what runs beside it
        with torch.cuda.graph(graph, stream=torch.cuda.Stream(priority=-1)):
            self.step()
        self.graph = graph
        self.load(before)

    def advance(self) -> None:
        """One step at the schedule's learning rate, replayed where it was captured."""
        r = self.recipe
        fall = 0.5 + 0.5 * math.cos(math.pi * self.done / r.steps) if r.decay == "cosine" else 1.0
        self.lr.fill_(r.lr * fall * min(1.0, (self.done + 1) / max(1, r.warmup)))
        self.graph.replay() if self.graph else self.step()
        self.done += 1

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a run needs to go on: weights, moments, place in the log, noise."""
        return {
            "weights": self.weights,
            "slot": self.slot,
            "generator": self.generator.get_state(),
            **self.optimizer.state[self.weights],
        }

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        """Put `tensors` in place, without moving what a captured graph points to."""
        for name, x in self.tensors().items():
            if name != "generator":
                x.copy_(tensors[name])
        self.generator.set_state(tensors["generator"].cpu())

    def check(self, out: Path, steps: int) -> list[dict[str, float]]:
        """The last `steps` steps' losses; stops the run at the first that is not finite, its batch
        saved.
        """
        rows = (
            self.log[:steps].tolist()
            if steps == LOG_EVERY
            else self.log[torch.arange(self.done - steps, self.done) % LOG_EVERY].tolist()
        )
        for n, values in enumerate(rows):
            if not all(map(math.isfinite, values)):
                step = self.done - steps + n
                row, start = self.drawn[step % LOG_EVERY]
                batch = self.batches.gather(row, start)
                arrays = {
                    "row": row,
                    "start": start,
                    "mfcc": batch.mfcc,
                    "motion": batch.motion,
                    "e": batch.e,
                    **batch.target._asdict(),
                }
                path = out / f"bad-batch-{step}.safetensors"
                checkpoint.write(
                    path,
                    {k: x.cpu().contiguous().clone() for k, x in arrays.items()},
                    {"recipe": self.recipe.to_dict()},
                )
                terms = ", ".join(
                    f"{name} {value:.3g}" for name, value in zip(TERMS, values, strict=True)
                )
                raise ElpError(
                    f"training stopped at step {step}: the loss is not finite ({terms}); its batch is in {path}: lower the learning rate"
                )
        return [dict(zip(TERMS, values, strict=True)) for values in rows]


@torch.no_grad()
def validate(
    model: ASE, corpus: Corpus, recipe: Recipe, split: str = "val", count: int = 256
) -> dict[str, float]:
    """Eq 7's terms on fixed random clips of a split that training never saw, codes sampled.

    Returns:
        The terms; "argmax", motion error when every head takes its most probable category;
            "variance", the temporal variance of β
        within the clips over the true one (1 is as lively as the truth); where emotions are known,
            "emotion_accuracy", how often
        e' is right.
    """
    batches = Batches(corpus, model, split, recipe.frames)
    generator = torch.Generator(model.beta_mean.device).manual_seed(0)
    training, found = model.training, []
    model.eval()
    with warnings.catch_warnings():
        # they lie apart since `flatten`: of no concern for a few batches
        warnings.filterwarnings("ignore", message="RNN module weights")
        for _ in range(0, count, 32):
            batch = batches.gather(*batches.draw(32, generator))
            predicted: Prediction = model(batch.mfcc, batch.motion, batch.e, generator=generator)
            likely: Prediction = model(batch.mfcc, batch.motion, batch.e, tau=0.0)
            both: Prediction = model(
                batch.mfcc, batch.motion, batch.e, generator=generator, samples=2
            )
            weights = replace(recipe.weights, score="l2")
            values = losses.total(*predicted, batch.target, weights, batches.weight)
            known = batch.target.e.sum(-1) > 0
            values["argmax"] = losses.total(*likely, batch.target, weights, batches.weight)[
                "motion"
            ]
            values["energy"] = losses.total(
                *both, batch.target, replace(weights, score="energy"), batches.weight
            )["motion"]
            if known.any():
                values["emotion_accuracy"] = (
                    (predicted.emotion.argmax(-1) == batch.target.e.argmax(-1))[known]
                    .float()
                    .mean()
                )
            lively = [
                (x * batches.weight.sqrt()).var(1).sum()
                for x in (predicted.beta, batch.target.beta)
            ]
            values["variance"] = lively[0] / lively[1]
            found.append({name: float(x) for name, x in values.items()})
    model.train(training)
    # a batch of unknown emotions has no accuracy, and is left out of its mean
    return pd.DataFrame(found).mean().round(5).to_dict()


def flatten(model: nn.Module) -> Tensor:
    """Move all parameters into one tensor, which is returned; the model reads its slices.

    One tensor makes the cast to half precision, the all-reduce and the optimiser one kernel each
    instead of two hundred.
    """
    parameters = list(model.parameters())
    flat = parameters[0].new_zeros(sum(map(_room, parameters)))
    for p, part in zip(parameters, flat.split([_room(p) for p in parameters]), strict=True):
        view = part[: p.numel()].view(_rows(p).shape)
        view.copy_(_rows(p.detach()))
        p.data = view.permute(0, 3, 1, 2) if p.dim() == 4 else view
    return flat.detach()


def _rows(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x  # convolutions lie channels-last in memory


def _room(x: Tensor) -> int:
    # aligned: cuDNN falls back to kernels five times slower where a weight starts at an odd address
    return -(-x.numel() // 128) * 128


def train(
    recipe: Recipe,
    corpus: Corpus,
    out: str | Path,
    *,
    device: str | None = None,
    resume: bool = False,
    progress: bool = False,
) -> dict[str, Any]:
    """Train a model; start it under `torchrun` to share the batch between processes (chapter
    "Training").

    Args:
        recipe: from `elp.training.recipes`.
        corpus: opened corpus with a "train" split.
        out: folder for model.safetensors, state.safetensors (to resume), log.csv (every step) and
            run.json (the run's card).
        device: "cpu", "cuda", "cuda:1"; by default CUDA where there is one.
        resume: go on from the state in `out`; on CPU the result equals an uninterrupted run bit for
            bit.
        progress: show a progress bar on stderr.

    Returns:
        The run's card, as in run.json.

    Raises:
        ElpError: `out` holds another run, no such device, or the loss is not finite.
    """
    from tqdm import tqdm

    started = time.time()
    commit()  # of the code that trains, whatever is committed meanwhile
    out = Path(out)
    state = out / "state.safetensors"
    if state.exists() and not resume:
        raise ElpError(f"{out}: holds a run already: choose another folder, or resume it")
    with Group.join(device) as group:
        trainer = Trainer(recipe, corpus, group.device, group)
        history = _restore(trainer, state) if state.exists() else []
        if trainer.device.type == "cuda":
            trainer.capture()
        with (
            tqdm(
                total=recipe.steps,
                initial=trainer.done,
                desc=recipe.name,
                disable=not progress or group.rank,
            ) as bar,
            _Meter(trainer) as meter,
        ):
            _loop(trainer, out, history, bar)
        card = _card(trainer, history, started, meter)
        if "val" in set(corpus.index["split"]):
            card["validation"] = validate(trainer.model, corpus, trainer.recipe)
        _save(trainer, out, history)
        if group.rank == 0:
            checkpoint.save(out / "model.safetensors", trainer.model, card)
            write_json(out / "run.json", card)
    return card


def _loop(trainer: Trainer, out: Path, history: list[dict[str, float]], bar: Any) -> None:
    saved, steps = time.time(), trainer.recipe.steps
    with _interrupts() as asked:
        while trainer.done < steps:
            before = trainer.done
            while trainer.done < steps and not asked:
                trainer.advance()
                if trainer.done % LOG_EVERY == 0:
                    break
            history += trainer.check(out, trainer.done - before)
            bar.update(trainer.done - before)
            bar.set_postfix(loss=f"{history[-1]['loss']:.3f}" if history else "", refresh=False)
            stop = trainer.group.any(bool(asked))
            if stop or trainer.group.any(time.time() - saved > SAVE_EVERY):
                _save(trainer, out, history)
                saved = time.time()
            if stop:
                raise KeyboardInterrupt


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """A list that Ctrl-C appends to, so that a step is never cut in half; the second Ctrl-C stops
    at once.
    """
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, previous)

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    previous = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, previous)


def _save(trainer: Trainer, out: Path, history: list[dict[str, float]]) -> None:
    generators = trainer.group.gather(trainer.generator.get_state())
    if trainer.group.rank:
        return
    tensors = {
        name: x.detach().cpu().contiguous().clone()
        for name, x in trainer.tensors().items()
        if name != "generator"
    }
    tensors |= {f"generator.{rank}": x for rank, x in enumerate(generators)}
    tensors["history"] = torch.tensor(
        [[row[name] for name in TERMS] for row in history], dtype=torch.float64
    ).reshape(-1, len(TERMS))
    checkpoint.write(
        out / "state.safetensors",
        tensors,
        {"recipe": trainer.recipe.to_dict(), "done": trainer.done},
    )
    with atomic(out / "log.csv") as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, ("step", *TERMS))
        writer.writeheader()
        writer.writerows(
            {"step": n} | {k: f"{v:.6g}" for k, v in row.items()} for n, row in enumerate(history)
        )


def _restore(trainer: Trainer, state: Path) -> list[dict[str, float]]:
    tensors, meta = checkpoint.read(state)
    if from_dict(meta["recipe"]) != trainer.recipe:
        raise ElpError(
            f"{state}: was made by another recipe or corpus: resume with the same one, or choose another folder"
        )
    generator = tensors.get(f"generator.{trainer.group.rank}")
    if generator is None:
        raise ElpError(f"{state}: was made by fewer processes: resume with as many as before")
    trainer.load(tensors | {"generator": generator})
    trainer.done = int(meta["done"])
    return [dict(zip(TERMS, row, strict=True)) for row in tensors["history"].tolist()]


class _Meter(contextlib.AbstractContextManager["_Meter"]):
    """Seconds and, where NVML tells, joules of the training loop alone."""

    def __init__(self, trainer: Trainer) -> None:
        self.device, self.seconds, self.done = trainer.device, 0.0, trainer.done
        self.joules: float | None = None

    def _energy(self) -> float | None:
        with contextlib.suppress(Exception):  # no card, or no NVML, is no reason to fail
            import pynvml

            pynvml.nvmlInit()
            # NVML counts all cards, torch those that CUDA_VISIBLE_DEVICES names
            card = torch.cuda.get_device_properties(self.device).uuid
            handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{card}")
            return pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000
        return None

    def __enter__(self) -> _Meter:
        self._sync()
        self.before, self.start = self._energy(), time.perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        self._sync()
        self.seconds = time.perf_counter() - self.start
        after = self._energy()
        self.joules = None if after is None or self.before is None else after - self.before

    def _sync(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _card(
    trainer: Trainer, history: list[dict[str, float]], started: float, meter: _Meter
) -> dict[str, Any]:
    name = torch.cuda.get_device_name(trainer.device) if trainer.device.type == "cuda" else "cpu"
    recent = history[-200:]
    every = max(1, len(history) // 100)
    steps = trainer.done - meter.done
    return run_card(seed=trainer.recipe.seed, device=name, started=started) | {
        "recipe": trainer.recipe.to_dict(),
        "corpus": {
            key: trainer.batches.card.get(key)
            for key in ("name", "version", "seed", "clips", "person_hours")
        },
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "processes": trainer.group.size,
        "train_seconds": round(meter.seconds, 2),
        "steps_per_second": round(steps / meter.seconds, 2) if steps else None,
        "joules": meter.joules,
        "final": {name: sum(row[name] for row in recent) / max(1, len(recent)) for name in TERMS},
        "curves": {
            name: [
                round(_mean(history[n : n + every], name), 5) for n in range(0, len(history), every)
            ]
            for name in TERMS
        },
    }


def _mean(rows: list[dict[str, float]], name: str) -> float:
    return sum(row[name] for row in rows) / len(rows)
