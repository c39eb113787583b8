"""How late is a listener that watches? Milliseconds from a picture to its answer, by stage.

    python benchmarks/live.py VIDEO PORTRAIT -o book/results/live.json

A video is played as a camera would show it, to a listener that sends OSC and draws a portrait:
once by the clock on the wall, which other programs disturb, and once without waiting, in which the
thread's own processor time is counted. Only frames after the calibration count. The fit of the past
alone is compared with the whole clip's.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from elp.extraction.causal import CausalFit
from elp.extraction.fit import fit
from elp.extraction.tracking import track
from elp.face.model import FaceModel
from elp.files import temporary
from elp.listener import ELPResponder
from elp.live import File, Listener, Report, listen
from elp.live.listener import CALIBRATION
from elp.live.network import Osc
from elp.media.video import probe
from elp.records import run_card, write_json
from elp.render import Portrait

NOBODY = "127.0.0.1:39539"  # OSC goes there, heard or not
SETTLED = CALIBRATION + 50  # frames until the calibration in the background is surely over
PARTS = {
    "smile": ("smile_l", "smile_r"),
    "jaw": ("jaw_open",),
    "inner brows": ("brow_inner_up",),
    "outer brows": ("brow_outer_up_l", "brow_outer_up_r"),
    "lids": ("blink_l", "blink_r"),
}


def session(
    video: Path, portrait: Portrait | None, clock: Callable[[], float], *, fast: bool
) -> dict[str, Any]:
    """Median and 95th percentile of each stage."""
    responder = ELPResponder.from_checkpoint()
    with contextlib.ExitStack() as stack:
        output = Osc(NOBODY)
        stack.callback(output.close)
        listener = stack.enter_context(Listener(responder, "neutral", clock=clock))
        source = stack.enter_context(File(video, fast=fast))
        report = listen(source, listener, [output], portrait)
    # nothing of a stage where so many pictures were left out that none came after the calibration
    report.times = {k: kept[SETTLED:] for k, kept in report.times.items() if len(kept) > SETTLED}
    return {
        "frames": report.frames,
        "left_out": report.left_out,
        **{stage: quantiles(report, stage) for stage in report.times},
    }


def quantiles(report: Report, stage: str) -> list[float]:
    """p50 and p95 in milliseconds."""
    return [round(report.percentile(stage, q), 1) for q in (50, 95)]


def causal(video: Path) -> dict[str, Any]:
    """What the past alone costs: correlation with the whole clip's fit after the calibration, and
    how far the head's rotation differs in degrees, its offset apart; and the correlation of the
    whole clip's fit with itself where no frame is tied to its neighbours.
    """
    size, model = probe(video).size, FaceModel.default()
    with temporary() as store:
        tracked = track(video, "largest", store)
        points = tracked[: len(tracked)]
    whole, untied = fit(points, size), fit(points, size, smooth=0.0)
    watched = CausalFit(points[:CALIBRATION], size)
    begun = time.thread_time()
    seen = [watched.push(p) for p in points]
    spent = 1000 * (time.thread_time() - begun) / len(points)
    kept = [k for k, s in enumerate(seen) if s is not None and k >= CALIBRATION]
    beta = np.stack([s.beta for k in kept if (s := seen[k])])
    turn = np.stack([s.pose[:3] for k in kept if (s := seen[k])]) - whole.pose[kept, :3]
    found: dict[str, Any] = {"frames": len(kept), "fit_ms": round(spent, 1)}
    found["untied"] = {}
    for part, names in PARTS.items():
        rows = [model.index(name) for name in names]
        past, alone, smooth = (
            x[:, rows].mean(1) for x in (beta, untied.beta[kept], whole.beta[kept])
        )
        found[part] = round(float(np.corrcoef(past, smooth)[0, 1]), 3)
        found["untied"][part] = round(float(np.corrcoef(alone, smooth)[0, 1]), 3)
    apart = np.degrees(np.abs(turn - turn.mean(0)).mean(0))
    return {**found, "rotation_degrees": [round(float(x), 2) for x in apart]}


def main(
    video: Path,
    portrait: Path,
    output: Annotated[Path, typer.Option("-o", "--output", help="The result file (.json).")],
    compare: Annotated[
        list[Path] | None, typer.Option(help="Further videos for the comparison of fits.")
    ] = None,
) -> None:
    """Measure, and write what was found."""
    torch.set_num_threads(1)
    started, load = time.time(), os.getloadavg()[0]
    shown = Portrait.load(portrait)
    found: dict[str, Any] = {
        "wall": session(video, shown, time.perf_counter, fast=False),
        "wall_without_portrait": session(video, None, time.perf_counter, fast=False),
        "processor": session(video, shown, time.thread_time, fast=True),
        "causal": {path.name: causal(path) for path in [video, *(compare or [])]},
    }
    found["processor"].pop("latency", None)  # is measured by the wall's clock
    card = run_card(seed=0, started=started)
    loads = [round(load, 1), round(os.getloadavg()[0], 1)]
    write_json(output, {**card, "load": loads, **found})


if __name__ == "__main__":
    typer.run(main)
