"""A training of a renderer that leaves a checkpoint and a card, and resumes where it stopped
(chapter "The renderer").
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elp.errors import ElpError
from elp.files.stops import Stopped, noticed
from elp.model import checkpoint as tensors_file
from elp.records import commit, run_card, write_json
from elp.render.mesh2video import checkpoint
from elp.render.mesh2video.footage import Footage
from elp.render.mesh2video.landmarks import LandmarkNet
from elp.render.mesh2video.layers import on
from elp.render.mesh2video.recipes import RendererRecipe, from_dict
from elp.render.mesh2video.studio import Studio
from elp.render.mesh2video.trainer import LandmarkTrainer, RendererTrainer
from elp.training.distributed import Group
from elp.training.run import place

SAVE_EVERY = 300.0  # seconds between two saved states
LOOK = 50  # steps between two looks at the loss and the clock


def train(
    recipe: RendererRecipe,
    out: str | Path,
    *,
    videos: str | Path | None = None,
    device: str | None = None,
    resume: bool = False,
    progress: bool = False,
) -> dict[str, Any]:
    """Train a renderer; start it under `torchrun` to share the batch between processes.

    Args:
        recipe: from `elp.render.mesh2video.recipes`.
        out: folder for model.safetensors, state.safetensors (to resume) and run.json (the card).
        videos: a folder of videos of people who talk; without, people are simulated.
        device: "cpu", "cuda", "cuda:1"; by default CUDA where there is one.
        resume: go on from the state in `out`; alone on a CPU the result equals an uninterrupted
            run bit for bit.
        progress: show a progress bar on stderr.

    Returns:
        The run's card, as in run.json.

    Raises:
        ElpError: `out` holds another run, another run is training there, it cannot be written, no
            such device, no usable video, or the loss is not finite.
        Stopped: Ctrl-C, TERM or HUP; the state is saved first.
    """
    started, out = time.time(), Path(out)
    commit()  # of the code that trains, whatever is committed meanwhile
    state = out / "state.safetensors"
    with Group.join(device) as group, place(out, group.rank):
        if state.exists() and not resume:
            raise ElpError(f"{out}: holds a run already: choose another folder, or resume it")
        footage = _footage(recipe, videos, group)
        trainer = _trainer(recipe, footage, state if state.exists() else None, group)
        _loop(trainer, out, progress)
        card = run_card(seed=recipe.seed, device=_name(group), started=started) | {
            "recipe": recipe.to_dict(),
            "people": footage.people,
            "pictures": footage.people * footage.states,
            "corpus": "simulated" if videos is None else Path(videos).name,
            "parameters": sum(p.numel() for p in trainer.net.parameters()),
            "processes": group.size,
            "loss": float(trainer.loss),
        }
        if group.rank == 0:
            checkpoint.save(out / "model.safetensors", trainer.net, card)
            write_json(out / "run.json", card)
    return card


def _name(group: Group) -> str:
    return torch.cuda.get_device_name(group.device) if group.device.type == "cuda" else "cpu"


def _footage(recipe: RendererRecipe, videos: str | Path | None, group: Group) -> Footage:
    """The same for every process: who is drawn when is each one's own affair."""
    if videos is None:
        studio = Studio(recipe.seed, group.device)
        return studio.film(recipe.people, recipe.states, recipe.side)
    from elp.render.mesh2video.videos import footage

    return footage(videos, recipe.states, recipe.side, group.device)


def _trainer(
    recipe: RendererRecipe, footage: Footage, state: Path | None, group: Group
) -> RendererTrainer:
    """Ready to go on from a saved state, or from the start: then the features are learned first."""
    if state is None:
        return RendererTrainer(recipe, footage, _features(recipe, footage, group), group)
    tensors, meta = tensors_file.read(state)
    if from_dict(meta["recipe"]) != recipe:
        raise ElpError(
            f"{state}: was made by another recipe: resume with the same one, or choose another "
            "folder"
        )
    draws = tensors.pop(f"generator.{group.rank}", None)
    if draws is None:
        raise ElpError(f"{state}: was made by fewer processes: resume with as many as before")
    net = on(LandmarkNet(), group.device)
    trainer = RendererTrainer(recipe, footage, net, group)
    trainer.restore({k: x for k, x in tensors.items() if "/" in k}, int(meta["done"]))
    trainer.generator.set_state(draws)
    return trainer


def _features(recipe: RendererRecipe, footage: Footage, group: Group) -> LandmarkNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = on(LandmarkNet(), group.device)
    trainer = LandmarkTrainer(
        f"{recipe.name}: landmarks",
        net,
        footage,
        group,
        steps=recipe.features,
        batch=recipe.batch,
        lr=1e-3,
        seed=recipe.seed,
    )
    for _ in range(recipe.features):
        trainer.advance()
    return net


def _loop(trainer: RendererTrainer, out: Path, progress: bool) -> None:
    from tqdm import tqdm

    saved, group = time.time(), trainer.group
    shown = {"total": trainer.steps, "initial": trainer.done, "desc": trainer.name}
    with tqdm(**shown, disable=not progress or group.rank) as bar, noticed() as asked:
        recorded = None  # whether the step that a graph replays has a critic
        while trainer.done < trainer.steps:
            if trainer.device.type == "cuda" and trainer.judged != recorded:
                recorded = trainer.judged
                trainer.capture()
            before = trainer.done
            while trainer.done < trainer.steps and not asked:
                trainer.advance()
                if trainer.done % LOOK == 0:
                    break
            trainer.require_finite(trainer.done, [float(trainer.loss)])
            bar.update(trainer.done - before)
            stop = group.any(bool(asked))
            if stop or group.any(time.time() - saved > SAVE_EVERY):
                save(trainer, out)
                saved = time.time()
            if stop:
                raise Stopped(number=asked[0] if asked else signal.SIGINT)
        save(trainer, out)


def save(trainer: RendererTrainer, out: Path) -> None:
    """Write state.safetensors, from which the run goes on."""
    draws = trainer.group.gather(trainer.generator.get_state())
    if trainer.group.rank:
        return
    tensors: dict[str, Tensor] = {
        name: x.detach().cpu().contiguous().clone() for name, x in trainer.state().items()
    }
    tensors |= {f"generator.{rank}": x for rank, x in enumerate(draws)}
    meta = {"recipe": trainer.recipe.to_dict(), "done": trainer.done}
    tensors_file.write(out / "state.safetensors", tensors, meta)
