"""Blinks: eye aspect ratio both ways, thresholds of a person's own, runs and rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from benchmarks.extract import SHUT
from elp.errors import ElpError
from elp.extraction.blink import blink, ear, lid_aperture, open_ear
from elp.face import FaceModel
from elp.face.landmarks import EAR_L, EAR_R, IRIS_L, IRIS_R
from elp.motion import Clip, blink_rate, runs
from elp.simulator.scene import minutes_of_blinks

MODEL = FaceModel.default()


def eyes(closure: np.ndarray, seed: int, *, noise: float = 0.025) -> np.ndarray:
    """(T, 478, 3) landmarks in cm of one person's face whose lids follow `closure`."""
    rng = np.random.default_rng(seed)
    alpha, beta = (
        0.7 * rng.normal(size=len(MODEL.identity)),
        np.zeros((len(closure), 100), np.float32),
    )
    face = MODEL.shape(alpha)
    for name, upper, lower in (("blink_l", 386, 374), ("blink_r", 159, 145)):
        k = MODEL.index(name)
        meet = (face[lower, 1] - face[upper, 1]) / (
            MODEL.expression[k, upper, 1] - MODEL.expression[k, lower, 1]
        )  # where this person's lids meet
        beta[:, k] = closure * meet
    points = MODEL.shape(alpha, beta)
    return points + noise * rng.normal(size=points.shape).astype(np.float32)


def test_f1_on_synthetic_lids_of_different_people() -> None:
    frames, hits, total = [], 0, 0
    for seed in range(5):
        closure, truth = minutes_of_blinks(60, seed=seed)
        phi = blink(ear(eyes(closure, seed)))
        found, real = runs(phi), runs(truth)
        frames.append(f1_score(truth, phi))
        hits += sum(any(a < d and c < b for c, d in found) for a, b in real)
        total += len(found) + len(real)
    assert 2 * hits / total >= 0.95  # blink by blink
    # frame by frame: one frame more or less at either end of a blink of five
    assert np.mean(frames) >= 0.9


def test_ratio_does_not_change_with_size_or_turn() -> None:
    points = eyes(np.array([0.0, 0.5, 1.0]), 0, noise=0)
    c, s = np.cos(0.5), np.sin(0.5)
    turned = points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32).T
    np.testing.assert_allclose(ear(turned), ear(points), atol=1e-5)
    np.testing.assert_allclose(ear(30 * points), ear(points), atol=1e-5)
    assert (np.diff(ear(points), axis=0) < 0).all()


def test_a_wink_is_no_blink() -> None:
    ratio = np.full((100, 2), 0.3, np.float32)
    ratio[40:50, 0] = 0.05
    assert blink(ratio).sum() == 0
    ratio[60:65] = 0.05
    assert runs(blink(ratio)) == [(60, 65)]


def test_lids_that_do_not_move_alike_blink() -> None:
    """One eye half shut, the other further: of a real clip, at 25 frames per second."""
    ratio = np.full((60, 2), 0.3, np.float32)
    ratio[20:24] = 0.3 * np.array([[0.55, 0.67], [0.42, 0.6], [0.48, 0.69], [0.7, 0.75]])
    ratio[40:52] = 0.3 * np.array([0.58, 0.66])  # a squint
    assert runs(blink(ratio)) == [(21, 23)]


@pytest.mark.shared_data
def test_blinks_of_a_real_clip_are_those_seen_by_eye(real_speaker: Clip) -> None:
    found, real = runs(real_speaker.motion.blink), SHUT["st_WDA_KatieHill_000"]
    assert len(found) == len(real) == 4
    assert all(a < d and c < b for (a, b), (c, d) in zip(real, found, strict=True))


def test_a_glance_down_shows_the_iris_and_is_no_blink() -> None:
    """Wide eyes 30 mm long with irises of 12 mm: the lids sink to 55 % of their opening, then
    meet.
    """
    gap = np.full(60, 12.0)
    gap[20:26], gap[40:44] = 0.55 * 12, 1.0
    points = np.zeros((60, 478, 3), np.float32)
    for eye, iris in ((EAR_R, IRIS_R), (EAR_L, IRIS_L)):
        points[:, eye, 0] = [0, 10, 20, 30, 20, 10]
        points[:, eye[1:3], 1], points[:, eye[4:], 1] = -gap[:, None] / 2, gap[:, None] / 2
        points[:, iris, :2] = np.array([[15, 0], [21, 0], [15, -6], [9, 0], [15, 6]])
    ratio, iris = ear(points), lid_aperture(points)
    np.testing.assert_allclose(iris, np.repeat(gap[:, None] / 12, 2, 1), rtol=1e-5)
    assert runs(blink(ratio)) == [(20, 26), (40, 44)]
    assert runs(blink(ratio, iris=iris)) == [(40, 44)]


def test_narrow_eyes_are_open_eyes() -> None:
    narrow = np.full((100, 2), 0.18, np.float32)
    narrow[50:53] = 0.06
    assert runs(blink(narrow)) == [(50, 53)]
    # a fixed threshold takes this person for asleep
    assert blink(narrow, threshold=0.2).sum() == 100


def test_short_dips_and_gaps() -> None:
    ratio = np.full((50, 2), 0.3, np.float32)
    ratio[10] = 0.05
    ratio[20:23] = np.nan
    assert blink(ratio).sum() == 0 and blink(ratio, minimum=1).sum() == 1
    assert (
        np.isnan(open_ear(np.full((3, 2), np.nan))).all()
        and blink(np.full((3, 2), np.nan)).sum() == 0
    )


@given(st.lists(st.integers(0, 1), max_size=60))
def test_runs_rebuild_the_sequence(bits: list[int]) -> None:
    phi, again = np.array(bits, np.uint8), np.zeros(len(bits), np.uint8)
    for first, last in runs(phi):
        again[first:last] = 1
    assert (again == phi).all()


def test_rate_is_per_minute() -> None:
    phi = np.zeros(25 * 60, np.uint8)
    phi[::100], phi[1::100] = 1, 1
    assert blink_rate(phi) == 15


def test_wrong_shapes() -> None:
    with pytest.raises(ElpError):
        ear(np.zeros((3, 68, 2)))
    with pytest.raises(ElpError, match="478"):
        lid_aperture(np.zeros((3, 468, 2)))
    with pytest.raises(ElpError):
        blink(np.zeros(5))
