"""Values that must not change: every convention on the small arrays of `tests/golden`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elp import metrics

FOLDER = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((FOLDER / "metrics.json").read_text())


@pytest.fixture(scope="module")
def clips() -> dict[str, list[np.ndarray]]:
    with np.load(FOLDER / "metrics.npz") as file:
        ends = np.cumsum(file["lengths"])[:-1]
        return {name: np.split(file[name], ends) for name in file.files if name != "lengths"}


@pytest.mark.parametrize("name", EXPECTED)
def test_values_are_those_of_the_first_code(name: str, clips: dict[str, list[np.ndarray]]) -> None:
    convention, _, how = name.partition(", ")
    pred: list[Any] = clips["holes" if how == "holes" else "pred"]
    blinks = {key: clips[key] for key in ("blink_gt", "blink_pred")}
    if how == "two answers":
        pred, blinks = [[x, x[::-1]] for x in pred], {}
    sets = (clips["speaker"], clips["gt"], pred)
    found = metrics.evaluate(*sets, convention=convention, **blinks)
    assert EXPECTED[name].keys() <= found.keys()
    for key, value in EXPECTED[name].items():
        expected = np.nan if value is None else value
        np.testing.assert_allclose(found[key], expected, rtol=1e-9, atol=1e-12, err_msg=key)
