"""The list of methods: what can be measured is, what was asked for and cannot be is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from elp.corpus import Corpus
from elp.errors import ElpError
from elp.evaluation import methods
from elp.evaluation.trainings import Budget, file_name

pytestmark = pytest.mark.usefixtures("short_validation")
SHORT = Budget(recipe="tiny", printed="tiny", steps=2, rlhg_steps=2, l2l_steps=(6, 2), l2l_batch=4)


def test_names_are_unique_also_as_files() -> None:
    names = [row.name for row in (*methods.METHODS, *methods.with_heads([1, 16]))]
    assert len({file_name(name) for name in names}) == len(names)
    assert set(methods.BOUNDS) == {"GT", "oracle", "another listener", "stranger", "mean face"}


@pytest.mark.parametrize("name", ["RLHG", "PCH", "L2L", "ELP-U", "ELP-U, causal"])
def test_a_trained_row_comes_back_from_its_file(
    name: str, simulated: Corpus, tmp_path: Path
) -> None:
    model = methods.method(name).training
    assert model is not None
    for _ in model.train(simulated, SHORT, 0, "cpu", model.path(tmp_path, 0)):
        pass
    (tmp_path / "ELP-U-Eq-3-0.safetensors").touch()  # another row's
    assert model.found(tmp_path) == [model.path(tmp_path, 0)]
    found = methods.answerers(simulated, [name, "GT"], models=tmp_path)
    assert [len(answerers) for answerers in found.values()] == [1, 1]
    pair = next(simulated.pairs("test").itertuples())
    speaker, generator = simulated.speaker(pair)[:60], torch.Generator().manual_seed(0)
    answer = found[name][0].respond(speaker, "positive", generator=generator)
    assert len(answer) == 60


def test_rows_without_their_model_are_left_out_unless_asked_for(
    simulated: Corpus, tmp_path: Path
) -> None:
    found = methods.answerers(simulated, models=tmp_path)
    assert set(found) == {row.name for row in methods.METHODS if row.training is None}
    with pytest.raises(ElpError, match="no trained RLHG in"):
        methods.answerers(simulated, ["RLHG"], models=tmp_path)
    with pytest.raises(ElpError, match="no method 'ELP-W'"):
        methods.answerers(simulated, ["ELP-W"])


def test_only_a_simulated_corpus_has_an_oracle(simulated: Corpus) -> None:
    real = replace(simulated, card=simulated.card | {"source": "imported"})
    assert not methods.method("oracle").fits(real)
    assert methods.method("stranger").fits(real)
    with pytest.raises(ElpError, match="was not simulated"):
        methods.answerers(real, ["oracle"])


def test_a_method_that_is_not_told_infers(simulated: Corpus) -> None:
    class Asked:
        def respond(self, speaker, emotion=None, *, generator):  # type: ignore[no-untyped-def]
            assert emotion is None
            return speaker.motion

    pair = next(simulated.pairs("test").itertuples())
    method = methods.WithoutEmotion(Asked())
    answer = method.respond(simulated.speaker(pair), "positive", generator=torch.Generator())
    assert len(answer) == pair.length
