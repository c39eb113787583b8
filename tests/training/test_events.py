"""Event heads learn from conversations by likelihood, and a run with them leaves one model."""

import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from elp.errors import ElpError
from elp.model import checkpoint
from elp.model.ase import ASE, ASEConfig
from elp.model.events import OWN, EventConfig
from elp.training import event_run, recipes
from elp.training.events import (
    TERMS,
    EventRecipe,
    EventSampler,
    EventTrainer,
    validate_events,
)
from elp.training.listeners import calibrated, centred, own_of_listeners
from elp.training.run import train
from tests.ase import corpus

SMALL = EventConfig(bins=9, hidden=12, width=8, lid_hidden=6, lid_width=4, dropout=0.0)
QUICK = EventRecipe(steps=4, batch=3, frames=50, warmup=1)
CONFIG = ASEConfig(beta=100, causal=True, events=SMALL)
CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("short_validation")


def recipe():
    base = recipes.listener()
    model = replace(
        base.model, heads=4, categories=4, hidden=16, blink_hidden=8, events=SMALL, convs=1
    )
    return replace(base, model=model, steps=4, batch=2, frames=12, warmup=1, events=QUICK)


@pytest.fixture(scope="module")
def sampler(simulated):
    events = calibrated(CONFIG, simulated, 0, CPU)
    return EventSampler(simulated, events, 50)


def test_clips_are_the_corpus(simulated, sampler):
    row, start = torch.tensor([0, 3]), torch.tensor([5, 0])
    batch = sampler.gather(row, start)
    for k, pair in enumerate(sampler.pairs.iloc[[0, 3]].itertuples()):
        said = simulated.speaker(pair)
        first = int(start[k])
        cut = slice(first, first + 50)
        np.testing.assert_array_equal(batch.heard[k, :, :8], said.prosody[cut])
        np.testing.assert_array_equal(batch.heard[k, :, 8], said.motion.blink[cut])
        motion = simulated.listener(pair)
        np.testing.assert_array_equal(batch.codes[k, :, 0], motion.blink[cut])
        events = calibrated(CONFIG, simulated, 0, CPU)
        codes, past = events.targets(
            torch.from_numpy(centred(motion)), torch.from_numpy(motion.blink.copy())
        )
        assert torch.equal(batch.codes[k], codes[cut])
        torch.testing.assert_close(batch.past[k], past[cut])


def test_a_listener_nods_where_the_head_goes_up_and_down(simulated, sampler):
    first, length = sampler.pairs["listener_offset"], sampler.pairs["length"]
    rows = np.concatenate([np.arange(a, a + n) for a, n in zip(first, length, strict=True)])
    speed = np.abs(np.diff(simulated.pose[:, 0], prepend=0))[rows]
    nods = sampler.nodding.numpy()[rows]
    assert 0.05 < nods.mean() < 0.4
    assert speed[nods].mean() > 2 * speed[~nods].mean()


def test_a_head_is_counted_from_its_rest(simulated, sampler):
    for pair in sampler.pairs.itertuples():
        assert np.abs(np.median(centred(simulated.listener(pair)), 0)).max() < 1e-6
    own = own_of_listeners(simulated, sampler.pairs, calibrated(CONFIG, simulated, 0, CPU))
    traits = SMALL.traits
    assert own.shape == (len(simulated.blink), 13 + traits)
    assert own[:, 12].max() == 1
    told = torch.stack([own[p.listener_offset, 13:].float() for p in sampler.pairs.itertuples()])
    for pair, first in zip(sampler.pairs.itertuples(), told, strict=True):
        rows = own[pair.listener_offset : pair.listener_offset + pair.length, 13:].float()
        assert (rows == first).all()  # who listens stays who listens


def test_a_conversation_shorter_than_a_clip_is_a_clip_whose_end_does_not_count(simulated):
    events = calibrated(CONFIG, simulated, 0, CPU)
    longest = int(simulated.pairs("train")["length"].max())
    long = EventSampler(simulated, events, longest + 30)
    assert len(long.pairs) > 1
    row = torch.arange(len(long.pairs))
    batch = long.gather(row, torch.zeros_like(row))
    for k, pair in enumerate(long.pairs.itertuples()):
        assert not batch.valid[k, pair.length :].any()
        said, motion = simulated.speaker(pair).motion, simulated.listener(pair)
        assert (batch.valid[k, : pair.length].numpy() == said.valid & motion.valid).all()
    g = torch.Generator().manual_seed(0)
    drawn, start = long.draw(40, g)
    assert (start == 0).all() and len(set(drawn.tolist())) > 5


