"""Metrics: known answers, invariances, what each metric notices and what it does not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from elp import metrics
from elp.metrics import clips, kmeans

PARTS = {"pose": slice(0, 6), "expression": slice(6, None)}


def smooth(rng: np.random.Generator, clips: int, frames: int, width: int) -> np.ndarray:
    noise = rng.standard_normal((clips, frames + 10, width))
    return np.stack([noise[:, i : i + frames] for i in range(10)]).mean(0) * 3


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.1, 10), offset=st.floats(-5, 5))
def test_invariances(seed, scale, offset):
    rng = np.random.default_rng(seed)
    s, g, p = smooth(rng, 2, 120, 3), smooth(rng, 2, 120, 3), smooth(rng, 2, 120, 3)
    assert metrics.rpcc(s, g, scale * p + offset) == pytest.approx(metrics.rpcc(s, g, p), abs=1e-9)
    assert metrics.wtlcc(s, scale * p + offset).curve == pytest.approx(
        metrics.wtlcc(s, p).curve, abs=1e-7, nan_ok=True
    )
    assert metrics.variance(p + offset) == pytest.approx(metrics.variance(p), rel=1e-9)
    assert metrics.variance(scale * p) == pytest.approx(scale**2 * metrics.variance(p), rel=1e-9)
    assert metrics.sts(g, p + offset, dt=0.04) == pytest.approx(
        metrics.sts(g, p, dt=0.04), rel=1e-9
    )
    assert metrics.sts(g, g + scale * (p - g), dt=0.04) == pytest.approx(
        scale * metrics.sts(g, p, dt=0.04), rel=1e-9
    )


def test_perfect_prediction_is_best_everywhere(rng):
    s, g = smooth(rng, 3, 200, 10), smooth(rng, 3, 200, 10)
    blink = rng.random((3, 200)) > 0.9
    scores = metrics.evaluate(s, g, g, blink_gt=blink, blink_pred=blink, **PARTS)
    for key, value in scores.items():
        if key.endswith(
            ("_fd", "_fd_pooled", "_pfd", "_l1", "_mse", "_rpcc", "_sts", "_sts_frame")
        ):
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


@pytest.mark.parametrize("share", [-0.5, 0.0, 0.3])
def test_gain_is_the_share_that_comes_back_whatever_else_moves(share, rng):
    speaker = smooth(rng, 40, 500, 1)
    heard = np.stack(
        [[x[max(t - 25, 0) : t].mean() if t else 0.0 for t in range(len(x))] for x in speaker]
    )[..., None]
    exact = share * heard + 7
    # its first second is not known
    assert metrics.gain(speaker[:, 25:], exact[:, 25:]) == pytest.approx(share, abs=0.1)
    assert metrics.gain(speaker, exact) == pytest.approx(share, abs=1e-2)
    own = 3 * smooth(rng, 40, 500, 1)
    assert metrics.gain(speaker, exact + own) == pytest.approx(share, abs=0.25)
    correlation = metrics.pcc(heard, exact + own)
    assert abs(correlation) < 0.3 * abs(share) + 0.05
    assert metrics.gain(np.ones_like(speaker), exact) == 0.0


def test_gain_passes_over_holes(rng):
    speaker = [smooth(rng, 1, 400, 2)[0] for _ in range(3)]
    listener = [0.4 * np.roll(x, 10, 0) for x in speaker]
    valid = [np.ones(400, bool) for _ in speaker]
    valid[1][100:180] = False
    spoiled = [x.copy() for x in listener]
    spoiled[1][100:180] = 1e6
    clean, masked = (
        metrics.gain_terms(speaker, listener),
        metrics.gain_terms(speaker, spoiled, valid=valid),
    )
    np.testing.assert_array_equal(clean[[0, 2]], masked[[0, 2]])
    assert np.abs(masked).max() < 1e4
    half = metrics.gain_terms(speaker, [0.5 * x for x in spoiled], valid=valid)
    np.testing.assert_allclose(half[:, 0], masked[:, 0] / 2)


def test_windowed_correlation_equals_the_slow_way(rng):
    x, y = smooth(rng, 1, 170, 2)[0], smooth(rng, 1, 170, 2)[0] + 100
    found = metrics.wtlcc([x], [y], window=60, max_lag=20, stride=30)
    for lag in (-20, -3, 0, 11, 20):
        slow = []
        for start in range(0, 170 - 60 + 1, 30):
            a, b = start + lag, start + lag + 60
            if a >= 0 and b <= 170:
                slow.append(
                    np.mean(
                        [stats.pearsonr(x[start : start + 60, d], y[a:b, d])[0] for d in range(2)]
                    )
                )
        assert found.at(lag) == pytest.approx(np.mean(slow), abs=1e-9)


def test_windowed_correlation_passes_over_holes_and_stillness(rng):
    x, y = smooth(rng, 2, 170, 2)
    x[40:110, 0], y[:, 1] = 7.0, 3.0  # still for a window, still throughout
    y[140] = np.nan
    found = metrics.wtlcc([x], [y], window=30, max_lag=45, stride=25)
    starts = [s for s in range(0, 141, 25) if not s <= 140 < s + 30]
    assert found.windows == len(starts)
    for lag in (-45, -8, 0, 31):
        reach = [s for s in starts if 0 <= s + lag <= 140 and not s + lag <= 140 < s + lag + 30]
        slow = [
            0
            if np.ptp(x[s : s + 30, 0]) == 0
            else stats.pearsonr(x[s : s + 30, 0], y[s + lag : s + lag + 30, 0])[0] / 2
            for s in reach
        ]
        assert found.at(lag) == pytest.approx(np.mean(slow), abs=1e-9)


def test_single_window_peaks_are_high_even_between_strangers(rng):
    found = metrics.wtlcc(smooth(rng, 20, 400, 1), smooth(rng, 20, 400, 1))
    assert abs(found.peak) < 0.15
    assert found.window_peak > 0.3


def test_chance_level_separates_a_coupled_pair_from_strangers(rng):
    speaker = smooth(rng, 12, 300, 2)
    listener = [
        0.7 * np.roll(s, 10, 0) + 0.7 * other
        for s, other in zip(speaker, smooth(rng, 12, 300, 2), strict=True)
    ]
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
    cut = metrics.evaluate(
        *([x[v] for x, v in zip(xs, valid, strict=True)] for xs in sets), **PARTS
    )
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


def test_the_number_of_cores_changes_no_bit(rng, monkeypatch):
    sets = [
        [smooth(rng, 1, n, 20)[0] for n in (90, 300, 40, 170, 230, 60, 55, 410, 120, 200)]
        for _ in range(3)
    ]
    found = []
    for cores in (1, 2, 5):
        for module in (clips, kmeans):
            monkeypatch.setattr(module, "cores", lambda cores=cores: cores)
        found.append({c: metrics.evaluate(*sets, convention=c, **PARTS) for c in ("elp", "dim")})
    assert found[0] == found[1] == found[2]


def test_clusters_are_fitted_to_frames_spread_over_all_clips(rng):
    gt = [smooth(rng, 1, n, 3)[0] for n in (5, 300, 41, 80)]
    gt[1][20:30] = np.nan
    rows = np.concatenate(gt)
    rows = rows[~np.isnan(rows[:, 0])]
    picked = rows[np.linspace(0, len(rows) - 1, 100).round().astype(int)]
    np.testing.assert_array_equal(metrics.cluster(gt, 4, frames=100), metrics.cluster([picked], 4))
    np.testing.assert_array_equal(metrics.cluster(gt, 4, frames=1000), metrics.cluster([rows], 4))


@pytest.mark.parametrize("joined", [False, True])
def test_steps_within_and_across_clips(rng, joined):
    gt, pred = ([smooth(rng, 1, n, 2)[0] for n in (30, 1, 12)] for _ in range(2))
    gt[2][4] = np.nan
    gaps = [a - b for a, b in zip(gt, pred, strict=True)]
    change = [np.diff(x, axis=0) for x in ([np.concatenate(gaps)] if joined else gaps)]
    squares = [(row**2).sum() for x in change for row in x if np.isfinite(row).all()]
    assert metrics.sts(gt, pred, dt=0.1, joined=joined) == pytest.approx(
        math.sqrt(sum(squares) / 0.1)
    )
    assert metrics.sts(gt, pred, dt=0.1, joined=joined, per_frame=True) == pytest.approx(
        math.sqrt(sum(squares) / 0.1 / len(squares))
    )
    assert math.isnan(metrics.sts([gt[1]], [pred[1]], dt=0.1, joined=joined))


def test_dtw_is_the_least_monotone_path(rng):
    x, y = rng.standard_normal((7, 2)), rng.standard_normal((5, 2))
    table = np.full((8, 6), np.inf)
    table[0, 0] = 0
    for i in range(7):
        for j in range(5):
            table[i + 1, j + 1] = ((x[i] - y[j]) ** 2).sum() + min(
                table[i, j], table[i, j + 1], table[i + 1, j]
            )
    assert metrics.dtw(x, y) == pytest.approx(math.sqrt(table[-1, -1]))
    assert metrics.dtw(x, np.repeat(x, 3, 0)) == pytest.approx(0, abs=1e-6)


def test_react_metrics_have_their_known_answers(rng):
    real = [smooth(rng, 1, 100, 3)[0] for _ in range(3)]
    own = [[x, x] for x in real]
    # summed over two samples
    assert metrics.fr_corr(own, [[x] for x in real]) == pytest.approx(2, abs=1e-6)
    # any appropriate one will do
    assert metrics.fr_corr([[real[1]]], [real]) == pytest.approx(1, abs=1e-6)
    assert metrics.fr_dist(own, [[x] for x in real]) == pytest.approx(0, abs=1e-6)
    assert metrics.fr_div(own) == 0
    assert metrics.fr_div([[np.zeros((4, 2)), np.ones((4, 2))]]) == pytest.approx(1)
    assert metrics.fr_dvs([[np.zeros((4, 2))], [np.full((4, 2), 2.0)]]) == pytest.approx(4)
    assert metrics.fr_var(own) == pytest.approx(np.mean([x.var(0, ddof=1).mean() for x in real]))
    long = smooth(rng, 1, 300, 3)[0]
    assert metrics.fr_syn([[long[20:220]]], [long[28:228]]) == 8
    assert metrics.fr_syn([[np.zeros((100, 3))]], [real[0]]) == 0
    several = metrics.evaluate(
        real, real, np.stack([np.stack([x, x[::-1]]) for x in real]), convention="react"
    )
    assert several["frdiv"] > 0


@pytest.mark.parametrize("frames", [3, 40, 260])
def test_synchrony_of_react_equals_the_slow_way(rng, frames):
    lags = sorted(range(-49, 50), key=lambda lag: (abs(lag), lag))
    for _ in range(4):
        s, x = (smooth(rng, 1, frames, 3)[0] + rng.normal(size=3) * 10 for _ in range(2))
        x[:, 2] = 5.0  # a constant coefficient is left out
        score = [np.nan_to_num(metrics.lagged(s[:, :2], x[:, :2], lag).mean()) for lag in lags]
        assert metrics.fr_syn([[x]], [s]) == abs(lags[int(np.argmax(np.round(score, 12)))])


def test_every_number_says_which_way_is_better(rng):
    blink = rng.random((2, 120)) > 0.9
    scores = metrics.evaluate(
        *(smooth(rng, 2, 120, 9) for _ in range(3)), blink_gt=blink, blink_pred=blink, **PARTS
    )
    declared = {
        f"{part}_{m.name}"
        for m in metrics.METRICS.values()
        if m.parts
        for part in ("facial", "head", "all")
    }
    assert declared <= set(scores)
    for convention in metrics.CONVENTIONS:
        found = metrics.evaluate(
            *(smooth(rng, 2, 60, 9) for _ in range(3)),
            convention=convention,
            blink_gt=blink[:, :60],
            blink_pred=blink[:, :60],
        )
        for key in found:
            declared = metrics.metric_of(key, convention)
            assert (
                convention in ("elp", "react")
                or key.startswith("blink")
                or declared not in metrics.METRICS.values()
            ), key
    assert metrics.metric_of("rpcc pose", "dim") != metrics.metric_of("head_rpcc")
    with pytest.raises(KeyError):
        metrics.metric_of("facial_nonsense")
    fd, vd = metrics.METRICS["fd"], metrics.metric_of("facial_vd")
    assert (fd.heading, vd.heading) == ("FD ↓", "V-D →GT")
    assert fd.badness(1) < fd.badness(2)
    assert vd.badness(3, gt=3.1) < vd.badness(2, gt=3.1)
    assert metrics.METRICS["blink_wtlcc"].badness(0.4) < metrics.METRICS["blink_wtlcc"].badness(0.1)
    assert all(m.convention and m.direction in metrics.ARROWS for m in metrics.METRICS.values())


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
        "noise": metrics.sts(gt, broken, dt=0.04)
        > 2 * metrics.sts(gt, [x + 1 for x in broken[::-1]], dt=0.04) / 3,
        "shuffled pairs": metrics.frechet(gt, broken) > 1
        and metrics.frechet_pooled(gt, broken) < 1e-6,
        "time shift": metrics.wtlcc(gt, broken).lag == metrics.MAX_LAG
        or metrics.wtlcc(gt, broken, max_lag=120).lag == 100,
    }
    assert notices[name]
