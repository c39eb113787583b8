"""The list of methods: what can be measured is, what was asked for and cannot be is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from elp.baselines.simple import Neighbours
from elp.corpus import Corpus
from elp.corpus.writer import Record
from elp.errors import ElpError
from elp.evaluation import methods
from elp.evaluation.trainings import Budget, file_name
from elp.listener.responder import ELPResponder
from elp.model.events import EventConfig
from elp.motion import Motion
from elp.training import recipes
from elp.training.events import EventRecipe
from elp.training.listeners import calibrated

pytestmark = pytest.mark.usefixtures("short_validation")
SHORT = Budget(recipe="tiny", printed="tiny", steps=2, rlhg_steps=2, l2l_steps=(6, 2), l2l_batch=4)


def test_names_are_unique_also_as_files() -> None:
    names = [row.name for row in (*methods.METHODS, *methods.with_heads([1, 16]))]
    assert len({file_name(name) for name in names}) == len(names)
    nobody = {"GT", "oracle", "another listener", "stranger", "mean face"}
    shown = {f"{name}, first frame" for name in ("RLHG", "PCH", "L2L", "listener")}
    assert set(methods.BOUNDS) == nobody | shown


TRAINED = ["RLHG", "PCH", "L2L", "ELP-U", "ELP-U, e inferred linearly"]


@pytest.mark.parametrize("name", TRAINED)
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


def test_independent_draws_tremble(simulated: Corpus) -> None:
    trained = ELPResponder.from_checkpoint()
    row = methods.method("ELP-U, independent draws")
    speaker = simulated.speaker(next(simulated.pairs("test").itertuples()))[:80]
    steps = []
    for method in (trained, row.build(simulated, trained)):
        generator = torch.Generator().manual_seed(0)
        motion = method.respond(speaker, "neutral", generator=generator)
        steps.append(np.abs(np.diff(motion.beta, axis=0)).mean())
    assert steps[1] > 1.15 * steps[0]


def test_event_heads_are_trained_with_their_row(
    simulated: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = EventConfig(bins=9, hidden=12, width=8, lid_hidden=6, lid_width=4)
    tiny = recipes.variant(recipes.tiny(), "events", causal=True, convs=1, events=heads)
    short = replace(tiny, events=EventRecipe(batch=2), batch=2)
    monkeypatch.setitem(recipes.RECIPES, "listener", lambda: short)
    path = methods.EVENTS.path(tmp_path, 0)
    for _ in methods.EVENTS.train(simulated, SHORT, 0, "cpu", path):
        pass
    trained = methods.responder(methods.EVENTS.load(simulated, path, "cpu"))
    before = calibrated(trained.model.config, simulated, 0, "cpu").state_dict()
    after = trained.model.events.state_dict()
    assert any(not torch.equal(before[name], x) for name, x in after.items())


def test_a_checkpoint_that_ships_needs_its_own_emotions(simulated: Corpus) -> None:
    row = methods.method("listener")
    assert row.fits(simulated)
    two = replace(simulated, card=simulated.card | {"emotions": ["unpositive", "positive"]})
    assert "other coefficients or emotions" in row.lacks(two)


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


def test_clips_too_short_to_retrieve_from(tmp_path: Path) -> None:
    """All other rows can be measured on clips of half the length that training draws."""
    frames = 25
    motion = Motion(beta=np.ones((frames, 2)), pose=np.zeros((frames, 6)), blink=np.zeros(frames))
    records = [
        Record(clip="a", person=who, partner="", role=role, motion=motion)
        for who, role in (("ann", "speaker"), ("bob", "listener"))
    ]
    card = {"name": "short", "emotions": ["calm"], "source": "a test"}
    short = Corpus.write(tmp_path / "short", records, card)
    assert set(methods.answerers(short)) == {"GT", "stranger", "mean face", "Random"}
    with pytest.raises(ElpError, match="no training pair of 50 frames"):
        methods.answerers(short, ["NN-audio"])
    with pytest.raises(ElpError, match="no training pair of 50 frames"):
        Neighbours(short, "motion")


def test_a_method_that_is_not_told_infers(simulated: Corpus) -> None:
    class Asked:
        def respond(self, speaker, emotion=None, *, generator):  # type: ignore[no-untyped-def]
            assert emotion is None
            return speaker.motion

    pair = next(simulated.pairs("test").itertuples())
    method = methods.WithoutEmotion(Asked())
    answer = method.respond(simulated.speaker(pair), "positive", generator=torch.Generator())
    assert len(answer) == pair.length
