"""The training step: clips on the device, all parameters in one tensor, one update (chapter
"Training").
"""

# B clip, T frame
from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.model import checkpoint
from elp.model.ase import ASE, Prediction
from elp.training import losses
from elp.training.distributed import Group
from elp.training.flat import collect, flatten
from elp.training.listeners import calibrated
from elp.training.loop import Loop
from elp.training.recipes import Recipe
from elp.training.sampler import StyleSampler, prefixes

TERMS = ("loss", "motion", "blink", "smooth", "emotion")
LOG_EVERY = 50  # steps between two looks at the device; the log keeps every step
# of the loss: gradients of a mean would underflow in the LSTMs' float16, a sum's might overflow
SCALE = {"mean": 1024.0, "sum": 1.0}


class Trainer(Loop):
    """One run's tensors and its step.

    Args:
        recipe: the run. corpus: what it learns from. device: where. group: the processes that share
            the run.
        amp: bfloat16 on CUDA, in the fast forms of `elp.training.cuda` (the optimiser's parameters,
            statistics and losses stay float32); False computes in float32.

    Attributes:
        model: what is trained, in float32, without event heads. events: these, calibrated and not
            trained here, or None. work: what runs: the model, or its half-precision copy.
        parameters: all of the model's parameters in one tensor.
        log: (50, 5), the `TERMS` of the last steps. drawn: (50, 2, B), their pairs and first
            frames.
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
        super().__init__(recipe.name, device, recipe.seed * 1009 + self.group.rank, recipe.lr)
        self.count = _share(recipe, self.group)
        self.recipe = _fitted(recipe, corpus)
        config = self.recipe.model
        self.events = calibrated(config, corpus, recipe.seed, device) if config.events else None
        self.sampler = StyleSampler(
            corpus,
            config,
            recipe.frames,
            events=self.events,
            device=device,
            balanced=recipe.balanced,
        )
        self.model = _initial(self.recipe, self.sampler).to(device).train()
        self.model.events = None  # they learn apart: `elp.training.events`
        self.parameters = flatten(self.model)
        self.work, self.half = self.model, None
        if amp and device.type == "cuda":
            from elp.training.cuda.layers import working_copy

            self.work = working_copy(self.model)
            self.half = flatten(self.work)
        self.gradient = torch.zeros_like(self.parameters if self.half is None else self.half)
        self.optimizer = torch.optim.AdamW(
            [self.parameters],
            lr=self.lr,
            weight_decay=recipe.weight_decay,
            fused=True,
            capturable=device.type == "cuda",
        )
        moments = {name: torch.zeros_like(self.parameters) for name in ("exp_avg", "exp_avg_sq")}
        # in place for resume and recording
        self.optimizer.state[self.parameters] = {
            "step": torch.zeros((), device=device),
            **moments,
        }
        self.slot = torch.zeros(1, dtype=torch.long, device=device)
        self.log = torch.zeros(LOG_EVERY, len(TERMS), device=device)
        self.drawn = torch.zeros(LOG_EVERY, 2, self.count, dtype=torch.long, device=device)

    def step(self) -> None:
        """Draw, predict, learn. No value leaves the device."""
        row, start = self.sampler.draw(self.count, self.generator)
        if self.half is not None:
            self.half.copy_(self.parameters)
        self.clear()
        terms = self.losses(row, start)
        scale = SCALE[self.recipe.weights.reduction]
        (terms["loss"] * scale).backward()
        gradient = self._gradient()
        norm = torch.linalg.vector_norm(gradient, dtype=torch.float32)
        # a vector of one: bfloat16 becomes float32
        shrink = ((self.recipe.clip * scale / norm).clamp_max(1) / scale)[None]
        self.parameters.grad = gradient * shrink
        self.optimizer.step()
        values = torch.stack([terms[name].detach() for name in TERMS])
        self.log.index_copy_(0, self.slot, values[None])
        self.drawn.index_copy_(0, self.slot, torch.stack([row, start])[None])
        self.slot.add_(1).remainder_(LOG_EVERY)

    def losses(self, row: Tensor, start: Tensor) -> dict[str, Tensor]:
        """Eq 7 of the clips that start at `start` of pairs `row`."""
        batch, config = self.sampler.gather(row, start), self.recipe.model
        heads = prefixes(config.heads, len(row), self.generator) if config.nested else None
        predicted: Prediction = self.work(
            batch.mfcc,
            batch.motion,
            batch.e,
            batch.own,
            generator=self.generator,
            heads=heads,
            samples=self.recipe.weights.samples,
        )
        return losses.total(*predicted, batch.target, self.recipe.weights, self.sampler.importance)

    def rate(self, done: int) -> float:
        """A linear rise over the warm-up, then a cosine to zero or none."""
        r = self.recipe
        fall = 0.5 + 0.5 * math.cos(math.pi * done / r.steps) if r.decay == "cosine" else 1.0
        return r.lr * fall * min(1.0, (done + 1) / max(1, r.warmup))

    def clear(self) -> None:
        self.work.zero_grad(set_to_none=True)

    def _gradient(self) -> Tensor:
        """The processes' mean of all parameters' gradients, in the order of `parameters`."""
        collect(self.work, self.gradient)
        return self.group.average(self.gradient.float()) if self.group.size > 1 else self.gradient

    def capture(self) -> None:
        """Record the whole step as one CUDA graph; the parameters are as before afterwards."""
        before = {name: x.clone() for name, x in self.tensors().items()}
        super().capture()
        self.load(before)

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a run needs to go on: parameters, moments, place in the log, noise."""
        return {
            "weights": self.parameters,  # as the files of runs have always called them
            "slot": self.slot,
            "generator": self.generator.get_state(),
            **self.optimizer.state[self.parameters],
        }

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        """Put `tensors` in place, without moving what a recorded graph points to."""
        for name, x in self.tensors().items():
            if name != "generator":
                x.copy_(tensors[name])
        self.generator.set_state(tensors["generator"].cpu())

    def check(self, out: Path, steps: int) -> list[dict[str, float]]:
        """The last `steps` steps' losses; stops the run at the first that is not finite, its batch
        saved in the folder `out`.
        """
        last = range(self.done - steps, self.done)
        rows = self.log.tolist()
        found = [dict(zip(TERMS, rows[step % LOG_EVERY], strict=True)) for step in last]
        for step, terms in zip(last, found, strict=True):
            if not all(map(math.isfinite, terms.values())):
                values = ", ".join(f"{name} {value:.3g}" for name, value in terms.items())
                path = self._keep(out, step)
                self.require_finite(step, list(terms.values()), f" ({values}; batch in {path})")
        return found

    def _keep(self, out: Path, step: int) -> Path:
        """Write a step's batch to a file."""
        row, start = self.drawn[step % LOG_EVERY]
        batch = self.sampler.gather(row, start)
        arrays = {"row": row, "start": start, **batch._asdict(), **batch.target._asdict()}
        path = out / f"bad-batch-{step}.safetensors"
        checkpoint.write(
            path,
            {k: x.cpu().contiguous().clone() for k, x in arrays.items() if isinstance(x, Tensor)},
            {"recipe": self.recipe.to_dict()},
        )
        return path


def _share(recipe: Recipe, group: Group) -> int:
    """Clips of a batch that fall to one process."""
    if recipe.batch % group.size:
        raise ElpError(
            f"recipe {recipe.name}: a batch of {recipe.batch} cannot be shared by {group.size} "
            "processes equally"
        )
    return recipe.batch // group.size


def _fitted(recipe: Recipe, corpus: Corpus) -> Recipe:
    """The recipe with the corpus's dimensions and emotions."""
    config = replace(
        recipe.model,
        beta=corpus.beta.shape[1],
        mfcc=corpus.mfcc.shape[1],
        emotions=tuple(corpus.emotions),
    )
    return replace(recipe, model=config)


def _initial(recipe: Recipe, sampler: StyleSampler) -> ASE:
    """An untrained model with the statistics of what it will see."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return ASE(recipe.model, {**sampler.corpus.stats, **sampler.moments()})
