"""From statistics of single clips to metrics with bootstrap intervals (chapter "Results")."""

# R run (a training seed and a sample), C clip, B bootstrap draw, L lag, K cluster
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stats = dict[str, NDArray[np.float64]]  # name -> (samples, C, ...)


def scores(
    run: Mapping[str, NDArray[np.float64]], weights: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Metrics of one run under B weightings of its clips: name -> (B,).

    Args:
        run: name -> (C, ...) as in one sample of `measure`. weights: (B, C), how often each clip
            was drawn; the first row is the sample itself.
    """

    def mean(x: NDArray[np.float64]) -> NDArray[np.float64]:
        there = np.isfinite(x)
        return (
            (weights * there) @ np.where(there, x, 0) / np.maximum((weights * there).sum(1), 1e-12)
        )

    def peak(total: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
        """Every draw at the lag at which the first weighting peaks: the maximum of each draw would
        be biased upwards.
        """
        total, count = weights @ total, weights @ count
        curve = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
        enough = count[0] >= max(count[0].max() / 4, 1)
        return (
            curve[:, np.where(enough, curve[0], -np.inf).argmax()]
            if enough.any()
            else np.zeros(len(weights))
        )

    out: dict[str, NDArray[np.float64]] = {}
    for part in ("facial", "head"):
        get = lambda name, part=part: run[f"{part}_{name}"]  # noqa: E731
        share = weights @ get("hist")
        share = share / np.maximum(share.sum(1, keepdims=True), 1e-12)
        squares = weights @ get("sts")
        out |= {f"{part}_{name}": mean(get(name)) for name in ("fd", "pfd", "l1", "vd", "frcorr")}
        out |= {
            f"{part}_sid": -(share * np.log2(share + 1e-6)).sum(1),
            f"{part}_rpcc": np.abs(mean(get("pcc_gt") - get("pcc"))),
            f"{part}_wtlcc": peak(get("wtlcc_sum"), get("wtlcc_count")),
            f"{part}_sts": np.sqrt(squares),
            f"{part}_sts_frame": np.sqrt(squares / np.maximum(weights @ get("steps"), 1)),
        }
    for name in {"nod", "smile"} & {key.split("_")[0] for key in run}:
        out[f"{name}_wtlcc"] = peak(run[f"{name}_wtlcc_sum"], run[f"{name}_wtlcc_count"])
        product, square = (weights @ run[f"{name}_gain"]).T
        out[f"{name}_gain"] = product / np.maximum(square, 1e-12)
    out["blink_wtlcc"] = peak(run["blink_wtlcc_sum"], run["blink_wtlcc_count"])
    out["blink_rate"] = weights @ run["blink_starts"] / (weights @ run["frames"]) * 25 * 60
    both = {name.removeprefix("facial_") for name in out if name.startswith("facial_")}
    # as the paper's Table 2 adds them
    return out | {f"all_{name}": out[f"facial_{name}"] + out[f"head_{name}"] for name in both}


def resample(
    runs: Sequence[Stats], *, bootstrap: int = 1000, seed: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Metrics averaged over runs: name -> (1 + B,), first the value itself, then B bootstrap draws.

    Args:
        runs: one `Stats` per training seed (a method that learns nothing has one); all of the same
            clips.
        bootstrap: B. seed: of the draws; methods resampled with one seed share their draws of
            clips, so differences are paired.

    A draw resamples the clips and, where there are several, the training seeds.
    """
    clips = runs[0]["frames"].shape[1]
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(clips, np.full(clips, 1 / clips), bootstrap).astype(float)
    weights = np.concatenate([np.ones((1, clips)), drawn])
    chosen = np.concatenate(
        [
            np.ones((1, len(runs))),
            rng.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), bootstrap),
        ]
    )
    chosen = (chosen / len(runs)).T
    total: dict[str, Any] = {}
    for run, share in zip(runs, chosen, strict=True):
        samples = [
            scores({name: x[k] for name, x in run.items()}, weights)
            for k in range(len(run["frames"]))
        ]
        for name in samples[0]:
            total[name] = total.get(name, 0) + share * np.mean([s[name] for s in samples], 0)
    return total


def interval(draws: NDArray[np.float64]) -> dict[str, float]:
    """value, low and high: the estimate and its 95 % bootstrap interval, rounded to 5 significant
    digits.
    """
    low, high = np.percentile(draws[1:], [2.5, 97.5]) if len(draws) > 1 else (draws[0], draws[0])
    return {
        name: float(f"{x:.5g}") for name, x in (("value", draws[0]), ("low", low), ("high", high))
    }


def contrast(a: NDArray[np.float64], b: NDArray[np.float64]) -> dict[str, Any]:
    """a - b with its interval and effect size (difference over the standard deviation of its
    draws); paired draws.
    """
    found = interval(a - b)
    spread = float((a - b)[1:].std()) if len(a) > 1 else 0.0
    return found | {
        "z": round(float(a[0] - b[0]) / spread, 2) if spread else None,
        "separated": found["low"] > 0 or found["high"] < 0,
    }


def summarise(
    runs: Mapping[str, Sequence[Stats]],
    *,
    against: str | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Every method's metrics with intervals, and its differences from the method `against`.

    Returns:
        {"methods": {method: {metric: {value, low, high}}}, "contrasts": {method: {metric: {value,
            low, high, z, separated}}}}.
    """
    draws = {name: resample(stats, bootstrap=bootstrap, seed=seed) for name, stats in runs.items()}
    table = {
        name: {metric: interval(x) for metric, x in found.items()} for name, found in draws.items()
    }
    contrasts = {}
    if against in draws:
        for name, found in draws.items():
            if name != against:
                contrasts[name] = {
                    metric: contrast(draws[against][metric], found[metric]) for metric in found
                }
    return {"methods": table, "against": against, "contrasts": contrasts}
