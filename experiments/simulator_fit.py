"""The simulator beside people: on which time scales smiles move and go together, how heads rest,
how much of an answer the speaker explains (chapter "Simulated dyads").

    python -m experiments.simulator_fit FOLDER [--fit 20] [-o book/results/simulator.json]

FOLDER holds dyadic/vc_resolution_original.zip. Real people's smiles are AU12. --fit also fits the
constants of version 2's `Affect` on the training dyads; the others, which it never sees, are a row
of their own. Nothing of the recordings is copied into the result but the figures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from scipy.optimize import minimize

from elp.corpus.importers import import_corpus
from elp.records import commit, run_card, write_json
from elp.simulator.behaviour import BEHAVIOURS, Affect
from experiments.simulator_rows import (
    LAGS,
    SEED,
    Array,
    real,
    rounded,
    simulated,
    simulated_gaze,
    simulated_minutes,
    simulated_pairs,
    smiles,
)

FIT_SEED = 101
START = (2.0, 0.5, 1.0)  # tau, shared, catching
FITTED = np.searchsorted(LAGS, [0, 1, 2, 3, 4])


def fit(target: dict[str, Any], count: int, steps: int) -> dict[str, Any]:
    """Constants of version 2 whose smiles are most like the target's: coupling at 0 to 4 s, share
    of slow variance, autocorrelation time.

    Every trial simulates the same people with the same chance, so that the loss is smooth.
    """
    start = BEHAVIOURS[2]
    assert start.affect is not None
    wanted = described(target)
    trials: list[tuple[float, Affect]] = []

    def loss(x: Array) -> float:
        tau, shared, catching = np.exp(x)
        affect = replace(start.affect, tau=tau, shared=min(shared, 0.9), catching=catching)
        with mock.patch.dict(BEHAVIOURS, {2: replace(start, affect=affect)}):
            pairs = simulated_pairs(simulated_minutes(2, FIT_SEED, count, 1))
        value = float(((described(smiles(pairs)) - wanted) ** 2).sum())
        trials.append((value, affect))
        print(f"{value:.5f} tau {tau:.2f} shared {shared:.3f} catching {catching:.2f}", flush=True)
        return value

    first = np.log(START)
    simplex = np.vstack([first, first + 0.3 * np.eye(3)])
    minimize(loss, first, method="Nelder-Mead",
             options={"maxfev": steps, "initial_simplex": simplex})  # fmt: skip
    value, best = min(trials, key=lambda t: t[0])
    return {"loss": rounded(value, 5), "trials": len(trials), "found": asdict(best)}


def described(row: dict[str, Any]) -> Array:
    """What the fit compares; a tenth of a second of autocorrelation counts as 0.01."""
    curve = np.asarray(row["coupling"])[FITTED]
    return np.array([*curve, row["slow_share"], row["autocorrelation_s"] / 10])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("book/results/simulator.json"))
    parser.add_argument("--fit", type=int, default=0, help="trials of the fit; 0: no fit")
    parser.add_argument("--minutes", type=int, default=120, help="simulated, a version")
    parser.add_argument("--answers", type=int, default=4, help="to each speaker")
    args = parser.parse_args()
    started = time.time()
    commit()  # the run's, whatever is committed while it lasts
    with tempfile.TemporaryDirectory() as scratch:
        source = args.folder / "dyadic/vc_resolution_original.zip"
        calls = import_corpus("vc-resolution", source, Path(scratch) / "vc")
        rows = {"real, train": real(calls, ["train"]), "real, test": real(calls, ["val", "test"])}
    fitted = fit(rows["real, train"], args.minutes, args.fit) if args.fit else None
    for version in BEHAVIOURS:
        rows[f"version {version}"] = simulated(version, args.minutes, args.answers)
    options = f"--fit {args.fit} --minutes {args.minutes} --answers {args.answers}"
    command = f"python -m experiments.simulator_fit FOLDER {options}"
    result = run_card(seed=SEED, started=started, command=command) | {
        "lags": rounded(LAGS),
        "rows": rows,
        "simulated_gaze": simulated_gaze(args.minutes),
        "fit": fitted,
        "behaviours": {str(k): asdict(x) for k, x in BEHAVIOURS.items()},
    }
    write_json(args.output, result)


if __name__ == "__main__":
    main()
