"""Blink control (ELP, section 3.4): every run of φ closes the eyes, and nothing else moves."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from elp.face.model import FaceModel
from elp.motion import runs
from elp.render.blink import LIDS, blink_control, weights

MODEL = FaceModel.default()
COLUMNS = [MODEL.index(name) for name in LIDS]
PHI = arrays(np.uint8, st.integers(1, 60), elements=st.integers(0, 1))


def some_beta(frames: int) -> np.ndarray:
    rng = np.random.default_rng(frames)
    return (rng.normal(size=(frames, len(MODEL.expression))) * 0.2 * MODEL.deviation).astype(
        np.float32
    )


@given(PHI)
def test_runs_are_those_of_ones(blink: np.ndarray) -> None:
    again = np.zeros_like(blink)
    for start, stop in runs(blink):
        assert stop > start and (start == 0 or blink[start - 1] == 0)
        again[start:stop] = 1
    assert np.array_equal(again, blink)


@given(st.integers(1, 200))
def test_weights_rise_to_closed_and_fall_symmetrically(length: int) -> None:
    w = weights(length)
    assert len(w) == length and w.max() == 1 and w.min() > 0
    assert np.array_equal(w, w[::-1])
    half = (length + 1) // 2
    assert np.allclose(np.diff(w[:half]), 1 / half)  # linear over L/2


@given(PHI)
def test_every_run_closes_both_eyes_and_only_the_lids_move(blink: np.ndarray) -> None:
    beta = some_beta(len(blink))
    out = blink_control(beta, blink, MODEL)
    others = np.setdiff1d(np.arange(beta.shape[1]), COLUMNS)
    assert np.array_equal(out[:, others], beta[:, others])
    assert np.array_equal(out[blink == 0], beta[blink == 0])
    for start, stop in runs(blink):
        length = stop - start
        middle = start + (length - 1) // 2
        # one frame or sixty: β_e is reached
        assert np.allclose(out[middle, COLUMNS], MODEL.full[COLUMNS])
        lids = out[start : start + length, COLUMNS[0]]
        rise = lids[: (length + 1) // 2]
        assert (np.diff(rise) >= -1e-5).all() or beta[start, COLUMNS[0]] > MODEL.full[COLUMNS[0]]


def test_the_papers_interpolation() -> None:
    """A run of six from open lids: β1 -> β_e in thirds, then β_e -> β2."""
    beta = np.zeros((8, len(MODEL.expression)), np.float32)
    beta[6, COLUMNS] = 0.3 * MODEL.full[COLUMNS]  # the lids at the run's end: β2
    out = blink_control(beta, np.array([0, 1, 1, 1, 1, 1, 1, 0], np.uint8), MODEL)
    share = out[:, COLUMNS[0]] / MODEL.full[COLUMNS[0]]
    assert np.allclose(
        share, [0, 1 / 3, 2 / 3, 1, 1, 0.3 + 0.7 * 2 / 3, 0.3 + 0.7 / 3, 0], atol=1e-6
    )


def test_the_input_is_left_alone() -> None:
    beta = some_beta(5)
    copy = beta.copy()
    blink_control(beta, np.ones(5, np.uint8), MODEL)
    assert np.array_equal(beta, copy)
