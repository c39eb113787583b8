"""The plan of the tables' benchmark: every row's training, once, in groups that a device can
share.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elp.corpus import Corpus

SPEC = importlib.util.spec_from_file_location(
    "benchmark_tables", Path(__file__).parents[2] / "experiments" / "tables.py"
)
assert SPEC is not None and SPEC.loader is not None
tables = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = tables  # dataclasses look their module up
SPEC.loader.exec_module(tables)
METHODS = (
    "ELP-U",
    "ELP-V",
    "ELP-U, Eq 1",
    "ELP-U, causal",
    "ELP-U, Eq 3",
    "ELP-V, Eq 3",
    "RLHG",
    "PCH",
    "L2L",
)


def plan(corpus: Corpus, **changes: Any) -> Any:
    options: dict[str, Any] = {
        "devices": ("cuda:0",),
        "seeds": (0, 1, 2),
        "sweep": (),
        "skip": (),
        "once": (),
        "samples": 1,
        "recipe": "tiny",
        "printed": "tiny",
        "steps": 1,
        "balanced": False,
        "smoke": True,
        "rlhg_steps": 1,
        "l2l_steps": (1, 1),
        "l2l_batch": 8,
    }
    return tables.Plan(corpus=corpus.folder, work=corpus.folder, **options | changes)


@given(
    skip=st.sets(st.sampled_from(METHODS)),
    once=st.sets(st.sampled_from(METHODS)),
    sweep=st.lists(st.sampled_from([1, 4, 16]), max_size=4),
    devices=st.sampled_from([("cpu",), ("cpu", "cpu"), ("cuda:0",), ("cuda:0", "cuda:1")]),
)
def test_what_rows_wait_for_is_trained_once(
    simulated: Corpus, skip: set[str], once: set[str], sweep: list[int], devices: tuple[str, ...]
) -> None:
    p = plan(simulated, skip=tuple(skip), once=tuple(once), sweep=tuple(sweep), devices=devices)
    trained = Counter(job for group in p.trained for job in group)
    assert set(trained.values()) <= {1}
    for kind in {*METHODS, *(f"ELP-U H={h}" for h in sweep)} - skip:
        assert {seed for name, seed in trained if name == kind} == (
            {0} if kind in once else {0, 1, 2}
        )
    assert not {name for name, _ in trained} & skip
    assert all(len(group) <= p.beside for group in p.trained)
    assert p.beside == 1 or "cpu" not in devices


def test_rows_are_measured_when_their_model_is_there(simulated: Corpus) -> None:
    p = plan(simulated, sweep=(4,))
    rows = [
        row
        for kind in (None, *METHODS, "ELP-U H=4")
        for seed in p.seeds
        for row in tables.rows_of(p, kind, seed)
    ]
    measured = {(name, seed) for job, name, seed in rows if job is tables.measured}
    assert len(measured) == sum(job is tables.measured for job, _, _ in rows)
    assert {name for name, _ in measured} == {*tables.TABLE1, *tables.TABLE2, "ELP-U H=4"}
    assert {seed for name, seed in measured if name == "GT"} == {0}
    assert {seed for name, seed in measured if name == "NN-audio+V"} == {0, 1, 2}


def test_several_devices_begin_with_what_takes_longest_to_train(simulated: Corpus) -> None:
    assert plan(simulated).trained[0][0][0] == "ELP-U"
    assert plan(simulated, devices=("cuda:0", "cuda:1")).trained[0][0][0] == "ELP-U, Eq 3"


@pytest.mark.parametrize("kind", METHODS[:6])
def test_a_kind_is_its_recipe(simulated: Corpus, kind: str) -> None:
    model = plan(simulated, recipe="lively", printed="vico").elp_recipe(kind, 5).model
    assert (model.space, model.causal) == (kind[4], "causal" in kind)
    assert model.plain == ("Eq" not in kind)
