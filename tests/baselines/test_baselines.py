"""Baselines: the contract, exactness of the neighbours, published sizes, learning, and what each
one knows of emotion.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elp import baselines
from elp.baselines.features import Batch, Windows
from elp.baselines.l2l import L2L, _nucleus
from elp.baselines.rlhg import RLHG
from elp.baselines.vqvae import BLOCK, CODES, VQVAE
from elp.corpus import Corpus
from elp.errors import ElpError
from elp.listener.responder import ELPResponder
from elp.model import ASE, ASEConfig


@pytest.fixture(scope="module")
def corpus(simulated: Corpus) -> Corpus:
    return simulated


def ase(corpus: Corpus, space: str = "U") -> ASE:
    torch.manual_seed(0)
    config = ASEConfig(
        beta=corpus.beta.shape[1],
        emotions=tuple(corpus.emotions),
        heads=4,
        categories=4,
        hidden=16,
        blink_hidden=8,
        space=space,
    )  # type: ignore[arg-type]
    return ASE(config, corpus.stats).eval()


def drawn(windows: Windows, count: int, seed: int = 0) -> Batch:
    return windows.gather(*windows.draw(count, torch.Generator().manual_seed(seed)))


MAKERS = {
    "mean face": lambda c: baselines.MeanFace(c),
    "mirror": lambda c: baselines.Mirror(c),
    "random": lambda c: baselines.RandomListener(c),
    "nn-motion": lambda c: baselines.NearestNeighbour(c, "motion"),
    "nn-audio": lambda c: baselines.NearestNeighbour(c, "audio"),
    "nn-motion+U": lambda c: baselines.RetrievedSpeaker(c, "motion", ELPResponder(ase(c))),
    "dls-random": lambda c: baselines.RandomCodes(ase(c)),
    "rlhg": lambda c: baselines.train_rlhg(c, steps=2)[0],
    "pch": lambda c: baselines.train_rlhg(c, residual=True, steps=2)[0],
    "l2l": lambda c: baselines.train_l2l(c, steps=(1, 1), batch=4)[0],
}


@pytest.fixture(scope="module")
def methods(corpus: Corpus) -> dict:
    return {name: make(corpus) for name, make in MAKERS.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_contract(corpus, methods, name):
    speaker = corpus.speaker(next(corpus.pairs("test").itertuples()))

    def answer(seed, clip=speaker):
        generator = torch.Generator().manual_seed(seed)
        return methods[name].respond(clip, "positive", generator=generator)

    one, again = answer(0), answer(0)
    assert (len(one), one.beta.shape[1], one.fps) == (len(speaker), corpus.beta.shape[1], 25.0)
    assert np.isfinite(one.beta).all()
    for part in ("beta", "pose", "blink"):
        assert np.array_equal(getattr(one, part), getattr(again, part)), part
    if name in ("random", "dls-random", "nn-motion+U"):
        assert not np.array_equal(one.beta, answer(1).beta)
    assert len(answer(0, speaker[:7])) == 7  # shorter than any segment, window or token


@pytest.mark.parametrize("name", ["rlhg", "pch", "l2l"])
def test_answering_all_at_once_is_answering_each(corpus, methods, name):
    speakers = [corpus.speaker(p) for p in list(corpus.pairs("test").itertuples())[:2]]
    speakers = [s[:n] for s, n in zip(speakers, (64, 90), strict=True)]
    if name == "l2l":  # its draws differ with the batch: compare the longest clip alone with itself
        speakers = speakers[1:]
    both = methods[name].respond_all(
        speakers, ["neutral"] * len(speakers), generator=torch.Generator().manual_seed(0)
    )
    for speaker, motion in zip(speakers, both, strict=True):
        alone = methods[name].respond(
            speaker, "neutral", generator=torch.Generator().manual_seed(0)
        )
        np.testing.assert_allclose(motion.beta, alone.beta, atol=1e-4)


def test_neighbours_are_exact(corpus):
    neighbours = baselines.Neighbours(corpus, "motion")
    pair = max(corpus.pairs("train").itertuples(), key=lambda p: p.length)
    found = neighbours.find(corpus.speaker(pair)[10:110])  # pieces that training itself holds
    assert [(f.speaker, f.frames) for f in found] == [
        (pair.speaker_offset + 10, 50),
        (pair.speaker_offset + 60, 50),
    ]
    assert found[0].listener == pair.listener_offset + 10
    answer = baselines.NearestNeighbour(corpus, "motion").respond(
        corpus.speaker(pair)[10:110], generator=torch.Generator()
    )
    np.testing.assert_array_equal(answer.beta, corpus.listener(pair)[10:110].beta)


def test_nearest_is_the_smallest_distance(corpus):
    neighbours = baselines.Neighbours(corpus, "motion")
    speaker = corpus.speaker(next(corpus.pairs("test").itertuples()))[:50]
    series = np.concatenate([corpus.beta, corpus.pose], 1).astype(np.float64)
    std = np.concatenate([corpus.stats["beta"].std, corpus.stats["pose"].std])
    query = np.concatenate([speaker.motion.beta, speaker.motion.pose], 1)[::5]
    distance = [(((series[s : s + 50 : 5] - query) / std) ** 2).sum() for s in neighbours.speaker]
    assert neighbours.find(speaker)[0].speaker == neighbours.speaker[int(np.argmin(distance))]


def test_answers_come_from_training_people_only(corpus):
    train = corpus.pairs("train")
    owned = np.zeros(len(corpus.beta), bool)
    for p in train.itertuples():
        owned[p.listener_offset : p.listener_offset + p.length] = True
    for by in ("motion", "audio"):
        neighbours = baselines.Neighbours(corpus, by)
        for pair in corpus.pairs("test").itertuples():
            assert all(
                owned[f.listener : f.listener + f.frames].all()
                for f in neighbours.find(corpus.speaker(pair))
            )


def test_blinks_are_read_off_the_eyelids(corpus):
    features = baselines.Features(corpus)
    right = total = 0
    for pair in corpus.pairs("test").itertuples():
        true = corpus.listener(pair)
        x = features.motion(torch.tensor(true.beta), torch.tensor(true.pose))
        read = features.listener(x)
        np.testing.assert_allclose(read.beta, true.beta, atol=1e-4)
        right, total = right + (read.blink == true.blink).sum(), total + len(true)
    assert right / total > 0.9


def test_published_sizes(corpus):
    features = baselines.Features(corpus)
    rlhg, pch, l2l = RLHG(features), RLHG(features, residual=True), L2L(features)
    assert (
        rlhg.lower.hidden_size,
        rlhg.upper.hidden_size,
        rlhg.inside.out_features,
        rlhg.dropout.p,
    ) == (96, 96, 192, 0.1)
    assert isinstance(rlhg.norm, torch.nn.LayerNorm)
    assert isinstance(pch.norm, torch.nn.BatchNorm1d)
    assert tuple(l2l.vq.codebook.shape) == (200, 256)
    stacks = (l2l.vq.encoder, l2l.vq.decoder, l2l.predictor.listener, l2l.predictor.joint)
    assert [
        sum(isinstance(layer, torch.nn.TransformerEncoderLayer) for layer in stack)
        for stack in stacks
    ] == [12, 12, 1, 5]
    # nn.TransformerEncoder's begin as copies
    assert not torch.equal(l2l.vq.encoder[0].linear1.weight, l2l.vq.encoder[1].linear1.weight)
    assert l2l.vq.encode(torch.zeros(2, 32, features.width)).shape == (2, 4, 256)
    assert l2l.vq.decode(torch.zeros(2, 4, dtype=torch.long)).shape == (2, 32, features.width)


def test_regression_learns_and_its_first_frame_matters(corpus):
    model, _ = baselines.train_rlhg(corpus, residual=True, steps=2)
    batch = drawn(Windows(corpus, 40), 16, 5)
    before = model.loss(batch)
    trained, curve = baselines.train_rlhg(corpus, residual=True, steps=25)
    assert trained.loss(batch) < before
    assert all(np.isfinite(curve))
    shifted = trained(batch.speaker, batch.listener[:, 0] + 1, batch.e) - trained(
        batch.speaker, batch.listener[:, 0], batch.e
    )
    assert shifted.mean() > 0.5


def test_unseen_frames_cost_nothing(corpus):
    model = RLHG(baselines.Features(corpus)).eval()
    batch = drawn(Windows(corpus, 40), 4)
    hidden = batch._replace(valid=batch.valid.clone())
    hidden.valid[:, 20:] = False
    spoilt = hidden._replace(listener=hidden.listener.clone())
    spoilt.listener[:, 20:] += 100
    with torch.no_grad():
        assert float(model.loss(spoilt)) == pytest.approx(float(model.loss(hidden)), rel=1e-5)


def test_windows_stay_within_their_pair(corpus):
    features = baselines.Features(corpus)
    batch = drawn(Windows(corpus, BLOCK), 64)
    pairs = corpus.pairs("train")
    whole = [
        features.motion(torch.tensor(m.beta), torch.tensor(m.pose))
        for m in map(corpus.listener, pairs.itertuples())
    ]
    for x in batch.listener[:4]:
        assert any(
            (torch.isclose(w[s : s + BLOCK], x, atol=1e-3).all())
            for w in whole
            for s in range(len(w) - BLOCK + 1)
        )
    with pytest.raises(ElpError, match="has 100000 frames"):
        Windows(corpus, 100_000)


def test_nucleus_draws_only_from_the_likely_codes():
    logits = torch.full((500, CODES), -9.0)
    logits[:, 3], logits[:, 8] = 5.0, 4.0
    drawn = _nucleus(logits, torch.Generator().manual_seed(0))[:, 0]
    share = (drawn == 3).float().mean()
    assert set(drawn.tolist()) == {3, 8}
    assert share == pytest.approx(1 / (1 + np.exp(-1 / 0.7)), abs=0.06)


def test_an_emotion_left_open_is_all_of_them_alike(corpus):
    features = baselines.Features(corpus)
    assert features.mixtures(["positive", None, [2, 0, 0]]).tolist() == [
        pytest.approx(row) for row in ([0, 0, 1], [1 / 3] * 3, [1, 0, 0])
    ]


def test_random_codes_follow_the_emotion_only_in_u(corpus):
    speaker = corpus.speaker(next(corpus.pairs("test").itertuples()))
    for space, differs in (("U", True), ("V", False)):
        method = baselines.RandomCodes(ase(corpus, space))
        a, b = (
            method.respond(speaker, e, generator=torch.Generator().manual_seed(0)).beta
            for e in ("negative", "positive")
        )
        assert (not np.allclose(a, b, atol=1e-5)) == differs


def test_codes_that_no_token_takes_begin_anew_on_tokens():
    vq, tokens = VQVAE(10), torch.randn(40, 256)
    first = vq.codebook[0].detach().clone()
    for _ in range(200):  # every token takes the first code
        vq._revive(tokens, torch.zeros(40, dtype=torch.long))
    assert torch.equal(vq.codebook[0], first)
    assert (vq.codebook[1:, None] == tokens).all(-1).any(1).all()
