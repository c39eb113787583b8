"""Codes, embeddings and separability, on small models and on data whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elp.book import analysis
from elp.errors import ElpError
from elp.listener.responder import ELPResponder
from elp.model.ase import ASE, ASEConfig


@pytest.fixture(scope="module")
def corpus(simulated):
    return simulated


@pytest.fixture(scope="module")
def responder(corpus):
    torch.manual_seed(0)
    statistics = {name: tuple(map(torch.as_tensor, m)) for name, m in corpus.stats.items()}
    return ELPResponder(
        ASE(ASEConfig(heads=8, categories=16, hidden=32, blink_hidden=8, nested=True), statistics)
    )


@pytest.fixture(scope="module")
def codes(responder, corpus):
    return analysis.encode(responder, [corpus], stride=50)


def test_codes_have_their_shapes_and_ranges(codes, corpus):
    expected = sum(p.length // 50 for p in corpus.pairs().itertuples())
    assert codes.base.shape == (expected, 50, 8)
    assert (codes.base.min(), codes.base.max()) == (0, 15)
    assert codes.real.shape == (expected, 50, 100)
    for n in range(3):  # the ranges of U are disjoint
        u = codes.u()[codes.emotion == n]
        assert u.min() >= n * 16 + 1
        assert u.max() <= (n + 1) * 16


def test_codes_are_those_of_the_generator(responder, corpus, codes):
    """Clips are cut out of whole answers, in the order of the pairs."""
    pairs = list(corpus.pairs().itertuples())
    speakers = [corpus.speaker(pair) for pair in pairs]
    generator = torch.Generator().manual_seed(0)
    traces = responder.trace_all(speakers, ["auto"] * len(pairs), generator=generator)
    said = [(u - 1) % 16 for _, u in traces]
    starts = [(n, k) for n, u in enumerate(said) for k in range(0, len(u) - 49, 50)]
    assert len(starts) == len(codes.base)
    for clip in (0, len(starts) // 2, -1):
        n, k = starts[clip]
        assert np.array_equal(codes.base[clip], said[n][k : k + 50])
        assert codes.recording[clip].endswith(pairs[n].clip)
        assert codes.split[clip] == pairs[n].split


def test_a_part_of_the_codes_keeps_rows_together(codes):
    part = codes.part(slice(1, None, 3))
    assert np.array_equal(part.base, codes.base[1::3])
    assert np.array_equal(part.u(), codes.u()[1::3])
    assert list(part.listener) == list(codes.listener[1::3])
    assert part.categories == codes.categories


def test_decoding_depends_on_the_emotion(responder, codes):
    negative, positive = (
        analysis.decode(responder, codes, np.full(len(codes.base), n)) for n in (0, 2)
    )
    assert negative.shape == (*codes.base.shape[:2], 100)
    assert np.abs(negative - positive).max() > 1e-3


def test_histogram_counts_each_head(codes):
    counts = analysis.histogram(codes.base, 16).reshape(-1, 8, 16)
    assert np.allclose(counts.sum(-1), 1, atol=1e-5)
    assert counts[0, 3, codes.base[0, 0, 3]] > 0


def test_separability_knows_apart_from_alike():
    rng = np.random.default_rng(0)
    labels, groups = np.arange(120) % 3, np.arange(120) // 6
    apart = rng.normal(size=(120, 4)) + 8 * np.eye(3, 4)[labels]
    found = analysis.separability(apart, labels, groups)
    assert found["accuracy"] > 0.99
    assert found["silhouette"] > 0.5
    alike = analysis.separability(rng.normal(size=(120, 4)), labels, groups)
    assert abs(alike["accuracy"] - alike["chance"]) < 0.15
    assert abs(alike["silhouette"]) < 0.05


def test_separability_cannot_be_bought_with_identity():
    """A feature that names the person, each with one emotion, tells nothing about persons it has
    not seen.
    """
    groups = np.repeat(np.arange(24), 6)
    labels = groups % 3
    features = np.eye(24)[groups] * 10 + np.random.default_rng(0).normal(size=(144, 24))
    assert analysis.separability(features, labels, groups)["accuracy"] < 0.6


def test_a_seed_fixes_the_picture():
    x = np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32)
    a, b = (analysis.embed(x, "tsne", seed=1, neighbours=10) for _ in range(2))
    assert a.shape == (80, 2)
    assert np.array_equal(a, b)
    with pytest.raises(ElpError, match="choose tsne or umap"):
        analysis.embed(x, "pca")  # type: ignore[arg-type]


def test_a_corpus_of_other_emotions_is_refused(responder, corpus):
    stranger = ELPResponder(
        ASE(
            ASEConfig(
                heads=4,
                categories=8,
                hidden=16,
                blink_hidden=8,
                emotions=("unpositive", "positive"),
            )
        )
    )
    with pytest.raises(ElpError, match="the model knows unpositive, positive"):
        analysis.encode(stranger, [corpus])
