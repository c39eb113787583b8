"""The plan of the tables' benchmark: every row's training, once, in groups that a device can
share.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elp.corpus import Corpus
from elp.evaluation.methods import AS_PRINTED, METHODS, Training
from elp.evaluation.trainings import Budget, ELPTraining
from elp.training import recipes
from experiments import tables

MODELS = {row.training.name: row.training for row in METHODS if row.training is not None}


def plan(corpus: Corpus, **changes: Any) -> Any:
    options: dict[str, Any] = {
        "devices": ("cuda:0",),
        "seeds": (0, 1, 2),
        "sweep": (),
        "skip": (),
        "once": (),
        "samples": 1,
        "budget": Budget(recipe="tiny", printed="tiny"),
    }
    return tables.Plan(corpus=corpus.folder, work=corpus.folder, **options | changes)


@given(
    skip=st.sets(st.sampled_from(sorted(MODELS))),
    once=st.sets(st.sampled_from(sorted(MODELS))),
    sweep=st.lists(st.sampled_from([1, 4, 16]), max_size=4),
    devices=st.sampled_from([("cpu",), ("cpu", "cpu"), ("cuda:0",), ("cuda:0", "cuda:1")]),
)
def test_what_rows_wait_for_is_trained_once(
    simulated: Corpus, skip: set[str], once: set[str], sweep: list[int], devices: tuple[str, ...]
) -> None:
    p = plan(simulated, skip=tuple(skip), once=tuple(once), sweep=tuple(sweep), devices=devices)
    trained = Counter((model.name, seed) for group in p.trained for model, seed in group)
    assert set(trained.values()) <= {1}
    for kind in {*MODELS, *(f"ELP-U H={h}" for h in sweep)} - skip:
        assert {seed for name, seed in trained if name == kind} == (
            {0} if kind in once else {0, 1, 2}
        )
    assert not {name for name, _ in trained} & skip
    assert all(len(group) <= p.beside for group in p.trained)
    assert p.beside == 1 or "cpu" not in devices


def test_rows_are_measured_when_their_model_is_there(simulated: Corpus) -> None:
    p = plan(simulated, sweep=(4,))
    models: list[Training | None] = [None, *{m for group in p.trained for m, _ in group}]
    rows = [row for m in models for seed in p.seeds for row in tables.rows_of(p, m, seed)]
    measured = {(name, seed) for job, name, seed in rows if job is tables.measured}
    assert len(measured) == sum(job is tables.measured for job, _, _ in rows)
    assert {name for name, _ in measured} == {*(row.name for row in METHODS), "ELP-U H=4"}
    assert {seed for name, seed in measured if name == "GT"} == {0}
    assert {seed for name, seed in measured if name == "NN-audio+V"} == {0, 1, 2}
    steered = {name for job, name, _ in rows if job is tables.controlled}
    assert {"ELP-U", "RLHG", "DLS-Random+U"} <= steered and "NN-audio" not in steered
    inferring = {name for job, name, _ in rows if job is tables.inferred}
    assert {"ELP-U", "ELP-U, e inferred linearly", "listener"} <= inferring


def test_several_devices_begin_with_what_takes_longest_to_train(simulated: Corpus) -> None:
    assert plan(simulated).trained[0][0][0].name == "ELP-U"
    several = plan(simulated, devices=("cuda:0", "cuda:1"))
    assert all(model.long for model, _ in several.trained[0])


def test_a_row_whose_model_is_left_out_is_left_out(simulated: Corpus) -> None:
    names = {row.name for row in plan(simulated, skip=("ELP-V", "Random")).rows}
    assert not names & {"ELP-V", "NN-motion+V", "DLS-Random+V", "Random"}
    assert {"ELP-V, Eq 3", "ELP-U"} <= names


@pytest.mark.parametrize("kind", [name for name in MODELS if name.startswith("ELP")])
def test_a_variant_is_its_recipe(kind: str) -> None:
    training = MODELS[kind]
    assert isinstance(training, ELPTraining)
    recipe = training.recipe(Budget(recipe="lively", printed="vico"), 5)
    model = recipe.model
    space = kind.partition("-")[2].partition(",")[0]
    assert (model.space, recipe.seed) == (space, 5)
    assert model.causal == (kind in ("ELP-U, causal", "ELP-U, events"))
    assert model.raw_motion == ("Eq" not in kind and "printed" not in kind)
    if kind == "ELP-U, events":
        assert recipe.events is not None
    else:
        assert recipe.steps == (10_000 if "Eq 3" in kind or "printed" in kind else 2000)


def test_the_row_as_printed_has_nothing_that_the_paper_has_not() -> None:
    recipe = AS_PRINTED.recipe(Budget(recipe="lively", printed="vico"), 0)
    assert replace(recipe, name="paper") == recipes.paper()
    assert (recipe.lr, recipe.warmup, recipe.decay) == (1e-3, 0, "none")
    assert (recipe.model.coding, recipe.weights.reduction) == ("value", "sum")
    assert recipe.weights.score == "l2" and not recipe.model.shortcut


def test_results_are_named_after_people_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def label(*options: str) -> str:
        monkeypatch.setattr("sys.argv", ["tables.py", *options])
        return tables.labelled(tables.arguments())

    assert label() == "vico"
    assert label("--simulator", "2", "--people", "7") == "vico-v2-people7"
