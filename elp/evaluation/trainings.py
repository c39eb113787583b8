"""How the learned rows of the tables are trained, a step at a time, and loaded (chapter
"Results").
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from elp import baselines
from elp.baselines.fit import Fit
from elp.corpus.format import Corpus
from elp.listener.contract import Responder
from elp.listener.responder import ELPResponder
from elp.model import checkpoint
from elp.training import recipes
from elp.training.events import EventSampler, EventTrainer
from elp.training.trainer import LOG_EVERY, Trainer


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long the rows are trained, and as which of ELP's recipes.

    Attributes:
        recipe: of ELP. printed: of its rows that train as the paper says.
        steps: of ELP, instead of the recipes'. balanced: draw every emotion equally often.
        rlhg_steps: of RLHG and PCH, 100 epochs by default.
        l2l_steps: of L2L's VQ-VAE and of its predictor. l2l_batch: windows in a step of either.
    """

    recipe: str = "lively"
    printed: str = "vico"
    steps: int | None = None
    balanced: bool = False
    rlhg_steps: int | None = None
    l2l_steps: tuple[int, int] = (6000, 4000)
    l2l_batch: int = 128


@dataclass(frozen=True, kw_only=True)
class Training(ABC):
    """A model that rows wait for.

    Attributes:
        name: of the model and its files.
        long: it takes longer to train than its rows to measure.
    """

    name: str
    long: bool = False

    @abstractmethod
    def train(
        self, corpus: Corpus, budget: Budget, seed: int, device: str, path: Path
    ) -> Iterator[None]:
        """Train, a step each time, so that several can share a device; `path` is there then."""

    @abstractmethod
    def load(self, corpus: Corpus, path: Path, device: str) -> Responder:
        """What `train` left, ready to respond."""

    def path(self, folder: Path, seed: int) -> Path:
        """Where the model of a seed lies in a folder of models."""
        return folder / f"{file_name(self.name)}-{seed}.safetensors"

    def found(self, folder: Path) -> list[Path]:
        """The models of all seeds in a folder, in the seeds' order."""
        form = re.compile(rf"{re.escape(file_name(self.name))}-(\d+)\.safetensors")
        seeds = [int(m[1]) for p in folder.iterdir() if (m := form.fullmatch(p.name))]
        return [self.path(folder, seed) for seed in sorted(seeds)]


def file_name(name: str) -> str:
    """A row's name as a file's: "ELP-U H=16" -> "ELP-U-H16"."""
    return name.replace(" ", "-").replace("=", "").replace(",", "")


@dataclass(frozen=True, kw_only=True)
class ELPTraining(Training):
    """One of ELP's variants.

    Attributes:
        space: "U" or "V". heads: H, the recipe's by default.
        raw_motion: the encoder sees β and p themselves too; the paper's Eq 1 is the style alone.
        causal: it looks at no future frame.
        printed: with the loss and the length of the paper (Eq 3). exact: and with all else that it
            prints, see `recipes.as_printed`.
        recipe_name: of its recipe, where it is not the budget's.
        emotion_branch: what infers e', the recipe's by default.
    """

    space: str = "U"
    heads: int | None = None
    raw_motion: bool = True
    causal: bool = False
    printed: bool = False
    exact: bool = False
    recipe_name: str | None = None
    emotion_branch: Literal["tdnn", "linear"] | None = None

    def recipe(self, budget: Budget, seed: int) -> recipes.Recipe:
        """What the trainer is given."""
        named = budget.printed if self.printed else self.recipe_name or budget.recipe
        base = recipes.get(named)
        if self.exact:
            base = recipes.as_printed(base)
        if base.events and budget.steps:
            base = replace(base, events=replace(base.events, steps=budget.steps))
        changes: dict[str, Any] = {"space": self.space, "causal": self.causal or base.model.causal}
        if not self.raw_motion:
            changes["raw_motion"] = False
        given = {"heads": self.heads, "emotion_branch": self.emotion_branch}
        changes |= {name: value for name, value in given.items() if value is not None}
        return replace(
            recipes.variant(base, self.name, **changes),
            seed=seed,
            steps=budget.steps or base.steps,
            balanced=budget.balanced or base.balanced,
        )

    def train(
        self, corpus: Corpus, budget: Budget, seed: int, device: str, path: Path
    ) -> Iterator[None]:
        started = time.time()
        trainer = Trainer(self.recipe(budget, seed), corpus, torch.device(device))
        yield from _event_heads(trainer)
        if device != "cpu":
            trainer.capture()
        steps = trainer.recipe.steps
        while trainer.done < steps:
            trainer.advance()
            if trainer.done % LOG_EVERY == 0 or trainer.done == steps:
                last = trainer.check(path.parent, (trainer.done - 1) % LOG_EVERY + 1)[-1]
            yield
        loss = round(last["loss"], 4)
        card = _card(steps, trainer.recipe.batch, loss, started)
        trainer.model.events = trainer.events
        checkpoint.save(path, trainer.model, card)

    def load(self, corpus: Corpus, path: Path, device: str) -> Responder:
        """On the processor, where a conversation takes no longer and no training waits for it."""
        return ELPResponder.from_checkpoint(path)


