"""Training: it learns, resumes bit for bit, stops at NaN with its batch, shares a batch between
processes.
"""

import csv
import json
import multiprocessing
import os
import shutil
import signal
import socket
from dataclasses import replace

import pytest
import torch

from elp.errors import ElpError
from elp.model import checkpoint
from elp.training import recipes
from elp.training.flat import flatten
from elp.training.run import _curve, train
from elp.training.trainer import TERMS, Trainer
from elp.training.validation import validate
from tests.ase import EMOTIONS, corpus, train_as

CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("short_validation")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return corpus(tmp_path_factory.mktemp("corpus") / "c")


def tiny(steps=8, **options):
    model = replace(recipes.tiny().model, heads=4, categories=4, hidden=16, blink_hidden=8)
    return replace(recipes.tiny(), steps=steps, batch=2, frames=12, model=replace(model, **options))


@pytest.fixture(scope="module")
def run(data, short_validation, tmp_path_factory):
    """Folder of a whole run of `tiny()`, and the card it returned."""
    folder = tmp_path_factory.mktemp("run") / "run"
    return folder, train(tiny(), data, folder, device="cpu")


def weights(folder):
    return checkpoint.load(folder / "model.safetensors")[0].state_dict()


def same(a, b):
    return all(torch.equal(x, b[name]) for name, x in a.items())


def test_the_loss_of_one_batch_falls(data):
    trainer = Trainer(tiny(400), data, CPU)
    fixed = trainer.sampler.draw(2, trainer.generator)
    trainer.sampler.draw = lambda *_: fixed
    for _ in range(40):
        trainer.advance()
    assert trainer.log[35:40, 0].mean() < 0.6 * trainer.log[0, 0]


def test_twenty_steps_give_the_losses_they_always_gave(simulated, root):
    """Change the file only with a change that is meant to alter training."""
    golden = json.loads((root / "tests" / "golden" / "tiny_losses.json").read_text())
    trainer = Trainer(replace(recipes.tiny(), steps=20), simulated, CPU)
    for _ in range(20):
        trainer.advance()
    for name, values in zip(TERMS, trainer.log[:20].T.tolist(), strict=True):
        assert values == pytest.approx(golden[name], rel=1e-4), name


