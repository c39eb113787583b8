"""From terms of single clips to metrics with bootstrap intervals over people (chapter "Results").

Intervals: percentiles of a bootstrap of whole units (`elp.evaluation.units`: listeners, as a rule),
taken as far out as a t distribution of that many units asks (Hesterberg 2015, "expanded" percentile
interval). Comparisons: paired, t-tests on the bootstrap's standard error, and Holm's correction
(1979) over all rows that a column compares with one.
"""

# R run (a training seed), C clip, B bootstrap draw
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.evaluation.measure import Stats
from elp.evaluation.units import Units, drawn
from elp.metrics import added, metric_of

Array = NDArray[np.float64]
LEVEL = 0.05  # of the intervals, and of a column's comparisons together


def scores(run: Mapping[str, Array], weights: Array) -> dict[str, Array]:
    """Metrics of one answer to each speaker under B weightings of the clips: key -> (B,).

    Args:
        run: key -> (C, ...), as in one sample of `measure`. weights: (B, C), how often each clip
            was drawn; the first row is the sample itself.
    """
    found = {key: metric_of(key).reduce(terms, weights) for key, terms in run.items()}
    return found | added(found)


def resample(
    runs: Sequence[Stats], over: Units, *, bootstrap: int = 1000, seed: int = 0
) -> dict[str, Array]:
    """Metrics averaged over runs: key -> (1 + B,), first the value itself, then B bootstrap draws.

    Args:
        runs: one `Stats` per training seed (a method that learns nothing has one); all of the same
            clips.
        over: the units of these clips.
        bootstrap: B. seed: of the draws; methods resampled with one seed share their draws of
            units, so differences are paired.

    A draw resamples the units and, where there are several, the training seeds.
    """
    rng = np.random.default_rng(seed)
    weights, chosen = over.weights(rng, bootstrap), drawn(rng, len(runs), bootstrap)
    total: dict[str, Any] = {}
    for run, share in zip(runs, (chosen / len(runs)).T, strict=True):
        samples = len(next(iter(run.values())))
        found = [scores({key: x[k] for key, x in run.items()}, weights) for k in range(samples)]
        for key in found[0]:
            total[key] = total.get(key, 0) + share * np.mean([s[key] for s in found], 0)
    return total


def tail(count: int) -> float:
    """Share of draws left out at either end of a 95 % interval over `count` units.

    Percentiles of draws of few units are too narrow: the draws' deviation is sqrt((n - 1) / n) of
    the estimated one, and that is a t distribution's, not a normal one's.
    """
    from scipy.stats import norm, t

    if count < 2:
        return LEVEL / 2
    return float(norm.cdf(np.sqrt(count / (count - 1)) * t.ppf(LEVEL / 2, count - 1)))


def interval(draws: Array, count: int) -> dict[str, float]:
    """value, low and high: the estimate and its 95 % bootstrap interval over `count` units, rounded
    to 5 significant digits. Draws in which the metric is not defined are left out.
    """
    there, out = draws[1:][np.isfinite(draws[1:])], tail(count)
    low, high = np.quantile(there, [out, 1 - out]) if len(there) else (draws[0], draws[0])
    return {
        name: float(f"{x:.5g}") for name, x in (("value", draws[0]), ("low", low), ("high", high))
    }


def contrast(a: Array, b: Array, count: int) -> dict[str, Any]:
    """a - b of paired draws over `count` units: its interval, the effect size z (difference over
    its standard error), and p of a two-sided t-test.
    """
    from scipy.stats import t

    found, there = interval(a - b, count), (a - b)[1:]
    there = there[np.isfinite(there)]
    error = float(there.std() * np.sqrt(count / max(count - 1, 1))) if len(there) else 0.0
    z = float(a[0] - b[0]) / error if error else None
    p = float(a[0] == b[0]) if z is None else 2 * float(t.sf(abs(z), max(count - 1, 1)))
    return found | {"z": None if z is None else round(z, 2), "p": float(f"{p:.3g}")}


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """p-values of several comparisons, corrected for their number (Holm 1979): below 0.05 in any of
    them with a chance of at most 0.05 where none differs.
    """
    corrected, least = {}, 0.0
    for rank, name in enumerate(sorted(p, key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - rank) * p[name]))
        corrected[name] = least
    return corrected


def summarise(
    runs: Mapping[str, Sequence[Stats]],
    over: Units,
    *,
    against: str | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Every method's metrics with intervals, and its differences from the method `against`.

    Returns:
        {"units": {name, count}, "methods": {method: {metric: {value, low, high}}}, "against",
            "contrasts": {method: {metric: {value, low, high, z, p, p_holm, separated}}}}; a
            difference is separated where p_holm, corrected for all rows of its column, is below
            0.05. The intervals themselves are not corrected.
    """
    draws = {
        name: resample(stats, over, bootstrap=bootstrap, seed=seed) for name, stats in runs.items()
    }
    # what is not defined on these clips, or of single answers, is not given
    draws = {
        name: {metric: x for metric, x in found.items() if np.isfinite(x[0])}
        for name, found in draws.items()
    }
    table = {
        name: {metric: interval(x, over.count) for metric, x in found.items()}
        for name, found in draws.items()
    }
    return {
        "units": {"name": over.name, "count": over.count},
        "methods": table,
        "against": against,
        "contrasts": _contrasts(draws, against, over.count) if against in draws else {},
    }


def _contrasts(
    draws: Mapping[str, Mapping[str, Array]], against: str, count: int
) -> dict[str, dict[str, Any]]:
    """method -> metric -> its contrast, corrected over the methods."""
    contrasts: dict[str, dict[str, Any]] = {name: {} for name in draws if name != against}
    for metric, ours in draws[against].items():
        column = {
            name: contrast(ours, draws[name][metric], count)
            for name in contrasts
            if metric in draws[name]
        }
        for name, p in holm({name: x["p"] for name, x in column.items()}).items():
            corrected = {"p_holm": float(f"{p:.3g}"), "separated": p < LEVEL}
            contrasts[name][metric] = column[name] | corrected
    return contrasts
