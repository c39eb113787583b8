"""Blinks: whom they follow, how soon again, how long; constructed lids."""

from __future__ import annotations

import numpy as np
import pytest

from elp.metrics.events import (
    at_breakpoint,
    blink_starts,
    blink_terms,
    flags,
    interval_terms,
    length_terms,
    median_interval,
    median_length,
    off_breakpoint,
    ratio,
    single_frame,
    soon_again,
)


def lids(starts: list[int], frames: int, length: int = 4) -> np.ndarray:
    blink = np.zeros(frames)
    for start in starts:
        blink[start : start + length] = 1
    return blink


def test_starts_are_first_closed_frames_that_were_seen_to_close() -> None:
    blink = lids([0, 10, 30, 50], 80)
    blink[49] = np.nan
    (start,) = blink_starts([blink])
    assert np.flatnonzero(start == 1).tolist() == [10, 30]
    assert np.flatnonzero(np.isnan(start)).tolist() == [49, 50]


def test_breakpoints_are_near_the_ends_of_phrases() -> None:
    ends = flags([2.0], 100)
    blinks = flags([0.4, 1.2, 1.5, 1.72, 2.28, 2.36, 2.72, 3.8], 100)
    assert (np.flatnonzero(at_breakpoint(blinks, ends)) / 25).tolist() == [1.72, 2.28]
    # those near the clip's ends might belong to phrases that were cut
    assert (np.flatnonzero(off_breakpoint(blinks, ends)) / 25).tolist() == [1.2, 2.72]


def test_a_listener_who_follows_at_breakpoints_only() -> None:
    rng = np.random.default_rng(0)
    speaker, ends, listener = [], [], []
    for _ in range(400):
        break_, other = np.arange(100, 900, 200), np.arange(200, 900, 200)
        speaker.append(lids([*break_, *other], 1000))
        ends.append(flags(break_ / 25, 1000))
        followed = break_[rng.random(4) < 0.5] + rng.integers(5, 14, 1)
        # a base rate of one in 100 frames, at every phase of the 200 frames
        own = np.flatnonzero(rng.random(1000) < 0.01)
        listener.append(lids(sorted({*followed, *own}), 1000, 1))
    at = ratio(blink_terms(speaker, ends, listener).sum(0))
    off = ratio(blink_terms(speaker, ends, listener, control=True).sum(0))
    # 36 of 1000 frames follow breakpoints; 2 blinks more among them, 10 everywhere
    assert at == pytest.approx((2 / 36 + 0.01) / 0.01, rel=0.1)
    assert off == pytest.approx(1, abs=0.25)


def test_intervals_and_lengths() -> None:
    blink = [lids([5, 25, 75], 100, 1), lids([10, 60, 97], 100, 3)]
    intervals, lengths = interval_terms(blink).sum(0), length_terms(blink).sum(0)
    assert np.flatnonzero(intervals).tolist() == [19, 36, 49]  # of 20, 37, 50 and 50 frames
    assert soon_again(intervals) == 1 / 4
    assert median_interval(intervals) == 37 / 25
    assert lengths.sum() == 5  # the last is cut by the clip's end
    assert single_frame(lengths) == 3 / 5
    assert median_length(lengths) == 1 / 25


def test_an_interval_of_exactly_a_second_is_not_under_it() -> None:
    assert soon_again(interval_terms([lids([5, 30], 60)]).sum(0)) == 0
    assert soon_again(interval_terms([lids([5, 29], 60)]).sum(0)) == 1


def test_what_was_not_seen_is_not_counted() -> None:
    blink = lids([10, 40, 70], 100)
    blink[20], blink[72] = np.nan, np.nan
    assert np.flatnonzero(interval_terms([blink]).sum(0)).tolist() == [29]
    assert length_terms([blink]).sum() == 2
    assert np.isnan(single_frame(length_terms([np.zeros(30)]).sum(0)))
