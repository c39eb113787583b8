"""From terms of single clips to metrics with bootstrap intervals (chapter "Results")."""

# R run (a training seed), C clip, B bootstrap draw
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.evaluation.measure import Stats
from elp.metrics import added, metric_of

Array = NDArray[np.float64]


def scores(run: Mapping[str, Array], weights: Array) -> dict[str, Array]:
    """Metrics of one answer to each speaker under B weightings of the clips: key -> (B,).

    Args:
        run: key -> (C, ...), as in one sample of `measure`. weights: (B, C), how often each clip
            was drawn; the first row is the sample itself.
    """
    found = {key: metric_of(key).reduce(terms, weights) for key, terms in run.items()}
    return found | added(found)


def resample(runs: Sequence[Stats], *, bootstrap: int = 1000, seed: int = 0) -> dict[str, Array]:
    """Metrics averaged over runs: key -> (1 + B,), first the value itself, then B bootstrap draws.

    Args:
        runs: one `Stats` per training seed (a method that learns nothing has one); all of the same
            clips.
        bootstrap: B. seed: of the draws; methods resampled with one seed share their draws of
            clips, so differences are paired.

    A draw resamples the clips and, where there are several, the training seeds.
    """
    clips = next(iter(runs[0].values())).shape[1]
    rng = np.random.default_rng(seed)
    weights, chosen = _drawn(rng, clips, bootstrap), _drawn(rng, len(runs), bootstrap)
    total: dict[str, Any] = {}
    for run, share in zip(runs, (chosen / len(runs)).T, strict=True):
        samples = len(next(iter(run.values())))
        found = [scores({key: x[k] for key, x in run.items()}, weights) for k in range(samples)]
        for key in found[0]:
            total[key] = total.get(key, 0) + share * np.mean([s[key] for s in found], 0)
    return total


def _drawn(rng: np.random.Generator, count: int, bootstrap: int) -> Array:
    """(1 + B, count) how often each of `count` is drawn; in the first row each once."""
    drawn = rng.multinomial(count, np.full(count, 1 / count), bootstrap)
    return np.concatenate([np.ones((1, count)), drawn])


def interval(draws: Array) -> dict[str, float]:
    """value, low and high: the estimate and its 95 % bootstrap interval, rounded to 5 significant
    digits. Draws in which the metric is not defined are left out.
    """
    drawn = draws[1:][np.isfinite(draws[1:])]
    low, high = np.percentile(drawn, [2.5, 97.5]) if len(drawn) else (draws[0], draws[0])
    return {
        name: float(f"{x:.5g}") for name, x in (("value", draws[0]), ("low", low), ("high", high))
    }


def contrast(a: Array, b: Array) -> dict[str, Any]:
    """a - b with its interval and effect size (difference over the standard deviation of its
    draws); paired draws.
    """
    found = interval(a - b)
    drawn = (a - b)[1:]
    spread = float(drawn[np.isfinite(drawn)].std()) if np.isfinite(drawn).any() else 0.0
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
    # what is not defined on these clips, or of single answers, is not given
    draws = {
        name: {metric: x for metric, x in found.items() if np.isfinite(x[0])}
        for name, found in draws.items()
    }
    table = {
        name: {metric: interval(x) for metric, x in found.items()} for name, found in draws.items()
    }
    contrasts = {}
    if against in draws:
        for name, found in draws.items():
            if name != against:
                contrasts[name] = {
                    metric: contrast(draws[against][metric], x)
                    for metric, x in found.items()
                    if metric in draws[against]
                }
    return {"methods": table, "against": against, "contrasts": contrasts}
