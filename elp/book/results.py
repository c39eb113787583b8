"""The committed result files, as the chapters read them (chapters "Training" and "Results")."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError

FOLDER = Path("results")  # beside the chapters, where their kernels run


def read(name: str) -> Any:
    """What `results/<name>.json` holds.

    Raises:
        ElpError: there is no such file.
    """
    path = FOLDER / f"{name}.json"
    if not path.exists():
        raise ElpError(f"{path}: no such result file: run the page from the folder book/")
    return json.loads(path.read_text(encoding="utf-8"))


def by_name(
    runs: Iterable[Mapping[str, Any]], *values: tuple[str, str]
) -> dict[str, NDArray[np.float64]]:
    """Values of trainings that were repeated with several seeds.

    Args:
        runs: one mapping a training; "name" says what was trained.
        values: (part, key) of each value, e.g. ("scores", "all_fd").

    Returns:
        name -> (seeds, values), names and seeds in the order of the runs.
    """
    found: dict[str, list[list[float]]] = {}
    for run in runs:
        found.setdefault(run["name"], []).append([run[part][key] for part, key in values])
    return {name: np.array(rows) for name, rows in found.items()}


def margin(x: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Half of the 95 % interval of the mean over seeds, by Student's t: (seeds, ...) -> (...).

    One seed has no interval: 0.
    """
    from scipy import stats

    if len(x) < 2:
        return np.zeros(np.shape(x)[1:])
    return np.asarray(stats.t.ppf(0.975, len(x) - 1) * stats.sem(x))
