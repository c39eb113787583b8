"""Smiles after smiles: constructed courses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from elp.metrics.events import ratio, smile_onsets, smile_terms


def course(starts: list[int], frames: int, length: int = 50) -> np.ndarray:
    """Smiles of 2 s whose middle of rising lies at `starts`."""
    up = np.zeros(frames)
    for start in starts:
        up[start : start + length] = 1
    return gaussian_filter1d(up, 5.0)


@given(scale=st.floats(0.01, 100), offset=st.floats(-10, 10), seed=st.integers(0, 100))
def test_onsets_are_found_in_any_unit_and_under_noise(
    scale: float, offset: float, seed: int
) -> None:
    noise = 0.01 * np.random.default_rng(seed).standard_normal(600)
    (found,) = smile_onsets([scale * (course([60, 210, 400], 600) + noise) + offset])
    at = np.flatnonzero(found)
    assert len(at) == 3
    assert np.abs(at - [60, 210, 400]).max() <= 3


def test_a_still_face_never_begins_to_smile() -> None:
    (still,) = smile_onsets([np.full(100, 0.3)])
    assert still.sum() == 0


def test_noise_alone_is_no_smile() -> None:
    (found,) = smile_onsets([np.random.default_rng(0).standard_normal(600)])
    assert found.sum() == 0


def test_answered_smiles_are_seen_and_those_of_strangers_are_not() -> None:
    rng = np.random.default_rng(0)
    frames, speaker, listener = 1500, [], []
    for _ in range(60):
        at = 100 + 200 * np.arange(6) + rng.integers(0, 90, 6)
        speaker.append(course(list(at), frames))
        # all six are answered 0.8 s later, and one smile comes by itself
        listener.append(course([*(at + 20), 1400], frames))
    found = ratio(smile_terms(speaker, listener).sum(0))
    assert found == pytest.approx((6 / 300) / (1 / 1200), rel=0.02)
    chance = smile_terms(speaker, [np.roll(x, 700) for x in listener[1:] + listener[:1]])
    assert ratio(chance.sum(0)) == pytest.approx(1, abs=0.25)
