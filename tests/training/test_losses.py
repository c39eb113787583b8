"""The energy score in the place of Eq 3: proper, and blind to frames that were not seen."""

import itertools

import pytest
import torch

from elp.errors import ElpError
from elp.training.losses import LossWeights, Target, energy, total

SEEN = torch.ones(4000, 20, dtype=torch.bool)


def draws(spread: float, shift: float = 0.0, seed: int = 1):
    """(8000, 20, 3): two draws a clip of smooth motion."""
    g = torch.Generator().manual_seed(seed)
    return shift + spread * torch.randn(8000, 20, 3, generator=g).cumsum(1) / 4


def test_the_true_distribution_scores_best():
    truth = draws(1.0, seed=0)[:4000]
    best = energy(draws(1.0), truth, SEEN)
    for worse in (draws(0.0), draws(0.5), draws(2.0), draws(1.0, shift=0.7)):
        assert best < energy(worse, truth, SEEN) - 0.01


def test_still_answers_are_scored_for_their_stillness():
    """The right distribution in every frame, but the same value throughout a clip: changes tell
    them apart.
    """
    truth = draws(1.0, seed=0)[:4000]
    still = draws(1.0)[:, torch.full((20,), 10)]
    assert energy(draws(1.0), truth, SEEN) < energy(still, truth, SEEN) - 0.01


@pytest.mark.parametrize("count", [3, 4])
def test_more_draws_estimate_the_same_score(count):
    """Two draws and more: the same expectation, so that near is the score of four draws to the mean
    score of their pairs.
    """
    truth = draws(1.0, seed=0)[:4000]
    each = [draws(0.8, seed=n)[:4000] for n in range(count)]
    pairs = [energy(torch.cat([a, b]), truth, SEEN) for a, b in itertools.combinations(each, 2)]
    torch.testing.assert_close(energy(torch.cat(each), truth, SEEN), torch.stack(pairs).mean())


def test_what_never_moves_costs_nothing():
    """A corpus without head poses: their error, over a size of nothing, would drown the face's
    gradient.
    """
    x = draws(1.0)[:8].requires_grad_()
    score = energy(x, torch.zeros(4, 20, 3), SEEN[:4])
    score.backward()
    assert score == 0
    assert not x.grad.any()


def test_frames_not_seen_cost_nothing():
    truth, x, seen = draws(1.0, seed=0)[:4], draws(1.0)[:8], SEEN[:4].clone()
    seen[:, 12:] = False
    spoiled = truth.clone()
    spoiled[:, 12:] = 1e3
    torch.testing.assert_close(energy(x, truth, seen), energy(x, spoiled, seen))


def test_two_draws_share_one_truth():
    """Eq 7 of two draws: blink and emotion terms are the mean of the draws', the motion term is the
    energy score.
    """
    g = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=g)

    target = Target(
        normal(2, 20, 3),
        normal(2, 20, 6),
        (normal(2, 20) > 1).float(),
        torch.eye(2),
        torch.ones(2, 20, dtype=torch.bool),
    )
    beta, pose, blink, emotion = normal(4, 20, 3), normal(4, 20, 6), normal(4, 20), normal(2, 2)
    weights = LossWeights(score="energy")
    both = total(beta, pose, blink, emotion, target, weights)
    each = [
        total(beta[n : n + 2], pose[n : n + 2], blink[n : n + 2], emotion, target, LossWeights())
        for n in (0, 2)
    ]
    for name in ("blink", "smooth", "emotion"):
        torch.testing.assert_close(both[name], (each[0][name] + each[1][name]) / 2)
    torch.testing.assert_close(
        both["motion"],
        energy(beta, target.beta, target.valid) + energy(pose, target.pose, target.valid),
    )
    with pytest.raises(ElpError, match="choose 2 or more"):
        LossWeights(score="energy", draws=1)
    assert (
        LossWeights(draws=4).samples,
        weights.samples,
        LossWeights(score="energy", draws=4).samples,
    ) == (1, 2, 4)
    assert both["loss"].item() == pytest.approx(
        sum(getattr(weights, name) * both[name].item() for name in both if name != "loss"), rel=1e-5
    )
