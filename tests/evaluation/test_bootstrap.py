"""Resampling: the value itself, listeners and seeds, intervals that hold, corrected contrasts."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elp import metrics
from elp.baselines import RandomListener
from elp.evaluation.answers import generate, usable
from elp.evaluation.bootstrap import contrast, holm, interval, resample
from elp.evaluation.measure import Scene, measure
from elp.evaluation.units import Units, conversations, units


def test_intervals_hold_the_value_and_contrasts_are_paired(result):
    for method in result["methods"].values():
        for name, x in method.items():
            assert x["low"] <= x["high"], name
    fd = result["contrasts"]["Random"]["facial_fd"]
    assert fd["value"] < 0
    assert fd["value"] == pytest.approx(
        result["methods"]["oracle"]["facial_fd"]["value"]
        - result["methods"]["Random"]["facial_fd"]["value"],
        rel=1e-3,
    )
    assert set(fd) == {"value", "low", "high", "z", "p", "p_holm", "separated"}
    assert fd["p_holm"] >= fd["p"]
    for method in result["contrasts"].values():
        for name, x in method.items():
            assert x["separated"] == (x["p_holm"] < 0.05), name


def test_resampling_draws_clips_and_seeds(corpus):
    stats = [measure(corpus, RandomListener(corpus), samples=2, seed=s) for s in (0, 1)]
    over = conversations(stats[0]["facial_fd"].shape[1])
    draws = resample(stats, over, bootstrap=40, seed=3)
    one, other = (resample([s], over, bootstrap=0)["facial_fd"][0] for s in stats)
    assert draws["facial_fd"].shape == (41,)
    assert draws["facial_fd"][0] == pytest.approx((one + other) / 2)
    again = resample(stats, over, bootstrap=40, seed=3)["facial_fd"]
    assert np.array_equal(draws["facial_fd"], again)
    assert draws["facial_fd"][1:].std() > 0


def test_the_identity_resample_is_the_plain_value_exactly(corpus):
    pairs = usable(corpus, "test")
    scene = Scene(corpus, pairs)
    generator = torch.Generator().manual_seed(0)
    answers = generate(corpus, RandomListener(corpus), pairs, [None] * len(pairs), generator)
    plain = metrics.measured(scene.answered(answers), metrics.TABLED)
    plain |= metrics.added(plain)
    stats = {key: terms[None] for key, terms in scene.measure(answers).items()}
    drawn = resample([stats], units(pairs), bootstrap=0)
    assert {"facial_fd", "head_sid", "nod_gain", "smile_wtlcc", "blink_rate", "all_l1"} <= set(
        drawn
    )
    for key, value in drawn.items():
        np.testing.assert_array_equal(value, [plain[key]], err_msg=key)


def means(over: Units, clips: Units, between: float, rows: int) -> np.ndarray:
    """(1 + B, rows) draws of the mean of clips of listeners who differ, of as many experiments as
    rows; over all listeners that there could be it is 0.
    """
    rng = np.random.default_rng(0)
    person = between * rng.normal(size=(clips.count, rows))
    values = person[clips.of_clip] + rng.normal(size=(len(clips.of_clip), rows))
    weights = over.weights(rng, 400)
    return weights @ values / weights.sum(1, keepdims=True)


def coverage(over: Units, clips: Units, between: float) -> float:
    """Share of intervals that hold the true mean."""
    cells = [interval(draws, over.count) for draws in means(over, clips, between, 400).T]
    return float(np.mean([cell["low"] <= 0 <= cell["high"] for cell in cells]))


def test_intervals_over_listeners_hold_what_those_over_clips_do_not():
    clips = Units(name="listeners", of_clip=np.repeat(np.arange(10), 8))
    assert 0.92 <= coverage(clips, clips, between=1.0) <= 0.98
    assert coverage(conversations(80), clips, between=1.0) < 0.65
    # and they cost nothing where people do not differ
    assert 0.92 <= coverage(clips, clips, between=0.0) <= 0.98


def test_hardly_a_family_of_equal_rows_has_a_separated_one():
    clips = Units(name="listeners", of_clip=np.repeat(np.arange(12), 3))
    families, wrong, bare = means(clips, clips, 1.0, 100 * 8).T.reshape(100, 8, -1), 0, 0
    for ours, *others in families:
        p = {str(k): contrast(ours, x, clips.count)["p"] for k, x in enumerate(others)}
        wrong += min(holm(p).values()) < 0.05
        bare += min(p.values()) < 0.05
    assert wrong <= 10 < bare  # 5 of 100 are expected, 10 are the 99th percentile


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_never_helps(p: list[float]) -> None:
    found = holm({str(k): x for k, x in enumerate(p)})
    corrected = [found[str(k)] for k in range(len(p))]
    assert all(x <= y <= 1 for x, y in zip(p, corrected, strict=True))
    assert max(corrected) <= 1 and min(corrected) == pytest.approx(min(1, len(p) * min(p)))
    assert [corrected[k] for k in np.argsort(p)] == sorted(corrected)


def test_holm_gives_the_textbook_values() -> None:
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})


def test_units_are_people_or_dyads_and_conversations_where_these_are_few() -> None:
    def pairs(*names: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(listener=n[0], speaker=n[1]) for n in names]

    shown = units(pairs("ax", "bx", "cy", "dx", "ez", "ay"))
    assert (shown.name, shown.of_clip.tolist()) == ("listeners", [0, 1, 2, 3, 4, 0])
    talks = units(pairs("ab", "ba", "cd", "ef", "gh", "ij", "ji"))
    assert (talks.name, talks.of_clip.tolist()) == ("dyads", [0, 0, 1, 2, 3, 4, 4])
    assert units(pairs("ax", "ay", "az")).name == "conversations"
