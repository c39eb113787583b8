"""Milliseconds a frame of a streamed response, at the paper's size and of the model that ships, and
what the seams of a long response show.

    python benchmarks/stream.py -o book/results/stream.json

Speed: one process for each number of threads; every push brings one frame's 640 samples, β and p,
and is answered with one frame of motion. At the paper's size the weights are untrained: the
arithmetic is the same. They are float32, as training leaves them, and then rounded to float16, as
checkpoints ship. Each process runs several times, in turn with the others, and its fastest run
counts: the neighbours of a virtual machine slow it for minutes.
Seams: the packaged checkpoint answers a simulated speaker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from enum import StrEnum
from importlib import import_module
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from elp.listener import ELPResponder, ResponseStream, decoder
from elp.media.audio import HOP, mfcc
from elp.media.prosody import prosody
from elp.model import ASE
from elp.motion import FPS, Clip, Motion
from elp.records import run_card, write_json
from elp.training import recipes

# the package's attribute of this name is the function
simulate = import_module("elp.simulator.dyads")
EMOTIONS = ("negative", "neutral", "positive")
TURN = 25  # frames of one stream before another's


class Size(StrEnum):
    """Whose frames are timed."""

    PAPER = "paper"
    HALF = "half"  # the same, rounded
    SHIPPED = "shipped"

    def responder(self) -> ELPResponder:
        """It, on the CPU."""
        if self == Size.SHIPPED:
            return ELPResponder.from_checkpoint()
        model = ASE(recipes.stream().model)
        return ELPResponder(model.half().float() if self == Size.HALF else model)


def speaker(frames: int, seed: int = 0) -> tuple[Clip, NDArray[np.float32]]:
    """A simulated speaker and the sound (n,)."""
    meeting = simulate.Meeting(
        number=0,
        clip="benchmark",
        speaker=seed,
        listener=0,
        emotion="neutral",
        mood=0,
        speaker_mood=0,
        split="test",
        frames=frames,
    )
    said = simulate.conversation(meeting, seed)
    sound, motion = simulate.utter(meeting, seed, said), said.motion[simulate.PREROLL :]
    heard = {"mfcc": mfcc(sound, frames), "prosody": prosody(sound, frames)}
    return Clip(motion=motion, **heard), sound


def pushes(frames: int, size: Size) -> dict[str, dict[str, float]]:
    """Of a stream with the emotion given and of one that infers it, which take turns: median and
    95th percentile of a push in ms; processor time, which other processes disturb less.
    """
    clip, sound = speaker(frames)
    responder = size.responder()
    streams = {
        emotion: ResponseStream(responder, emotion, generator=torch.Generator().manual_seed(0))
        for emotion in ("positive", "auto")
    }
    times: dict[str, list[tuple[float, float]]] = {emotion: [] for emotion in streams}
    for first in range(0, frames, TURN):
        for emotion, stream in streams.items():
            for t in range(first, min(first + TURN, frames)):
                heard = sound[t * HOP : (t + 1) * HOP]
                start, busy = time.perf_counter(), time.process_time()
                answer = stream.push(heard, clip.motion.beta[t], clip.motion.pose[t])
                taken = time.perf_counter() - start, time.process_time() - busy
                times[emotion].append(taken)
                assert len(answer) == 1
    return {emotion: summary(1000 * np.array(taken)) for emotion, taken in times.items()}


def summary(times: NDArray[np.float64]) -> dict[str, float]:
    """Of milliseconds (n, 2), by the clock and of the processor."""
    wall, processor = times.T
    found = {
        "median_ms": np.median(wall),
        "p95_ms": np.quantile(wall, 0.95),
        "processor_median_ms": np.median(processor),
        "processor_mean_ms": processor.mean(),
    }
    return {name: round(float(value), 2) for name, value in found.items()}


def speed(threads: int, frames: int, size: Size) -> list[dict[str, Any]]:
    """`pushes` in a process with so many threads; the machine's load beside it."""
    env = os.environ | dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads)
    )
    before = round(os.getloadavg()[0], 1)
    run = [sys.executable, __file__, "--pushes", size, "--frames", str(frames)]
    done = subprocess.run(run, env=env, check=True, capture_output=True, text=True)
    rows = [
        {"threads": threads, "emotion": emotion, "load_before": before} | found
        for emotion, found in json.loads(done.stdout).items()
    ]
    print(size, *rows, sep="\n", flush=True)
    return rows


