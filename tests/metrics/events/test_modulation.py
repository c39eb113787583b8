"""Modulation after events: values known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elp.errors import ElpError
from elp.metrics.events.modulation import flags, following, median, modulation_terms, ratio, share


def test_times_become_frames() -> None:
    assert np.flatnonzero(flags([-0.5, 0.0, 0.99, 1.0, 9.0], 30)).tolist() == [0, 25]


def test_windows_are_of_the_stated_frames() -> None:
    event = flags([1.0], 100)
    assert np.flatnonzero(following(event, (0, 1))).tolist() == list(range(25, 50))
    assert np.flatnonzero(following(event, (0.2, 0.56))).tolist() == list(range(30, 39))
    assert following(event[:30], (0.2, 0.56)).sum() == 0
    with pytest.raises(ElpError, match="later end"):
        following(event, (1.0, 1.0))


@given(factor=st.floats(0.1, 20), seed=st.integers(0, 1000))
def test_a_known_factor_is_found(factor: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    events = [rng.random(n) < 0.02 for n in (300, 470)]
    activity = [1 + (factor - 1) * following(e, (0, 1)) for e in events]
    terms = modulation_terms(events, activity, (0, 1))
    assert terms[:, [1, 3]].sum() == 770
    if all(e.any() for e in events):
        assert ratio(terms.sum(0)) == pytest.approx(factor)
        assert ratio(terms) == pytest.approx([factor, factor])


def test_unseen_frames_and_other_events_count_nowhere() -> None:
    event, other = flags([1], 100), flags([2], 100)
    activity = np.ones(100)
    activity[60] = np.nan
    activity[55] = 7.0  # after the other event
    valid = np.ones(100, bool)
    valid[30:40] = False
    terms = modulation_terms([event], [activity], (0, 1), besides=[other], valid=[valid])
    assert terms.tolist() == [[15, 15, 50, 50]]


def test_of_nothing_nothing_is_said() -> None:
    quiet = modulation_terms([np.zeros(50)], [np.ones(50)], (0, 1))
    still = modulation_terms([flags([1], 50)], [flags([1.2], 50)], (0, 1))
    assert np.isnan(ratio(quiet.sum(0)))
    assert np.isnan(ratio(still.sum(0)))
    assert np.isnan(share(np.zeros(2)))
    assert np.isnan(median(np.zeros((2, 3)), [1, 2, 3])).all()


def test_events_of_strangers_tell_nothing() -> None:
    """Chance is 1: the same activity, the cues of others."""
    rng = np.random.default_rng(0)
    events = [rng.random(500) < 0.02 for _ in range(200)]
    activity = [1 + 3 * following(e, (0, 1)) for e in events]
    shuffled = modulation_terms(events[1:] + events[:1], activity, (0, 1))
    assert ratio(shuffled.sum(0)) == pytest.approx(1, abs=0.03)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_median_is_the_lower_median(values: list[int]) -> None:
    counts = np.bincount(values, minlength=10)[1:]
    lower = sorted(values)[(len(values) - 1) // 2]
    assert median(np.stack([counts, 2 * counts]), range(1, 10)).tolist() == [lower, lower]


def test_both_numbers_are_named() -> None:
    with pytest.raises(ElpError, match="clip 0: 40 frames of activity, 50 of events"):
        modulation_terms([np.zeros(50)], [np.zeros(40)], (0, 1))
    with pytest.raises(ElpError, match="1 clips of activity, 2"):
        modulation_terms([np.zeros(50)] * 2, [np.zeros(50)], (0, 1))
