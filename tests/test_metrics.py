"""Metrics: published values reproduced, known answers, invariances, what each metric notices and what it does not."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, stats

from elp import metrics
from elp.errors import ElpError

PARTS = {"pose": slice(0, 6), "expression": slice(6, None)}


def smooth(rng: np.random.Generator, clips: int, frames: int, width: int) -> np.ndarray:
    noise = rng.standard_normal((clips, frames + 10, width))
    return np.stack([noise[:, i : i + frames] for i in range(10)]).mean(0) * 3


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def golden(shared_data: Path) -> tuple[dict[str, np.ndarray], dict]:
    folder = shared_data.parent / "golden"
    if not (folder / "listener_metrics.npz").exists():
        pytest.skip(f"no published values beside the shared data ({folder})")
    return dict(np.load(folder / "listener_metrics.npz")), json.loads((folder / "listener_metrics.json").read_text())


@pytest.mark.shared_data
def test_dim_convention_gives_the_published_values(golden):
    arrays, expected = golden
    got = metrics.evaluate(arrays["speaker"], arrays["gt"], arrays["pred"], convention="dim", pose=slice(0, 6), expression=slice(6, 56))
    for name, value in expected.items():
        if name.startswith("lm_listener"):
            continue
        if name.startswith("sid"):
            assert [got[name], got[name + "_gt"]] == pytest.approx(value, rel=1e-3)
        elif name.startswith("var"):
            assert [got[name + "_gt"], got[name]] == pytest.approx(value, rel=1e-6)
        else:
            assert got[name] == pytest.approx(value, rel=1e-6), name


@pytest.mark.shared_data
def test_lm_listener_values(golden):
    arrays, expected = golden
    s, g, p = (arrays[k].astype(float)[0] for k in ("speaker", "gt", "pred"))
    for lag, value in expected["lm_listener_crosscorr_clip0_dim0"].items():
        assert metrics.lagged(s[:, :1], g[:, :1], -int(lag))[0] == pytest.approx(value, rel=1e-6)
    assert abs(metrics.pearson(g, p).mean()) == pytest.approx(expected["lm_listener_calc_pearson_clip0"], rel=1e-6)


def test_frechet_agrees_with_the_matrix_square_root(rng):
    x, y = rng.standard_normal((80, 5)) @ rng.standard_normal((5, 5)), rng.standard_normal((60, 5)) + 1
    a, b = np.cov(x.T), np.cov(y.T)
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * linalg.sqrtm(a @ b).real)
    assert metrics.gaussian_distance(x, y) == pytest.approx(expected, rel=1e-9)


def test_frechet_of_shifted_and_scaled_gaussians_is_known(rng):
    x = rng.standard_normal((500, 3))
    assert metrics.frechet([x], [x + np.array([3, 0, 4])]) == pytest.approx(25, rel=1e-9)
    centred = x - x.mean(0)
    assert metrics.frechet([centred], [2 * centred]) == pytest.approx(np.trace(np.cov(x.T)), rel=1e-9)  # (2-1)² tr Σ


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), frames=st.integers(2, 40), width=st.integers(1, 12))
def test_frechet_is_a_distance_that_rotation_leaves_alone(seed, frames, width):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, frames, width))
    turn = linalg.qr(rng.standard_normal((width, width)))[0]
    d = metrics.gaussian_distance(x, y)
    assert metrics.gaussian_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert metrics.gaussian_distance(y, x) == pytest.approx(d, rel=1e-7, abs=1e-9)
    assert metrics.gaussian_distance(x @ turn, y @ turn) == pytest.approx(d, rel=1e-6, abs=1e-8)
    assert metrics.gaussian_distance(rng.permutation(x), y) == pytest.approx(d, rel=1e-7, abs=1e-9)


def test_frechet_terms_tell_place_from_manner(rng):
    x = rng.standard_normal((200, 3))
    fit = metrics.Gaussian.of
    assert metrics.gaussian_terms(fit(x), fit(x + np.array([1, 2, 2]))) == (pytest.approx(9), pytest.approx(0, abs=1e-9))
    place, manner = metrics.gaussian_terms(fit(x), fit(2 * x - x.mean(0)))
    assert (place, manner) == (pytest.approx(0, abs=1e-12), pytest.approx(np.trace(np.cov(x.T))))
    assert sum(metrics.gaussian_terms(fit(x), fit(x[:50] + 1))) == metrics.gaussian_distance(x, x[:50] + 1)


def test_barycentre_is_the_nearest_gaussian_to_all(rng):
    fit = metrics.Gaussian.of
    one = [fit(s * rng.standard_normal((50, 1))) for s in (1, 3)]
    spread = [np.sqrt((g.root**2).sum()) for g in one]
    assert np.sqrt((metrics.barycentre(one).root ** 2).sum()) == pytest.approx(np.mean(spread))  # in one dimension deviations average
    given = [fit(rng.standard_normal((30, 4)) @ rng.standard_normal((4, 4))) for _ in range(5)]
    centre = metrics.barycentre(given, steps=500, tolerance=1e-13)
    s = centre.root.T @ centre.root
    half = linalg.sqrtm(s).real
    fixed = np.mean([linalg.sqrtm(half @ g.root.T @ g.root @ half).real for g in given], 0)
    np.testing.assert_allclose(fixed, s, rtol=1e-4, atol=1e-5)  # the equation that defines it
    far = lambda root: np.mean([sum(metrics.gaussian_terms(metrics.Gaussian(centre.mean, root), g)) for g in given])  # noqa: E731
    for _ in range(10):
        assert far(centre.root) < far(centre.root + 0.05 * rng.standard_normal((4, 4)))
    few = [fit(rng.standard_normal((3, 6))) for _ in range(4)]  # fewer frames than coefficients
    assert all(np.isfinite(metrics.barycentre(few).root).ravel())


def test_pooled_frechet_forgives_swapped_clips_and_the_paired_one_does_not(rng):
    gt, speaker = smooth(rng, 2, 200, 4) + np.array([0, 5])[:, None, None], smooth(rng, 2, 200, 4)
    swapped = gt[::-1]
    assert metrics.frechet_pooled(gt, swapped) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet(gt, swapped) > 50
    assert metrics.paired_frechet(speaker, gt, gt[:, ::-1]) > 10 * metrics.frechet(gt, gt[:, ::-1])  # same frames, other coupling


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.1, 10), offset=st.floats(-5, 5))
def test_invariances(seed, scale, offset):
    rng = np.random.default_rng(seed)
    s, g, p = smooth(rng, 2, 120, 3), smooth(rng, 2, 120, 3), smooth(rng, 2, 120, 3)
    assert metrics.rpcc(s, g, scale * p + offset) == pytest.approx(metrics.rpcc(s, g, p), abs=1e-9)
    assert metrics.wtlcc(s, scale * p + offset).curve == pytest.approx(metrics.wtlcc(s, p).curve, abs=1e-7, nan_ok=True)
    assert metrics.variance(p + offset) == pytest.approx(metrics.variance(p), rel=1e-9)
    assert metrics.variance(scale * p) == pytest.approx(scale**2 * metrics.variance(p), rel=1e-9)
    assert metrics.sts(g, p + offset, dt=0.04) == pytest.approx(metrics.sts(g, p, dt=0.04), rel=1e-9)
    assert metrics.sts(g, g + scale * (p - g), dt=0.04) == pytest.approx(scale * metrics.sts(g, p, dt=0.04), rel=1e-9)


def test_perfect_prediction_is_best_everywhere(rng):
    s, g = smooth(rng, 3, 200, 10), smooth(rng, 3, 200, 10)
    blink = rng.random((3, 200)) > 0.9
    scores = metrics.evaluate(s, g, g, blink_gt=blink, blink_pred=blink, **PARTS)
    for key, value in scores.items():
        if key.endswith(("_fd", "_fd_pooled", "_pfd", "_l1", "_mse", "_rpcc", "_sts", "_sts_frame")):
            assert value == pytest.approx(0, abs=1e-6), key
        if key + "_gt" in scores:
            assert value == scores[key + "_gt"], key
    assert scores["blink_wtlcc"] == pytest.approx(1)
    assert scores["blink_wtlcc_lag"] == 0


def test_entropy_counts_in_bits(rng):
    centres = np.eye(8)
    assert metrics.entropy([np.repeat(centres, 5, 0)], centres) == pytest.approx(3, abs=1e-4)
    assert metrics.entropy([np.repeat(centres[:1], 40, 0)], centres) == pytest.approx(0, abs=1e-4)
    gt = smooth(rng, 2, 300, 4)
    assert 0 < metrics.entropy(gt, metrics.cluster(gt, 20)) <= math.log2(20)


@settings(max_examples=15, deadline=None)
@given(lag=st.integers(-40, 40), seed=st.integers(0, 1000))
def test_a_known_lag_is_recovered(lag, seed):
    rng = np.random.default_rng(seed)
    long = smooth(rng, 2, 500, 3)
    speaker, listener = long[:, 50:450], long[:, 50 - lag : 450 - lag]
    found = metrics.wtlcc(speaker, listener)
    assert found.lag == lag
    assert found.peak == pytest.approx(1, abs=1e-6)


def test_windowed_correlation_equals_the_slow_way(rng):
    x, y = smooth(rng, 1, 170, 2)[0], smooth(rng, 1, 170, 2)[0] + 100
    found = metrics.wtlcc([x], [y], window=60, max_lag=20, stride=30)
    for lag in (-20, -3, 0, 11, 20):
        slow = []
        for start in range(0, 170 - 60 + 1, 30):
            a, b = start + lag, start + lag + 60
            if a >= 0 and b <= 170:
                slow.append(np.mean([stats.pearsonr(x[start : start + 60, d], y[a:b, d])[0] for d in range(2)]))
        assert found.at(lag) == pytest.approx(np.mean(slow), abs=1e-9)


def test_single_window_peaks_are_high_even_between_strangers(rng):
    found = metrics.wtlcc(smooth(rng, 20, 400, 1), smooth(rng, 20, 400, 1))
    assert abs(found.peak) < 0.15
    assert found.window_peak > 0.3


def test_chance_level_separates_a_coupled_pair_from_strangers(rng):
    speaker = smooth(rng, 12, 300, 2)
    listener = [0.7 * np.roll(s, 10, 0) + 0.7 * other for s, other in zip(speaker, smooth(rng, 12, 300, 2), strict=True)]
    measure = lambda a, b: metrics.wtlcc(a, b).peak  # noqa: E731
    strangers = metrics.chance(measure, speaker, listener, rng=rng, rounds=10)
    assert measure(speaker, listener) > strangers.max() + 0.2
    assert len(strangers) == 10


def test_blinks_that_never_come_score_zero_and_late_ones_show_their_lag(rng):
    blink = (rng.random((4, 500)) > 0.98).astype(np.uint8)
    assert metrics.blink_wtlcc(blink, np.zeros_like(blink)).peak == 0
    late = metrics.blink_wtlcc(blink[:, 10:], blink[:, :-10])
    assert (late.lag, round(late.peak, 6)) == (10, 1.0)
    assert metrics.blink_scores(blink, blink)["blink_rate"] == pytest.approx(
        sum((np.diff(b.astype(int), prepend=0) > 0).sum() for b in blink) / (4 * 500) * 25 * 60
    )
    assert metrics.blink_wtlcc(np.zeros((1, 200)), np.ones((1, 200))).peak == 0  # nothing to find


def test_constant_prediction_is_zero_not_nan(rng):
    s, g = smooth(rng, 2, 150, 8), smooth(rng, 2, 150, 8)
    scores = metrics.evaluate(s, g, np.full_like(g, 0.3), **PARTS)
    assert np.isfinite(list(scores.values())).all()
    assert scores["facial_vd"] == pytest.approx(0, abs=1e-12)
    assert scores["head_wtlcc"] == 0
    assert scores["facial_sid"] == pytest.approx(0, abs=1e-4)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), lengths=st.lists(st.integers(110, 160), min_size=2, max_size=3))
def test_ragged_lists_masks_and_nan_agree(seed, lengths):
    rng = np.random.default_rng(seed)
    sets = [[smooth(rng, 1, n, 8)[0] for n in lengths] for _ in range(3)]
    valid = [np.arange(n) < n - 5 for n in lengths]
    cut = metrics.evaluate(*([x[v] for x, v in zip(xs, valid, strict=True)] for xs in sets), **PARTS)
    masked = metrics.evaluate(*sets, valid=valid, **PARTS)
    for i, v in enumerate(valid):
        sets[2][i][~v] = np.nan
    with_nan = metrics.evaluate(*sets, **PARTS)
    for key, value in cut.items():
        assert masked[key] == pytest.approx(value, rel=1e-9, abs=1e-9), key
        assert with_nan[key] == pytest.approx(value, rel=1e-9, abs=1e-9), key


def test_clips_of_one_length_give_the_same_as_a_list(rng):
    s, g, p = (smooth(rng, 3, 120, 9) for _ in range(3))
    for convention in metrics.CONVENTIONS:
        assert metrics.evaluate(s, g, p, convention=convention, **PARTS) == metrics.evaluate(
            list(s), list(g), list(p), convention=convention, **PARTS
        )


def test_dtw_is_the_least_monotone_path(rng):
    x, y = rng.standard_normal((7, 2)), rng.standard_normal((5, 2))
    table = np.full((8, 6), np.inf)
    table[0, 0] = 0
    for i in range(7):
        for j in range(5):
            table[i + 1, j + 1] = ((x[i] - y[j]) ** 2).sum() + min(table[i, j], table[i, j + 1], table[i + 1, j])
    assert metrics.dtw(x, y) == pytest.approx(math.sqrt(table[-1, -1]))
    assert metrics.dtw(x, np.repeat(x, 3, 0)) == pytest.approx(0, abs=1e-6)


def test_react_metrics_have_their_known_answers(rng):
    real = [smooth(rng, 1, 100, 3)[0] for _ in range(3)]
    own = [[x, x] for x in real]
    assert metrics.fr_corr(own, [[x] for x in real]) == pytest.approx(2, abs=1e-6)  # summed over two samples
    assert metrics.fr_corr([[real[1]]], [real]) == pytest.approx(1, abs=1e-6)  # any appropriate one will do
    assert metrics.fr_dist(own, [[x] for x in real]) == pytest.approx(0, abs=1e-6)
    assert metrics.fr_div(own) == 0
    assert metrics.fr_div([[np.zeros((4, 2)), np.ones((4, 2))]]) == pytest.approx(1)
    assert metrics.fr_dvs([[np.zeros((4, 2))], [np.full((4, 2), 2.0)]]) == pytest.approx(4)
    assert metrics.fr_var(own) == pytest.approx(np.mean([x.var(0, ddof=1).mean() for x in real]))
    long = smooth(rng, 1, 300, 3)[0]
    assert metrics.fr_syn([[long[20:220]]], [long[28:228]]) == 8
    assert metrics.fr_syn([[np.zeros((100, 3))]], [real[0]]) == 0
    several = metrics.evaluate(real, real, np.stack([np.stack([x, x[::-1]]) for x in real]), convention="react")
    assert several["frdiv"] > 0


def test_every_number_says_which_way_is_better(rng):
    blink = rng.random((2, 120)) > 0.9
    scores = metrics.evaluate(*(smooth(rng, 2, 120, 9) for _ in range(3)), blink_gt=blink, blink_pred=blink, **PARTS)
    declared = {f"{part}_{m.name}" for m in metrics.METRICS.values() if m.parts for part in ("facial", "head", "all")}
    assert declared <= set(scores)
    fd, vd = metrics.METRICS["fd"], metrics.metric_of("facial_vd")
    assert (fd.heading, vd.heading) == ("FD ↓", "V-D →GT")
    assert fd.badness(1) < fd.badness(2)
    assert vd.badness(3, gt=3.1) < vd.badness(2, gt=3.1)
    assert metrics.METRICS["blink_wtlcc"].badness(0.4) < metrics.METRICS["blink_wtlcc"].badness(0.1)
    assert all(m.convention and m.direction in metrics.ARROWS for m in metrics.METRICS.values())


BAD = {
    "no clips": ([], [], []),
    "2 clips": (np.zeros((1, 9, 8)), np.zeros((2, 9, 8)), np.zeros((1, 9, 8))),
    "same shape": (np.zeros((1, 9, 8)), np.zeros((1, 9, 8)), np.zeros((1, 7, 8))),
    "no frame is seen": (np.zeros((1, 9, 8)), np.full((1, 9, 8), np.nan), np.zeros((1, 9, 8))),
    "must be (T, D)": (np.zeros((1, 9, 8, 2)),) * 3,
}


@pytest.mark.parametrize("says", BAD)
def test_bad_input_is_refused_in_one_sentence(says):
    with pytest.raises(ElpError) as error:
        metrics.evaluate(*BAD[says], **PARTS)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_convention_and_lonely_blinks(rng):
    x = smooth(rng, 1, 120, 8)
    with pytest.raises(ElpError, match="unknown convention"):
        metrics.evaluate(x, x, x, convention="fid")
    with pytest.raises(ElpError, match="both blink_gt and blink_pred"):
        metrics.evaluate(x, x, x, blink_gt=np.zeros((1, 120)))
    with pytest.raises(ElpError, match="select nothing"):
        metrics.evaluate(x, x, x, expression=slice(50, 60))
    with pytest.raises(ElpError, match="two or more pairs"):
        metrics.chance(lambda a, b: 0.0, x, x, rng=rng)


@pytest.mark.parametrize("name", metrics.BREAKAGES)
def test_breakages_start_from_the_truth_and_hit_their_metric(name, rng):
    gt = list(smooth(rng, 6, 300, 4) + rng.standard_normal((6, 1, 4)))
    spoil = metrics.BREAKAGES[name]
    for x, y in zip(gt, spoil(gt, 0.0, rng), strict=True):
        np.testing.assert_allclose(y, x)
    broken = spoil(gt, 1.0, rng)
    assert [x.shape for x in broken] == [x.shape for x in gt]
    notices = {
        "constant output": metrics.variance(broken) < 1e-9,
        "noise": metrics.sts(gt, broken, dt=0.04) > 2 * metrics.sts(gt, [x + 1 for x in broken[::-1]], dt=0.04) / 3,
        "shuffled pairs": metrics.frechet(gt, broken) > 1 and metrics.frechet_pooled(gt, broken) < 1e-6,
        "time shift": metrics.wtlcc(gt, broken).lag == metrics.MAX_LAG or metrics.wtlcc(gt, broken, max_lag=120).lag == 100,
    }
    assert notices[name]
