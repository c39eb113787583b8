"""Eq 1: windows, causality, invariances."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elp.errors import ElpError
from elp.model.style import derivative, motion_style, sigma, speaker_style


def walk(frames=60, width=3, seed=0):
    return torch.from_numpy(
        np.random.default_rng(seed).normal(size=(2, frames, width)).cumsum(1)
    ).float()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [1, 5, 25])
def test_sigma_is_numpys_standard_deviation_of_the_window(window, causal):
    x = walk()
    before = window - 1 if causal else window // 2
    padded = np.pad(x.numpy(), ((0, 0), (before, window - 1 - before), (0, 0)), mode="edge")
    expected = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1).std(-1)
    np.testing.assert_allclose(sigma(x, window, causal=causal), expected, atol=1e-5)


def test_sigma_of_a_clip_is_one_number_tiled():
    x = walk()
    s = sigma(x, "clip")
    np.testing.assert_allclose(
        s, np.broadcast_to(x.numpy().std(1, keepdims=True), s.shape), rtol=1e-5
    )


def test_causal_sigma_of_a_clip_is_that_of_what_was_seen_so_far():
    x = walk(12)
    expected = np.stack([x.numpy()[:, : t + 1].std(1) for t in range(12)], 1)
    np.testing.assert_allclose(sigma(x, "clip", causal=True), expected, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([7, 24, "clip"]), st.integers(5, 50))
def test_causal_sigma_never_changes_when_the_future_does(window, cut):
    x = walk()
    changed = x.clone()
    changed[:, cut:] += 100
    torch.testing.assert_close(
        sigma(x, window, causal=True)[:, :cut], sigma(changed, window, causal=True)[:, :cut]
    )


def test_sigma_ignores_the_level_and_follows_the_scale():
    x = walk()
    torch.testing.assert_close(sigma(x + 5), sigma(x), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(sigma(-3 * x), 3 * sigma(x))


def test_a_shift_in_time_shifts_the_style_away_from_the_ends():
    beta, pose = walk(100, 4), walk(100, 6, seed=1)
    style = motion_style(beta, pose)
    later = motion_style(beta[:, 10:], pose[:, 10:])
    torch.testing.assert_close(later[:, 20:-20], style[:, 30:-20], atol=1e-4, rtol=1e-4)


def test_the_style_of_a_still_face_is_zero_and_the_paper_has_334_numbers():
    style = motion_style(torch.ones(1, 50, 100), torch.ones(1, 50, 6))
    assert not style.any()
    assert speaker_style(torch.zeros(1, 50, 128), style).shape == (1, 50, 334)


def test_raw_motion_is_appended_where_eq_1_leaves_it_out():
    beta, pose = walk(60, 4), walk(60, 6, seed=1)
    style = motion_style(beta, pose, raw_motion=True)
    assert torch.equal(style[..., 14:], torch.cat([beta, pose], -1))
    assert torch.equal(style[..., :14], motion_style(beta, pose))


def test_the_derivative_is_per_second():
    ramp = torch.arange(10.0)[None, :, None]
    assert derivative(ramp, fps=25.0)[0, :, 0].tolist() == [0.0] + [25.0] * 9


@pytest.mark.parametrize("window", [0, 4, -3, "all", 2.5])
def test_a_window_that_is_none_is_refused(window):
    with pytest.raises(ElpError, match="odd number of frames"):
        sigma(walk(), window)