@dataclass(frozen=True, kw_only=True)
class RegressionTraining(Training):
    """RLHG, or with `residual` PCH's listener."""

    residual: bool = False

    def train(
        self, corpus: Corpus, budget: Budget, seed: int, device: str, path: Path
    ) -> Iterator[None]:
        started = time.time()
        fit = baselines.rlhg_fit(
            corpus, residual=self.residual, seed=seed, device=device, steps=budget.rlhg_steps
        )
        yield from _finished(fit)
        _write(path, fit.model, _card(fit.steps, fit.batch, {self.name: _last(fit)}, started))

    def load(self, corpus: Corpus, path: Path, device: str) -> Responder:
        model = baselines.RLHG(baselines.Features(corpus), residual=self.residual)
        model.load_state_dict(checkpoint.read(path)[0])
        return model.to(device).eval()


@dataclass(frozen=True, kw_only=True)
class L2LTraining(Training):
    """L2L: a VQ-VAE, then the predictor of its codes."""

    def train(
        self, corpus: Corpus, budget: Budget, seed: int, device: str, path: Path
    ) -> Iterator[None]:
        started = time.time()
        model, fits = baselines.l2l_fits(
            corpus, seed=seed, device=device, steps=budget.l2l_steps, batch=budget.l2l_batch
        )
        losses, steps, batch = {}, 0, 0
        for name, fit in fits:
            yield from _finished(fit)
            losses[name], steps, batch = _last(fit), steps + fit.steps, fit.batch
        _write(path, model, _card(steps, batch, losses, started))

    def load(self, corpus: Corpus, path: Path, device: str) -> Responder:
        model = baselines.L2L(baselines.Features(corpus))
        model.load_state_dict(checkpoint.read(path)[0])
        return model.to(device).eval()


def _event_heads(trainer: Trainer) -> Iterator[None]:
    """Train a model's event heads, where it has some."""
    recipe, events = trainer.recipe.events, trainer.events
    if recipe is None or events is None:
        return
    sampler = EventSampler(trainer.sampler.corpus, events, recipe.frames, device=trainer.device)
    name = f"{trainer.recipe.name}, events"
    loop = EventTrainer(recipe, events, sampler, seed=trainer.recipe.seed, name=name)
    if trainer.device.type == "cuda":
        loop.capture()
    while loop.done < recipe.steps:
        loop.advance()
        if loop.done % LOG_EVERY == 0 or loop.done == recipe.steps:
            loop.require_finite(loop.done, loop.terms.tolist())
        yield
    events.eval()


def _finished(fit: Fit) -> Iterator[None]:
    while fit.done < fit.steps:
        fit.advance()
        yield


def _last(fit: Fit) -> float | None:
    """The last loss seen: on CUDA three steps are done before the first look."""
    return fit.curve[-1] if fit.curve else None


def _card(steps: int, batch: int, loss: Any, started: float) -> dict[str, Any]:
    seconds = round(time.time() - started, 1)
    return {"steps": steps, "batch": batch, "loss": loss, "seconds": seconds}


def _write(path: Path, model: torch.nn.Module, card: dict[str, Any]) -> None:
    tensors = {
        name: x.detach().cpu().contiguous().clone() for name, x in model.state_dict().items()
    }
    checkpoint.write(path, tensors, {"card": card})
