"""What a model says of clips that it never learned from (chapter "Training")."""

# B clip
from __future__ import annotations

import warnings
from dataclasses import replace

import pandas as pd
import torch
from torch import Tensor

from elp.corpus.format import Corpus
from elp.model.ase import ASE, Prediction
from elp.model.events import Events
from elp.training import losses
from elp.training.losses import LossWeights
from elp.training.recipes import Recipe
from elp.training.sampler import Batch, StyleSampler

BATCH = 32


@torch.no_grad()
def validate(
    model: ASE,
    corpus: Corpus,
    recipe: Recipe,
    events: Events | None = None,
    *,
    split: str = "val",
    count: int = 256,
) -> dict[str, float]:
    """Eq 7's terms on fixed random clips of a split that training never saw, codes sampled.

    Args:
        model: trained on this corpus. recipe: of its training. events: its event heads, where it
            has some. count: clips.

    Returns:
        The terms; "argmax", motion error when every head takes its most probable category;
            "energy", the energy score of two draws; "variance", the temporal variance of β within
            the clips over the true one (1 is as lively as the truth); where emotions are known,
            "emotion_accuracy", how often e' is right.
    """
    device = model.holds.device
    sampler = StyleSampler(
        corpus, model.config, recipe.frames, events=events, split=split, device=device
    )
    generator = torch.Generator(device).manual_seed(0)
    training, found = model.training, []
    model.eval()
    with warnings.catch_warnings():
        # they lie apart since `flatten`: of no concern for a few batches
        warnings.filterwarnings("ignore", message="RNN module weights")
        for _ in range(0, count, BATCH):
            batch = sampler.gather(*sampler.draw(BATCH, generator))
            values = _of_batch(model, batch, recipe.weights, sampler.importance, generator)
            found.append({name: float(x) for name, x in values.items()})
    model.train(training)
    # a batch of unknown emotions has no accuracy, and is left out of its mean
    return pd.DataFrame(found).mean().round(5).to_dict()


def _of_batch(
    model: ASE,
    batch: Batch,
    weights: LossWeights,
    importance: Tensor,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    inputs, target = (batch.mfcc, batch.motion, batch.e, batch.own), batch.target
    drawn: Prediction = model(*inputs, generator=generator)
    likely: Prediction = model(*inputs, tau=0.0)
    twice: Prediction = model(*inputs, generator=generator, samples=2)
    l2, energy = (replace(weights, score=score) for score in ("l2", "energy"))
    values = losses.total(*drawn, target, l2, importance)
    values["argmax"] = losses.total(*likely, target, l2, importance)["motion"]
    values["energy"] = losses.total(*twice, target, energy, importance)["motion"]
    known = target.e.sum(-1) > 0
    if known.any():
        right = drawn.emotion.argmax(-1) == target.e.argmax(-1)
        values["emotion_accuracy"] = right[known].float().mean()
    own, true = ((x * importance.sqrt()).var(1).sum() for x in (drawn.beta, target.beta))
    values["variance"] = own / true
    return values
