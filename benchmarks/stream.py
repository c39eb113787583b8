"""Milliseconds a frame of a streamed response at the paper's size, and the acceleration at the seams of a long response.

    python benchmarks/stream.py -o book/results/stream.json
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from elp import generate, recipes
from elp.files import run_card, write_json
from elp.generate import ELPResponder
from elp.model import ASE
from elp.motion import Clip, Motion


def speaker(frames: int) -> Clip:
    rng = np.random.default_rng(0)
    motion = Motion(beta=rng.normal(size=(frames, 100)), pose=rng.normal(size=(frames, 6)), blink=np.zeros(frames))
    return Clip(motion=motion, mfcc=rng.normal(size=(frames, 29)))


def pushed(threads: int, frames: int) -> dict[str, float]:
    """Median and 95th percentile of one push, in milliseconds (weights untrained: the arithmetic is the same)."""
    torch.set_num_threads(threads)
    clip = speaker(frames)
    stream = ELPResponder(ASE(recipes.stream().model)).stream("positive", generator=torch.Generator().manual_seed(0))
    times = []
    for t in range(frames):
        start = time.perf_counter()
        stream.push(clip.mfcc[t:t+1], clip.motion.beta[t], clip.motion.pose[t])
        times.append((time.perf_counter() - start) * 1000)
    return {"median": round(float(np.median(times[10:])), 2), "p95": round(float(np.quantile(times[10:], 0.95)), 2)}


def seams(minutes: float) -> dict[str, float]:
    """Mean |second difference| of β at the pieces' seams over that elsewhere, packaged checkpoint."""
    clip = speaker(int(minutes * 60 * 25))
    start = time.perf_counter()
    beta = ELPResponder.from_checkpoint().respond(clip, "neutral", generator=torch.Generator().manual_seed(0)).beta
    seconds = time.perf_counter() - start
    acceleration = np.abs(np.diff(beta, 2, axis=0)).mean(1)
    at = np.arange(generate.CHUNK, len(beta) - 2, generate.CHUNK)[:, None] + np.array([-2, -1])
    return {"ratio": round(float(acceleration[at].mean() / acceleration.mean()), 4), "seconds": round(seconds, 1), "minutes": minutes}


def main(output: Annotated[Path, typer.Option("-o")], frames: int = 200, minutes: float = 5) -> None:
    started = time.time()
    result: dict[str, Any] = {f"{n} threads": pushed(n, frames) for n in (1, 2)} | {"seams": seams(minutes)}
    print(result)
    write_json(output, run_card(seed=0, started=started) | result)


if __name__ == "__main__":
    typer.run(main)