def test_a_run_leaves_weights_log_and_card(data, run):
    folder, card = run
    assert json.loads(json.dumps(card)) == json.loads((folder / "run.json").read_text())
    assert {
        "commit",
        "command",
        "seed",
        "versions",
        "device",
        "train_seconds",
        "curves",
        "validation",
    } <= set(card)
    rows = list(csv.DictReader((folder / "log.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == list(range(8))
    model, stored = checkpoint.load(folder / "model.safetensors")
    assert stored["recipe"]["name"] == "tiny"
    assert (model.config.beta, model.config.emotions) == (12, EMOTIONS)
    torch.testing.assert_close(model.beta_mean, torch.from_numpy(data.stats["beta"].mean))


def test_an_interrupted_run_resumes_bit_for_bit(data, run, tmp_path, monkeypatch):
    recipe, (whole, _) = tiny(), run
    advance = Trainer.advance

    def interrupted(self):
        advance(self)
        if self.done == 3:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Trainer, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, data, tmp_path / "cut", device="cpu")
    monkeypatch.setattr(Trainer, "advance", advance)
    assert not (tmp_path / "cut" / "model.safetensors").exists()
    kept = checkpoint.read(tmp_path / "cut" / "state.safetensors")[1]
    assert kept["done"] == 3  # what was trained is not trained again
    train(recipe, data, tmp_path / "cut", device="cpu", resume=True)
    assert same(weights(whole), weights(tmp_path / "cut"))
    assert (whole / "log.csv").read_text() == (tmp_path / "cut" / "log.csv").read_text()


def test_a_seed_decides_a_run(data, run, tmp_path):
    for name, seed in (("again", tiny().seed), ("other", tiny().seed + 1)):
        train(replace(tiny(), seed=seed), data, tmp_path / name, device="cpu")
    for file in ("model.safetensors", "state.safetensors", "log.csv"):
        assert (run[0] / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), file
    assert not same(weights(run[0]), weights(tmp_path / "other"))


def test_another_run_is_neither_overwritten_nor_resumed(data, run, tmp_path):
    folder = shutil.copytree(run[0], tmp_path / "run")
    with pytest.raises(ElpError, match="holds a run already"):
        train(tiny(), data, folder, device="cpu")
    with pytest.raises(ElpError, match="another recipe"):
        train(tiny(space="V"), data, folder, device="cpu", resume=True)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        p.name: p.read_bytes() for p in run[0].iterdir()
    }


def test_the_state_of_something_else_is_refused_in_a_sentence(data, run, tmp_path):
    tensors, meta = checkpoint.read(run[0] / "state.safetensors")
    cut = {name: x for name, x in tensors.items() if name != "history"}
    for state in ((tensors, {}), (cut, meta), (tensors, {"recipe": 3, "done": 1})):
        checkpoint.write(tmp_path / "state.safetensors", *state)
        with pytest.raises(ElpError, match="not the state of such a run"):
            train(tiny(), data, tmp_path, device="cpu", resume=True)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_batch(data, tmp_path, monkeypatch):
    step = Trainer.step

    def poisoned(self):
        if self.done == 2:
            self.parameters.fill_(float("nan"))
        step(self)

    monkeypatch.setattr(Trainer, "step", poisoned)
    with pytest.raises(ElpError, match="step 2: the loss is not finite"):
        train(tiny(), data, tmp_path, device="cpu")
    tensors, meta = checkpoint.read(next(tmp_path.glob("bad-batch-2.safetensors")))
    assert tensors["mfcc"].shape == (2, 12, 29)
    assert meta["recipe"]["name"] == "tiny"
    assert not (tmp_path / "model.safetensors").exists()


def test_flat_parameters_are_the_models_own(data):
    model = Trainer(tiny(), data, CPU).model
    before = [p.detach().clone() for p in model.parameters()]
    flat = flatten(model)
    assert all(torch.equal(p, b) for p, b in zip(model.parameters(), before, strict=True))
    flat.zero_()
    assert not any(p.any() for p in model.parameters())


def test_draws_are_balanced_when_asked(data, tmp_path):
    skewed = corpus(tmp_path / "c", clips=8, emotions=("a", "a2", "b"))
    trainer = Trainer(replace(tiny(), balanced=True), skewed, CPU)
    row, start = trainer.sampler.draw(3000, torch.Generator().manual_seed(0))
    share = trainer.sampler.e[row].mean(0)
    assert share.tolist() == pytest.approx([1 / 3] * 3, abs=0.05)
    assert (start >= 0).all()
    assert (start < trainer.sampler.places[row]).all()


@pytest.mark.parametrize(
    "options",
    [{"nested": True}, {"window": "clip", "raw_motion": True}, {"causal": True, "window": 24}],
)
def test_options_train(data, options):
    trainer = Trainer(tiny(**options), data, CPU)
    trainer.advance()
    assert trainer.log[0].isfinite().all()


def test_validation_is_repeatable(data):
    recipe = tiny()
    model = Trainer(recipe, data, CPU).model
    assert validate(model, data, recipe, count=32) == validate(model, data, recipe, count=32)


def test_recipes_follow_the_paper_and_unknown_ones_are_refused():
    vico, l2l = recipes.get("vico"), recipes.get("l2l")
    assert (vico.steps, vico.batch, vico.frames) == (10_000, 32, 50)
    assert (l2l.steps, l2l.batch, l2l.balanced) == (50_000, 128, True)
    w = vico.weights
    assert (w.blink, w.emotion, w.smooth) == (5, 5, 0.01)
    assert recipes.from_dict(json.loads(json.dumps(vico.to_dict()))) == vico
    with pytest.raises(ElpError, match="vico"):
        recipes.get("vicoo")


@pytest.mark.parametrize("device", ["cuda", "warp:9", "mps", "meta", "xpu:0"])
def test_a_device_that_is_not_there_is_named(data, tmp_path, device):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("CUDA is here")
    with pytest.raises(ElpError, match=r"CUDA|device"):
        train(tiny(1), data, tmp_path, device=device)


def test_two_processes_train_one_model(data, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = multiprocessing.get_context("forkserver")  # imports torch once for both
    server.set_forkserver_preload(["elp.training.run", "tests.ase"])
    said = server.SimpleQueue()
    both = [
        server.Process(target=train_as, args=(rank, port, tiny(3), data.folder, tmp_path, said))
        for rank in range(2)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(100)
    assert [p.exitcode for p in both] == [0, 0]
    assert [said.get() for _ in both] == [2, 2]
    tensors, _ = checkpoint.read(tmp_path / "state.safetensors")
    assert {"generator.0", "generator.1"} <= set(tensors)
    assert not torch.equal(tensors["generator.0"], tensors["generator.1"])


def test_a_corpus_without_emotions_leaves_a_card_that_is_json(data, tmp_path):
    import pandas as pd

    from elp.corpus import Corpus

    shutil.copytree(data.folder, tmp_path / "c")
    index = pd.read_parquet(tmp_path / "c" / "index.parquet")
    index.assign(emotion="").to_parquet(tmp_path / "c" / "index.parquet")
    train(tiny(2), Corpus.open(tmp_path / "c"), tmp_path / "run", device="cpu")
    card = json.loads((tmp_path / "run" / "run.json").read_text(), parse_constant=pytest.fail)
    assert "emotion_accuracy" not in card["validation"]


def test_a_card_names_the_commit_that_the_run_began_with(monkeypatch):
    from elp import records as files

    files.commit.cache_clear()
    try:
        monkeypatch.setenv("ELP_COMMIT", "first")
        assert files.run_card(seed=0)["commit"] == "first"
        monkeypatch.setenv("ELP_COMMIT", "later")
        assert files.run_card(seed=0)["commit"] == "first"
    finally:
        files.commit.cache_clear()


def test_a_curve_shows_every_step_of_a_short_run():
    rows = [{"loss": float(k)} for k in range(7)]
    assert _curve(rows, "loss") == [row["loss"] for row in rows]
