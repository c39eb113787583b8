"""Clips are measured in the corpus's units, the same for the same seed."""

from __future__ import annotations

import numpy as np

from elp.baselines import RandomListener
from elp.evaluation import bounds
from elp.evaluation.measure import measure
from tests.ase import corpus as build


def test_mixed_units_do_not_matter(tmp_path):
    """A coefficient in other units changes neither what is measured nor what an error counts, where
    the card says that units are mixed.
    """
    from elp.model import ASEConfig
    from elp.training.sampler import StyleSampler

    def measured(first, **card):
        corpus = build(tmp_path / f"{first}{card}", first=first, **card)
        sampler = StyleSampler(corpus, ASEConfig(beta=12), 50)
        rows = measure(corpus, bounds.ShuffledPair(), samples=1, split="train")
        return sampler.importance.numpy(), rows["facial_fd"]

    (weight, distance), (other, same) = (measured(first, units="mixed") for first in (1.0, 64.0))
    np.testing.assert_allclose(weight, 1, rtol=1e-5)
    np.testing.assert_allclose(other, 1, rtol=1e-5)
    np.testing.assert_allclose(same, distance, rtol=1e-4)
    weight, large = measured(64.0)
    assert weight[0] > 11 and large.mean() > 100 * distance.mean()


def test_the_same_seed_gives_the_same_answers(corpus):
    a, b, c = (
        measure(corpus, RandomListener(corpus), samples=1, seed=s)["facial_fd"] for s in (4, 4, 5)
    )
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
