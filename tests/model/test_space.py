"""Base -> Transformed -> U: value ranges, one-hot samples, gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elp.model.space import base_space, codeword_values, gumbel, held, rearrange, transformed_space

sizes = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(2, 9))  # N, H, V


def sampled(n, h, v, batch=3, frames=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, frames, h, v, generator=generator)
    e = torch.eye(n)[torch.randint(0, n, (batch,), generator=generator)]
    return base_space(logits, noise=gumbel(logits, generator)), e


@settings(max_examples=40, deadline=None)
@given(sizes, st.integers(0, 1000))
def test_codewords_of_an_emotion_stay_in_its_interval(size, seed):
    n, h, v = size
    base, e = sampled(n, h, v, seed=seed)
    u = rearrange(base, e)
    number = e.argmax(-1)[:, None, None]
    assert u.shape == base.shape[:-1]
    assert (u >= number * v + 1).all()
    assert (u <= (number + 1) * v).all()


@settings(max_examples=25, deadline=None)
@given(sizes, st.integers(0, 1000))
def test_rearranging_by_index_equals_the_argmax_of_the_transformed_space(size, seed):
    n, h, v = size
    base, e = sampled(n, h, v, seed=seed)
    whole = transformed_space(base, e)
    assert whole.shape == (*base.shape[:-1], n * v)
    assert torch.equal(whole.argmax(-1) + 1, rearrange(base, e))
    assert torch.equal((whole != 0).sum(-1), torch.ones_like(whole[..., 0], dtype=torch.long))


def test_base_space_is_one_hot_and_without_noise_the_most_probable():
    logits = torch.randn(2, 5, 3, 7, generator=torch.Generator().manual_seed(1))
    base = base_space(logits)
    assert torch.equal(base.argmax(-1), logits.argmax(-1))
    assert torch.equal(base.sum(-1), torch.ones(2, 5, 3))
    assert set(base.unique().tolist()) == {0.0, 1.0}


def test_samples_follow_the_softmax_of_the_logits():
    logits = torch.tensor([1.0, 0.0, -1.0, 2.0]).expand(40_000, 4)
    base = base_space(logits, noise=gumbel(logits, torch.Generator().manual_seed(2)))
    assert base.mean(0) == pytest.approx(logits[0].softmax(-1), abs=0.01)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(0, 99))
def test_held_noise_lasts_as_long_as_it_should_and_no_longer(holds, seed):
    g = torch.Generator().manual_seed(seed)
    noise = held(gumbel(torch.zeros(1, 50, len(holds), 2), g), torch.tensor(holds), g)
    for h, hold in enumerate(holds):
        changes = torch.nonzero((noise[0, 1:, h] != noise[0, :-1, h]).all(-1))[:, 0]
        assert (changes.diff() == hold).all()  # the first and the last block may be cut
        assert len(changes) >= 50 // hold - 1


def test_held_noise_has_the_same_distribution_in_every_frame():
    g = torch.Generator().manual_seed(0)
    noise = held(gumbel(torch.zeros(4000, 9, 2, 1), g), torch.tensor([1, 6]), g)
    torch.testing.assert_close(noise.mean(0), torch.full((9, 2, 1), 0.5772), atol=0.08, rtol=0)
    torch.testing.assert_close(noise.var(0), torch.full((9, 2, 1), 1.645), atol=0.2, rtol=0)


@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
def test_the_straight_through_gradient_is_the_soft_gradient(tau):
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.double, requires_grad=True)
    weight = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.double)
    noise = gumbel(logits, generator).double()
    (hard,) = torch.autograd.grad((base_space(logits, tau, noise=noise) * weight).sum(), logits)
    (soft,) = torch.autograd.grad((((logits + noise) / tau).softmax(-1) * weight).sum(), logits)
    torch.testing.assert_close(hard, soft)


def test_no_gradient_leaks_between_the_blocks_of_emotions():
    base, _ = sampled(3, 4, 5)
    base = base.requires_grad_()
    whole = transformed_space(base, torch.eye(3)[[0, 1, 2]])
    # blocks of emotions 1 and 2
    (other,) = torch.autograd.grad(whole[0, ..., 5:].sum(), base, retain_graph=True)
    assert not other.any()
    (own,) = torch.autograd.grad(whole[0, ..., :5].sum(), base)
    assert own[0].all()
    assert not own[1:].any()


def test_codeword_values_span_minus_one_to_one_in_disjoint_rows():
    values = codeword_values(3, 8)
    assert values.shape == (3, 8)
    assert values.flatten()[[0, -1]].tolist() == [-1.0, 1.0]
    assert (values[1:, 0] > values[:-1, -1]).all()
