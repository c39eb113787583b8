"""Conventions: published values reproduced, every formula against its slow form, and input that
does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, stats
from sklearn.cluster import KMeans

from elp import metrics
from elp.errors import ElpError
from elp.metrics import clips
from elp.metrics.events.lids import METRICS as LIDS
from tests.metrics.sets import PARTS, smooth


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def golden(shared_data: Path) -> tuple[dict[str, np.ndarray], dict]:
    folder = shared_data.parent / "golden"
    if not (folder / "listener_metrics.npz").exists():
        pytest.skip(f"no published values beside the shared data ({folder})")
    return dict(np.load(folder / "listener_metrics.npz")), json.loads(
        (folder / "listener_metrics.json").read_text()
    )


@pytest.mark.shared_data
def test_dim_convention_gives_the_published_values(golden):
    arrays, expected = golden
    got = metrics.evaluate(
        arrays["speaker"],
        arrays["gt"],
        arrays["pred"],
        convention="dim",
        pose=slice(0, 6),
        expression=slice(6, 56),
    )
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
    assert abs(metrics.pearson(g, p).mean()) == pytest.approx(
        expected["lm_listener_calc_pearson_clip0"], rel=1e-6
    )


def slow_frechet(x: np.ndarray, y: np.ndarray) -> float:
    root = linalg.sqrtm(np.cov(x.T) @ np.cov(y.T)).real
    return sum((a - b) ** 2 for a, b in zip(x.mean(0), y.mean(0), strict=True)) + np.trace(
        np.cov(x.T) + np.cov(y.T) - 2 * root
    )


def slow_entropy(rows: np.ndarray, centres: np.ndarray) -> float:
    nearest = [
        min(range(len(centres)), key=lambda k: ((row - centres[k]) ** 2).sum()) for row in rows
    ]
    shares = [nearest.count(k) / len(rows) for k in range(len(centres))]
    return -sum(p * np.log2(p + 1e-6) for p in shares)


def slow_dim(speaker: list, gt: list, pred: list) -> dict[str, float]:
    """The convention "dim" from its description, a loop at a time."""
    out: dict[str, float] = {}
    for name, columns, k in (("pose", PARTS["pose"], 20), ("exp", PARTS["expression"], 40)):
        s, g, p = ([x[:, columns].astype(float) for x in clips] for clips in (speaker, gt, pred))
        out[f"fid_{name}"] = np.mean([slow_frechet(a, b) for a, b in zip(g, p, strict=True)])
        out[f"pfid_{name}"] = np.mean(
            [
                slow_frechet(np.hstack([c, a]), np.hstack([c, b]))
                for c, a, b in zip(s, g, p, strict=True)
            ]
        )
        c, a, b = (np.concatenate(clips) for clips in (s, g, p))
        centres = KMeans(k, random_state=0, n_init="auto").fit(a).cluster_centers_
        out |= {f"sid_{name}": slow_entropy(b, centres), f"sid_{name}_gt": slow_entropy(a, centres)}
        out |= {
            f"mse_{name}": np.mean((a - b) ** 2),
            f"var_{name}": np.var(b),
            f"var_{name}_gt": np.var(a),
        }
        out[f"rpcc {name}"] = abs(
            stats.pearsonr(a.ravel(), c.ravel())[0] - stats.pearsonr(b.ravel(), c.ravel())[0]
        )
        steps = [(a[t + 1] - a[t] - b[t + 1] + b[t]) ** 2 for t in range(len(a) - 1)]
        out[f"sts {name}"] = np.sqrt(np.sum(steps) / 0.1)
    return out


@pytest.mark.parametrize(
    ("lengths", "width", "dtype"),
    [([150] * 3, 56, "float32"), ([90, 140, 70, 210], 26, "float64"), ([300], 106, "float32")],
)
def test_dim_convention_against_its_slow_form(lengths, width, dtype):
    rng = np.random.default_rng(width)
    sets = [
        [
            (rng.normal(size=(n, width)).cumsum(0) / 9 + rng.normal(size=width)).astype(dtype)
            for n in lengths
        ]
        for _ in range(3)
    ]
    got = metrics.evaluate(
        *(np.stack(x) if len({*lengths}) == 1 else x for x in sets), convention="dim", **PARTS
    )
    expected = slow_dim(*sets)
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, rel=1e-3 if name.startswith("sid") else 1e-6), name
        assert type(got[name]) is float


def test_every_convention_survives_odd_but_lawful_clips(rng):
    s, g, p = (smooth(rng, 3, 60, 10).astype(np.float32) for _ in range(3))
    still, hole, short = p.copy(), p.copy(), [x[:, :40] for x in (s, g, p)]
    still[:, :, 3] = 2
    hole[0], hole[1, 4:9, 2], hole[2, 5] = np.nan, np.nan, np.inf
    blink = {"blink_gt": rng.random((3, 60)) > 0.9, "blink_pred": np.zeros((3, 60, 1), bool)}
    for convention in metrics.CONVENTIONS:
        for pred in [p, still, np.zeros_like(p)] + [hole] * (convention != "react"):
            found = metrics.evaluate(s, g, pred, convention=convention, **PARTS, **blink)
            # who never blinks has no intervals between blinks, and no lengths
            undefined = {m.name for m in LIDS} & set(found)
            assert all(type(v) is float for v in found.values()), convention
            assert {k for k, v in found.items() if not np.isfinite(v)} == undefined, convention
            assert found["blink_wtlcc"] == 0
        assert np.isfinite(
            list(metrics.evaluate(*short, convention=convention, **PARTS).values())
        ).all()  # shorter than WTLCC's window


def test_tensors_lists_and_arrays_are_the_same_to_it(rng):
    import torch

    sets = [smooth(rng, 2, 60, 8).astype(np.float32) for _ in range(3)]
    expected = metrics.evaluate(*sets, convention="dim", **PARTS)
    for kind in (
        lambda x: torch.tensor(x, requires_grad=True),
        np.ndarray.tolist,
        lambda x: list(x.astype(np.float64)),
    ):
        assert metrics.evaluate(*map(kind, sets), convention="dim", **PARTS) == expected


Z = np.zeros((3, 9, 8))


BAD = {
    "no clips": (([], [], []), {}),
    "2 clips": ((Z, Z[:2], Z), {}),
    "same shape": ((Z, Z, Z[:, :7]), {}),
    "same shape ": ((Z, Z, Z[:, :, :7]), {}),
    "no frame is seen": ((Z, Z * np.nan, Z), {}),
    "must be (T, D)": ((Z[None],) * 3, {}),
    "even for one clip": ((Z[0],) * 3, {}),
    "not made of numbers": (([["a"]],) * 3, {}),
    "holds no clips": ((None, Z, Z), {}),
    "2 valid masks": ((Z, Z, Z), {"valid": np.ones((2, 9), bool)}),
    "its valid mask has shape": ((Z, Z, Z), {"valid": np.ones((3, 8), bool)}),
    "one value a frame": (
        (Z, Z, Z),
        {"blink_gt": np.zeros((2, 9)), "blink_pred": np.zeros((2, 9))},
    ),
    "as many frames, got 18": ((Z[:2],) * 3, {"convention": "dim"}),
    "whole clips": ((Z, Z, Z), {"convention": "react", "valid": np.zeros((3, 9), bool)}),
    "same number of clips": ((Z, Z, Z[:2]), {"convention": "react"}),
    "all need the same shape": ((Z, Z, Z[:, :7]), {"convention": "react"}),
}


@pytest.mark.parametrize("says", BAD)
def test_bad_input_is_refused_in_one_sentence(says):
    arrays, options = BAD[says]
    with pytest.raises(ElpError) as error:
        metrics.evaluate(*arrays, **PARTS, **options)
    assert says.strip() in str(error.value)
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


def test_constant_prediction_is_zero_not_nan(rng):
    s, g = smooth(rng, 2, 150, 8), smooth(rng, 2, 150, 8)
    scores = metrics.evaluate(s, g, np.full_like(g, 0.3), **PARTS)
    assert np.isfinite(list(scores.values())).all()
    assert scores["facial_vd"] == pytest.approx(0, abs=1e-12)
    assert scores["head_wtlcc"] == 0
    assert scores["facial_sid"] == pytest.approx(0, abs=1e-4)


@settings(max_examples=4, deadline=None)
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
        monkeypatch.setattr(clips, "cores", lambda cores=cores: cores)
        found.append({c: metrics.evaluate(*sets, convention=c, **PARTS) for c in ("elp", "dim")})
    assert found[0] == found[1] == found[2]
