"""Seconds that the metrics take on 483 clips of ViCo's lengths, and how the Fréchet distance
compares with the usual matrix square root.

python benchmarks/metrics.py -o book/results/metrics_speed.json
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import linalg
from scipy.ndimage import gaussian_filter1d

from elp import metrics
from elp.records import run_card, write_json

CLIPS, FRAMES, WIDTH = 483, 142_500, 106  # 95 minutes; 6 of pose and 100 of expression


def seconds(work: Callable[[], Any]) -> dict[str, float]:
    """Wall and processor time; what else the machine does lengthens the first far more than the
    second.
    """
    started, busy = time.perf_counter(), time.process_time()
    work()
    return {
        "wall": round(time.perf_counter() - started, 2),
        "cpu": round(time.process_time() - busy, 2),
    }


def textbook(x: np.ndarray, y: np.ndarray) -> float:
    """The formula as it is usually coded."""
    a, b = np.cov(x.T), np.cov(y.T)
    return float(
        ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * linalg.sqrtm(a @ b).real)
    )


def main() -> None:
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("-o", "--out", type=Path, default=Path("book/results/metrics_speed.json"))
    p.add_argument("--clips", type=int, default=CLIPS)
    a = p.parse_args()
    started, rng = time.time(), np.random.default_rng(0)
    lengths = np.maximum(rng.lognormal(0, 0.6, a.clips), 0.3)
    lengths = (lengths / lengths.sum() * FRAMES * a.clips / CLIPS).astype(int).clip(75)
    speaker, gt, pred = (
        [gaussian_filter1d(rng.standard_normal((n, WIDTH)), 4, axis=0) for n in lengths]
        for _ in range(3)
    )
    blinks = [rng.random((2, n)) > 0.98 for n in lengths]
    both = {"blink_gt": [b[0] for b in blinks], "blink_pred": [b[1] for b in blinks]}
    found = {
        f"evaluate, {c}": seconds(
            lambda c=c: metrics.evaluate(speaker, gt, pred, convention=c, **both)
        )
        for c in ("elp", "dim", "lm-listener", "rlhg", "react")
    }
    found["frechet"] = seconds(lambda: metrics.frechet(gt, pred))
    found["frechet with a matrix square root"] = seconds(
        lambda: [textbook(x, y) for x, y in zip(gt, pred, strict=True)]
    )
    found["wtlcc"] = seconds(lambda: metrics.wtlcc(speaker, pred))
    load = round(os.getloadavg()[0], 2)
    result = run_card(seed=0, started=started) | {
        "load": load,
        "clips": a.clips,
        "frames": int(lengths.sum()),
        "coefficients": WIDTH,
        "seconds_of": found,
    }
    write_json(a.out, result)
    print(
        "\n".join(
            f"{value['wall']:8.2f} s, {value['cpu']:6.2f} s of processors  {name}"
            for name, value in found.items()
        )
    )


if __name__ == "__main__":
    main()
