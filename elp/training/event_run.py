"""The event heads' part of a run: it comes first, stops and resumes as the rest does (chapter
"Training").
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from elp.errors import ElpError
from elp.files.stops import Stopped, noticed
from elp.model import checkpoint
from elp.training.events import TERMS, EventRecipe, EventSampler, EventTrainer
from elp.training.trainer import LOG_EVERY, Trainer

SAVE_EVERY = 60.0  # seconds


def train_events(
    trainer: Trainer, out: Path, resume: bool, progress: bool
) -> dict[str, float] | None:
    """Train the event heads of a model that has some, or read those that an interrupted run had
    finished.

    Every process trains the same ones alike: minutes on a GPU, and nothing to share.

    Args:
        out: folder for events.safetensors and, until that is there, events-state.safetensors.

    Returns:
        Their losses in the last step.

    Raises:
        Stopped: asked to stop; the state is saved.
    """
    recipe, events = trainer.recipe.events or EventRecipe(), trainer.events
    path, state = out / "events.safetensors", out / "events-state.safetensors"
    if events is None:
        return None
    if resume and path.exists():
        tensors, meta = checkpoint.read(path)
        events.load_state_dict(tensors)
        return dict(meta["terms"])
    sampler = EventSampler(trainer.sampler.corpus, events, recipe.frames, device=trainer.device)
    loop = EventTrainer(
        recipe, events, sampler, seed=trainer.recipe.seed, name=f"{trainer.recipe.name}, events"
    )
    if resume and state.exists():
        _restore(loop, state)
    if trainer.device.type == "cuda":
        loop.capture()
    first = trainer.group.rank == 0
    _steps(loop, state if first else None, progress and first)
    terms = dict(zip(TERMS, loop.terms.tolist(), strict=True))
    if first:
        kept = {name: x.detach().cpu().contiguous() for name, x in events.state_dict().items()}
        checkpoint.write(path, kept, {"terms": terms})
        state.unlink(missing_ok=True)
    events.eval()
    return terms


def _steps(loop: EventTrainer, state: Path | None, progress: bool) -> None:
    """What is left of them, saved every minute and when asked to stop."""
    from tqdm import tqdm

    saved, steps = time.time(), loop.recipe.steps
    shown = {"total": steps, "initial": loop.done, "desc": loop.name}
    with noticed() as asked, tqdm(**shown, disable=not progress) as bar:
        while loop.done < steps:
            loop.advance()
            bar.update()
            if loop.done % LOG_EVERY == 0 or loop.done == steps:
                loop.require_finite(loop.done, loop.terms.tolist())
            if state is not None and (asked or time.time() - saved > SAVE_EVERY):
                _save(loop, state)
                saved = time.time()
            if asked:
                raise Stopped(number=asked[0])


def _save(loop: EventTrainer, state: Path) -> None:
    tensors = {f"events.{name}": x for name, x in loop.events.state_dict().items()}
    for k, x in enumerate(loop.events.parameters()):
        tensors |= {f"moments.{k}.{name}": y for name, y in loop.optimizer.state[x].items()}
    tensors["generator"] = loop.generator.get_state()
    kept = {name: x.detach().cpu().contiguous().clone() for name, x in tensors.items()}
    checkpoint.write(state, kept, {"recipe": asdict(loop.recipe), "done": loop.done})


def _restore(loop: EventTrainer, state: Path) -> None:
    tensors, meta = checkpoint.read(state)
    if meta.get("recipe") != asdict(loop.recipe):
        raise ElpError(f"{state}: was made by another recipe: choose another folder")
    heads = {n.removeprefix("events."): x for n, x in tensors.items() if n.startswith("events.")}
    loop.events.load_state_dict(heads)
    for k, x in enumerate(loop.events.parameters()):
        of = {name: y for name, y in tensors.items() if name.startswith(f"moments.{k}.")}
        if of:  # a parameter that no loss reaches has none
            loop.optimizer.state[x] = {n.split(".")[2]: y.to(loop.device) for n, y in of.items()}
    loop.generator.set_state(tensors["generator"])
    loop.done = int(meta["done"])