def fastest(frames: int, rounds: int) -> list[list[dict[str, Any]]]:
    """`speed` of the paper's size with one thread and two, of it rounded, and of what ships."""
    timed = (1, Size.PAPER), (2, Size.PAPER), (1, Size.HALF), (1, Size.SHIPPED)
    runs = [[speed(threads, frames, size) for threads, size in timed] for _ in range(rounds)]
    least = itemgetter("processor_median_ms")
    return [
        [min(row, key=least) for row in zip(*again, strict=True)]
        for again in zip(*runs, strict=True)
    ]


def acceleration(motion: Motion) -> dict[str, NDArray[np.float64]]:
    """|second difference| of β and p (T - 2,), every coefficient in units of its own standard
    deviation.
    """
    parts = {"beta": motion.beta.astype(float), "pose": motion.pose.astype(float)}
    return {
        name: np.linalg.norm(np.diff(x / x.std(0), 2, axis=0), axis=1) for name, x in parts.items()
    }


def seams(minutes: float, seeds: int) -> dict[str, Any]:
    """Mean acceleration at the pieces' seams over that elsewhere, and the difference from a run in
    one piece.
    """
    clip, _ = speaker(int(minutes * 60 * FPS))
    responder, size = ELPResponder.from_checkpoint(), decoder.CHUNK
    # second differences that reach over a seam
    at = (np.arange(size, len(clip) - 2, size)[:, None] + np.array([-2, -1])).ravel()
    ratios: dict[str, list[float]] = {"beta": [], "pose": []}
    difference = 0.0
    for emotion in EMOTIONS:
        for seed in range(seeds):
            motion = responder.respond(clip, emotion, generator=torch.Generator().manual_seed(seed))
            for name, a in acceleration(motion).items():
                ratios[name].append(float(a[at].mean() / np.delete(a, at).mean()))
        decoder.CHUNK = len(clip)
        whole = responder.respond(clip, emotion, generator=torch.Generator().manual_seed(seeds - 1))
        decoder.CHUNK = size
        difference = max(
            difference,
            *(
                float(np.abs(getattr(whole, n) - getattr(motion, n)).max())
                for n in ("beta", "pose", "blink")
            ),
        )
    spread = {
        name: {
            "ratio": round(float(np.mean(r)), 4),
            "ci95": round(1.96 * float(np.std(r, ddof=1)) / len(r) ** 0.5, 4),
        }
        for name, r in ratios.items()
    }
    return {
        "minutes": minutes,
        "frames_a_piece": size,
        "responses": 3 * seeds,
        "seams_a_response": len(at) // 2,
        "acceleration": spread,
        "largest_difference_from_one_piece": difference,
    }


def main(
    output: Annotated[Path, typer.Option("-o")] = Path("book/results/stream.json"),
    frames: int = 400,
    rounds: int = 3,
    minutes: float = 5,
    seeds: int = 6,
    pushes_of: Annotated[Size | None, typer.Option("--pushes", hidden=True)] = None,
) -> None:
    if pushes_of is not None:
        print(json.dumps(pushes(frames, pushes_of)))
        return
    started = time.time()
    one, two, half, shipped = fastest(frames, rounds)
    found = seams(minutes, seeds)
    print(found)
    config = recipes.stream().model
    model = {
        "recipe": "stream",
        "heads": config.heads,
        "categories": config.categories,
        "hidden": config.hidden,
    }
    write_json(
        output,
        {"run": run_card(seed=0, started=started)}
        | {"model": model, "speed": one + two, "half": half, "shipped": shipped}
        | {"seams": found},
    )


if __name__ == "__main__":
    typer.run(main)
