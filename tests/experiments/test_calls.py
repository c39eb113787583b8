"""Folds hold every dyad once, and what they give is put side by side."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from elp.corpus import Corpus
from elp.evaluation.methods import METHODS
from elp.evaluation.trainings import Budget
from experiments import calls
from experiments.tables import measured


def test_every_dyad_is_answered_once_by_who_has_not_met_it(simulated: Corpus) -> None:
    met = [
        frozenset(pair)
        for pair in zip(simulated.index["person"], simulated.index["partner"], strict=True)
    ]
    tested: list[frozenset[str]] = []
    for fold in range(calls.FOLDS):
        split = dict(zip(met, calls.folded(simulated, fold), strict=True))
        assert [split[pair] for pair in met] == calls.folded(simulated, fold)
        assert {"train", "val", "test"} == set(split.values())
        tested += [pair for pair, name in split.items() if name == "test"]
    assert sorted(map(sorted, tested)) == sorted(map(sorted, set(met)))


def test_smiles_alone_are_standardised(simulated: Corpus) -> None:
    rows = list(calls.smiling(simulated, ["test"] * len(simulated), "x "))
    values = np.concatenate([row.motion.beta for row in rows])
    assert values.shape[1] == 1 and rows[0].person.startswith("x ")
    assert values.mean() == pytest.approx(0, abs=1e-4)
    assert values.std() == pytest.approx(1, abs=1e-4)


def test_only_the_rows_asked_for_are_planned(simulated: Corpus) -> None:
    options = {"devices": ("cpu",), "seeds": (0,), "samples": 1}
    plan = calls.planned(simulated.folder, calls.SMILES, Budget(recipe="tiny"), options)
    assert {row.name for row in plan.rows} == set(calls.SMILES)
    assert set(calls.CALLS) <= {row.name for row in METHODS}


def test_folds_are_joined_clip_by_clip() -> None:
    def run(clips: int, seeds: tuple[int, ...]) -> SimpleNamespace:
        terms = {"facial_fd": np.full((3, clips), clips), "facial_sid": np.zeros((3, clips))}
        terms["head_fd"] = terms["facial_fd"]
        return SimpleNamespace(found={measured: {"RLHG": dict.fromkeys(seeds, terms)}})

    (stats,) = calls.joined([run(2, (0, 1)), run(4, (0,))])["RLHG"]
    assert stats.keys() == {"facial_fd"}
    assert stats["facial_fd"][0].tolist() == [2, 2, 4, 4, 4, 4]
