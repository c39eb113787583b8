"""Speed of the renderer on one core: loading a portrait, preparing it, frames per second (chapter
"The renderer").

    python benchmarks/render.py [--portrait IMAGE] [-o book/results/render.json]

Time is that of the processor (`process_time`): other programs on the machine slow it down through
shared caches only.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import cv2
import numpy as np
import torch

from elp.motion import FPS, Motion
from elp.records import run_card, write_json
from elp.render import Portrait, WarpRenderer, render

FRAMES = 250


def lively(frames: int, modes: int, full: np.ndarray, names: tuple[str, ...]) -> Motion:
    """Nods, turns, smiles, a talking jaw and a blink every three seconds: everything that a frame
    can cost.
    """
    t = np.arange(frames) / FPS
    beta, pose = np.zeros((frames, modes)), np.zeros((frames, 6))
    for name, rate in (
        ("smile_l", 0.3),
        ("smile_r", 0.3),
        ("jaw_open", 1.1),
        ("brow_inner_up", 0.4),
    ):
        beta[:, names.index(name)] = full[names.index(name)] * (
            0.3 - 0.3 * np.cos(2 * np.pi * rate * t)
        )
    pose[:, :3] = np.deg2rad(8) * np.sin(2 * np.pi * np.outer(t, [0.9, 0.25, 0.35]))
    return Motion(beta=beta, pose=pose, blink=(t % 3.0) < 0.24)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--portrait", type=Path, help="an image file; by default scikit-image's astronaut"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("book/results/render.json"))
    args = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    started = time.time()
    if args.portrait is None:
        from skimage import data

        source: Path | np.ndarray = data.astronaut()
    else:
        source = args.portrait
    loads = []
    for _ in range(3):  # the first one loads the networks
        begun = time.process_time()
        portrait = Portrait.load(source)
        loads.append(round(time.process_time() - begun, 2))
    motion = lively(FRAMES, len(portrait.beta), portrait.model.full, portrait.model.names)
    rows = []
    for size in (256, 512):
        begun = time.process_time()
        WarpRenderer(portrait, size)
        prepared = time.process_time() - begun
        each = []
        frames = render(portrait, motion, size)
        next(frames)
        while True:
            begun = time.process_time()
            if next(frames, None) is None:
                break
            each.append(time.process_time() - begun)
        typical = float(np.median(each))
        rows.append(
            {
                "size": size,
                "prepare_seconds": round(prepared, 2),
                "ms_per_frame": round(1e3 * typical, 2),
                "ms_per_frame_p95": round(1e3 * float(np.percentile(each, 95)), 2),
                "frames_per_second": round(1 / typical, 1),
                "times_faster_than_real_time": round(1 / typical / FPS, 2),
            }
        )
        print(rows[-1], flush=True)
    card = run_card(seed=None, started=started, command="python benchmarks/render.py")
    write_json(
        args.output,
        card
        | {
            "frames": FRAMES,
            "threads": 1,
            "load_seconds": {"first": loads[0], "again": min(loads[1:])},
            "render": rows,
        },
    )


if __name__ == "__main__":
    main()
