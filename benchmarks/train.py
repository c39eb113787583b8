"""Seconds a training step, from a plain eager DataLoader loop to the captured step, in one run.

    python benchmarks/train.py CORPUS -o book/results/training_speed.json

Every row is the same model and the same loss; the ratio to the first row is what counts. Needs
CUDA.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from elp.corpus.format import Corpus
from elp.model import ASE
from elp.records import run_card, write_json
from elp.training import losses, recipes
from elp.training.sampler import Batch
from elp.training.trainer import Trainer

GROUPS = {
    "LSTMs": ("RNN", "LSTM", "lstm", "nvjet_sm90_hsh"),
    "own kernels: sampling, norms": ("_forward", "_backward", "_norm_sum"),
    "optimiser": ("Optimizer", "multi_tensor"),
    "convolutions": ("conv", "fprop", "dgrad", "wgrad", "nhwc", "Nhwc", "cutlass"),
    "matrix products": ("nvjet", "gemm"),
}


class Clips(torch.utils.data.Dataset):
    """Random clips as a plain project would serve them: one at a time, from the corpus on disk,
    style computed on the CPU.
    """

    def __init__(self, corpus: Corpus, model: ASE, frames: int) -> None:
        self.corpus, self.model, self.frames, self.pairs = (
            corpus,
            model,
            frames,
            corpus.pairs("train"),
        )

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rng, standard = np.random.default_rng(index), self.model.standardise
        pair = self.pairs.iloc[rng.integers(len(self.pairs))]
        first = int(rng.integers(pair.length - self.frames + 1))
        at, frames = pair.speaker_offset + first, self.frames
        said, heard = (self.corpus.motion(x, frames) for x in (at, pair.listener_offset + first))
        (beta, pose), (own_beta, own_pose) = (
            (
                standard(name, torch.from_numpy(x))
                for name, x in (("beta", m.beta), ("pose", m.pose))
            )
            for m in (said, heard)
        )
        e = torch.eye(len(self.model.config.emotions))[pair.emotion]
        blink, valid = torch.tensor(heard.blink), torch.tensor(heard.valid)
        target = losses.Target(own_beta, own_pose, blink, e, valid)
        sound = np.asarray(self.corpus.mfcc[at : at + frames], np.float32)
        mfcc = standard("mfcc", torch.from_numpy(sound))
        return mfcc, self.model.motion_style(beta, pose), e, target


def eager(recipe: recipes.Recipe, corpus: Corpus, steps: int) -> float:
    """Milliseconds a step of the loop that everyone writes first."""
    trainer = Trainer(recipe, corpus, torch.device("cuda"), amp=False)
    model, cpu = trainer.model, ASE(trainer.model.config)
    cpu.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), recipe.lr, weight_decay=recipe.weight_decay)
    loader = iter(
        torch.utils.data.DataLoader(
            Clips(corpus, cpu, recipe.frames), recipe.batch, num_workers=8, pin_memory=True
        )
    )
    generator = torch.Generator("cuda").manual_seed(0)

    def step() -> None:
        mfcc, motion, e, target = next(loader)
        batch = Batch(
            mfcc.cuda(), motion.cuda(), e.cuda(), losses.Target(*(x.cuda() for x in target))
        )
        terms = losses.total(
            *model(batch.mfcc, batch.motion, batch.e, generator=generator),
            batch.target,
            recipe.weights,
            trainer.sampler.importance,
        )
        optimizer.zero_grad()
        terms["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        terms["loss"].item()  # for the progress bar

    return clock(step, steps)


def clock(step: Any, steps: int) -> float:
    for _ in range(10):
        step()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / steps * 1000


def ladder(
    recipe: recipes.Recipe, corpus: Corpus, steps: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """Milliseconds a step of each rung, and where the last one's time goes."""
    rungs = {"eager loop, DataLoader, float32": eager(recipe, corpus, steps)}
    cuda = torch.device("cuda")
    rungs["corpus on the GPU, flat weights, float32"] = clock(
        Trainer(recipe, corpus, cuda, amp=False).advance, steps
    )
    trainer = Trainer(recipe, corpus, cuda)
    rungs["half precision, fused sampling, second stream"] = clock(trainer.advance, steps)
    trainer.capture()
    rungs["whole step as one CUDA graph"] = clock(trainer.advance, 5 * steps)
    return {name: round(ms, 3) for name, ms in rungs.items()}, profile(trainer)


def profile(trainer: Trainer) -> dict[str, Any]:
    """Milliseconds of kernels by kind in one replay (kernels overlap, so they add up to more than
    the step).
    """
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as record

    with record(activities=[ProfilerActivity.CUDA]) as seen:
        trainer.advance()
        torch.cuda.synchronize()
    share = dict.fromkeys([*GROUPS, "the rest"], 0.0)
    count = 0
    for event in seen.key_averages():
        kind = next(
            (name for name, words in GROUPS.items() if any(word in event.key for word in words)),
            "the rest",
        )
        share[kind] += event.self_device_time_total / 1000
        count += event.count
    return {"kernels": count, "milliseconds": {name: round(ms, 3) for name, ms in share.items()}}


def main(corpus: Path, output: Annotated[Path, typer.Option("-o")], steps: int = 60) -> None:
    started, opened = time.time(), Corpus.open(corpus)
    result: dict[str, Any] = {}
    for batch in (32, 128):
        rungs, where = ladder(replace(recipes.vico(), batch=batch), opened, steps)
        first = next(iter(rungs.values()))
        result[f"batch {batch}"] = {
            "ms": rungs,
            "times faster": {k: round(first / ms, 2) for k, ms in rungs.items()},
            "profile": where,
        }
        print(batch, rungs, where, flush=True)
    write_json(
        output, run_card(seed=0, device=torch.cuda.get_device_name(), started=started) | result
    )


if __name__ == "__main__":
    typer.run(main)