def test_losses_fall_and_do_not_depend_on_anything_global(simulated, sampler):
    def trained(steps):
        events = calibrated(CONFIG, simulated, 0, CPU)
        quick = replace(QUICK, steps=60, lr=1e-2)
        loop = EventTrainer(quick, events, sampler, seed=0, name="test")
        found = []
        for _ in range(steps):
            loop.advance()
            found.append(loop.terms.clone())
        return events, torch.stack(found)

    events, terms = trained(40)
    assert terms.shape[1] == len(TERMS)
    assert terms[-5:, 0].mean() < 0.5 * terms[0, 0]
    assert terms[-5:, 1:7].mean() < 0.95 * terms[0, 1:7].mean()
    torch.manual_seed(99)
    again, same = trained(3)
    assert torch.equal(same, terms[:3])
    val = validate_events(events, simulated, QUICK, count=8)
    assert val == validate_events(events, simulated, QUICK, count=8)
    assert val["lids"] < validate_events(again, simulated, QUICK, count=8)["lids"]


def test_a_run_with_event_heads_leaves_one_model_and_resumes(simulated, tmp_path):
    card = train(recipe(), simulated, tmp_path / "run", device="cpu")
    assert set(card["events"]) == set(TERMS)
    model, stored = checkpoint.load(tmp_path / "run" / "model.safetensors")
    assert model.events is not None and stored["recipe"]["events"]["steps"] == 4
    assert (model.events.edges.diff(dim=1) > 0).all()
    assert recipes.from_dict(stored["recipe"]).model == model.config
    # what was finished is read again, not trained again
    before = (tmp_path / "run" / "events.safetensors").stat().st_mtime_ns
    train(recipe(), simulated, tmp_path / "run", device="cpu", resume=True)
    assert (tmp_path / "run" / "events.safetensors").stat().st_mtime_ns == before
    again, _ = checkpoint.load(tmp_path / "run" / "model.safetensors")
    assert all(torch.equal(x, again.state_dict()[k]) for k, x in model.state_dict().items())


def test_losses_are_looked_at_now_and_then_and_at_the_end():
    looked = []

    class Loop:
        recipe, name, done, terms = replace(QUICK, steps=120), "test", 0, torch.zeros(1)

        def advance(self):
            self.done += 1

        def require_finite(self, done, terms):
            looked.append(done)

    event_run._steps(Loop(), None, False)
    assert looked[-1] == 120 and max(np.diff([0, *looked])) <= 50 and len(looked) < 10


def test_an_encoder_is_told_of_a_clips_listener_nearly():
    """So that it knows the kind of listener, but cannot name a clip by its traits."""
    torch.manual_seed(0)
    model = ASE(replace(CONFIG, heads=2, categories=2, hidden=8)).train()
    own = torch.zeros(400, 3, OWN + SMALL.traits)
    told = model.told(torch.zeros(400, 3, 1), own)[..., 1 + OWN :]
    assert torch.equal(told[:, 0], told[:, 2])  # no frame tells more than another
    assert 0.1 < told.std() < 0.6 and abs(told.mean()) < 0.05
    assert torch.equal(
        model.eval().told(torch.zeros(400, 3, 1), own)[..., 1 + OWN :], own[..., OWN:]
    )


def test_a_corpus_without_prosody_is_refused(tmp_path):
    silent = corpus(tmp_path / "c")
    config = ASEConfig(beta=12, causal=True, events=SMALL)
    if silent.prosody is not None:
        silent = replace(silent, prosody=None)
    with pytest.raises(ElpError, match="prosody"):
        EventSampler(silent, calibrated(config, silent, 0, CPU), 50)


def test_an_interrupted_training_of_event_heads_resumes_bit_for_bit(
    simulated, tmp_path, monkeypatch
):
    train(recipe(), simulated, tmp_path / "whole", device="cpu")
    advance = EventTrainer.advance

    def interrupted(self):
        advance(self)
        if self.done == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(EventTrainer, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        train(recipe(), simulated, tmp_path / "cut", device="cpu")
    monkeypatch.setattr(EventTrainer, "advance", advance)
    train(recipe(), simulated, tmp_path / "cut", device="cpu", resume=True)
    left = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert left == sorted(path.name for path in (tmp_path / "cut").iterdir())
    for name in ("events", "state"):
        whole, cut = (
            checkpoint.read(tmp_path / run / f"{name}.safetensors")[0] for run in ("whole", "cut")
        )
        assert all(torch.equal(x, cut[key]) for key, x in whole.items())
