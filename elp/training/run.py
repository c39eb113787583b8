"""A run that leaves a checkpoint, a log and a card, and resumes where it stopped (chapter
"Training").
"""

# K logged step
from __future__ import annotations

import contextlib
import csv
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.files import alone, atomic, check, unwritable
from elp.files.stops import Stopped, noticed, number
from elp.model import checkpoint
from elp.records import commit, run_card, write_json
from elp.training.distributed import Group
from elp.training.event_run import SAVE_EVERY, train_events
from elp.training.meter import Meter
from elp.training.recipes import Recipe, from_dict
from elp.training.trainer import LOG_EVERY, TERMS, Trainer
from elp.training.validation import validate

LOCK = ".elp-run.lock"  # in the folder of a run, as long as it runs
# of the card, what differs between equal runs: run.json has it, the model's own file has not
CLOCKS = ("date", "seconds", "train_seconds", "steps_per_second", "joules")
History = list[dict[str, float]]  # the `TERMS` of every step


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
        ElpError: `out` holds another run, another run is training there, it cannot be written, no
            such device, or the loss is not finite.
        Stopped: Ctrl-C, TERM or HUP; the state is saved first.
    """
    from tqdm import tqdm

    started = time.time()
    commit()  # of the code that trains, whatever is committed meanwhile
    out = Path(out)
    state = out / "state.safetensors"
    with Group.join(device) as group, place(out, group.rank):
        if state.exists() and not resume:
            raise ElpError(f"{out}: holds a run already: choose another folder, or resume it")
        trainer = Trainer(recipe, corpus, group.device, group)
        history = _restore(trainer, state) if state.exists() else []
        if not history:
            _save(trainer, out, history)  # a disk without room for it is found now
        terms = train_events(trainer, out, resume, progress)
        if trainer.device.type == "cuda":
            trainer.capture()
        shown = {"total": recipe.steps, "initial": trainer.done, "desc": recipe.name}
        with (
            tqdm(**shown, disable=not progress or group.rank) as bar,
            Meter(trainer.device, trainer.done) as meter,
        ):
            _loop(trainer, out, history, bar)
        _save(trainer, out, history)
        card = _card(trainer, history, started, meter)
        if terms is not None:
            card["events"] = terms
        if "val" in set(corpus.index["split"]):
            card["validation"] = validate(trainer.model, corpus, trainer.recipe, trainer.events)
        if group.rank == 0:
            trainer.model.events = trainer.events
            same = {name: value for name, value in card.items() if name not in CLOCKS}
            checkpoint.save(out / "model.safetensors", trainer.model, same)
            write_json(out / "run.json", card)
    return card


@contextlib.contextmanager
def place(out: Path, rank: int) -> Iterator[None]:
    """The folder of a run, which one run at a time may use; it can be written, or ElpError."""
    if rank:  # the first process sees to it
        yield
        return
    with contextlib.ExitStack() as stack:
        stack.callback(_remove_if_empty, out)
        try:
            Path(os.path.realpath(out)).mkdir(parents=True, exist_ok=True)  # links are followed
            check(out / "state.safetensors")
            stack.enter_context(alone(out / LOCK, f"{out}: another run is training there"))
        except OSError as error:
            raise unwritable(out, error=error) from error
        try:
            yield
        except KeyboardInterrupt as stop:
            raise Stopped(
                f"{out}: what was trained is saved: the same command with --resume goes on",
                number(stop),
            ) from stop


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _loop(trainer: Trainer, out: Path, history: History, bar: Any) -> None:
    saved, steps = time.time(), trainer.recipe.steps
    with noticed() as asked:
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
                raise Stopped(number=asked[0] if asked else signal.SIGINT)


def _save(trainer: Trainer, out: Path, history: History) -> None:
    generators = trainer.group.gather(trainer.generator.get_state())
    if trainer.group.rank:
        return
    tensors = {
        name: x.detach().cpu().contiguous().clone()
        for name, x in trainer.tensors().items()
        if name != "generator"
    }
    tensors |= {f"generator.{rank}": x for rank, x in enumerate(generators)}
    values = [[row[name] for name in TERMS] for row in history]
    tensors["history"] = torch.tensor(values, dtype=torch.float64).reshape(-1, len(TERMS))
    meta = {"recipe": trainer.recipe.to_dict(), "done": trainer.done}
    checkpoint.write(out / "state.safetensors", tensors, meta)
    with atomic(out / "log.csv") as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, ("step", *TERMS))
        writer.writeheader()
        writer.writerows(
            {"step": n} | {k: f"{v:.6g}" for k, v in row.items()} for n, row in enumerate(history)
        )


def _restore(trainer: Trainer, state: Path) -> History:
    tensors, meta = checkpoint.read(state)
    try:
        return _resumed(trainer, state, tensors, meta)
    except ElpError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ElpError(
            f"{state}: not the state of such a run, or damaged: choose another folder"
        ) from error


def _resumed(
    trainer: Trainer, state: Path, tensors: dict[str, torch.Tensor], meta: dict[str, Any]
) -> History:
    if from_dict(meta["recipe"]) != trainer.recipe:
        raise ElpError(
            f"{state}: was made by another recipe or corpus: resume with the same one, or choose "
            "another folder"
        )
    generator = tensors.get(f"generator.{trainer.group.rank}")
    if generator is None:
        raise ElpError(f"{state}: was made by fewer processes: resume with as many as before")
    trainer.load(tensors | {"generator": generator})
    trainer.done = int(meta["done"])
    return [dict(zip(TERMS, row, strict=True)) for row in tensors["history"].tolist()]


def _card(trainer: Trainer, history: History, started: float, meter: Meter) -> dict[str, Any]:
    name = torch.cuda.get_device_name(trainer.device) if trainer.device.type == "cuda" else "cpu"
    of_corpus = ("name", "version", "seed", "clips", "person_hours")
    steps = trainer.done - meter.done
    return run_card(seed=trainer.recipe.seed, device=name, started=started) | {
        "recipe": trainer.recipe.to_dict(),
        "corpus": {key: trainer.sampler.corpus.card.get(key) for key in of_corpus},
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "processes": trainer.group.size,
        "train_seconds": round(meter.seconds, 2),
        "steps_per_second": round(steps / meter.seconds, 2) if steps else None,
        "joules": meter.joules,
        "final": {name: _mean(history[-200:], name) for name in TERMS},
        "curves": {name: _curve(history, name) for name in TERMS},
    }


def _curve(history: History, name: str, points: int = 100) -> list[float]:
    """A term in about so many means of neighbouring steps."""
    every = max(1, len(history) // points)
    return [round(_mean(history[n : n + every], name), 5) for n in range(0, len(history), every)]


def _mean(rows: History, name: str) -> float:
    return sum(row[name] for row in rows) / max(1, len(rows))
