"""Resampling: the value itself, clips and seeds, paired contrasts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elp import metrics
from elp.baselines import RandomListener
from elp.evaluation.answers import generate, usable
from elp.evaluation.bootstrap import resample
from elp.evaluation.measure import Scene, measure


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
    assert set(fd) == {"value", "low", "high", "z", "separated"}


def test_resampling_draws_clips_and_seeds(corpus):
    stats = [measure(corpus, RandomListener(corpus), samples=2, seed=s) for s in (0, 1)]
    draws = resample(stats, bootstrap=40, seed=3)
    one, other = (resample([s], bootstrap=0)["facial_fd"][0] for s in stats)
    assert draws["facial_fd"].shape == (41,)
    assert draws["facial_fd"][0] == pytest.approx((one + other) / 2)
    assert np.array_equal(draws["facial_fd"], resample(stats, bootstrap=40, seed=3)["facial_fd"])
    assert draws["facial_fd"][1:].std() > 0


def test_the_identity_resample_is_the_plain_value_exactly(corpus):
    pairs = usable(corpus, "test")
    scene = Scene(corpus, pairs)
    generator = torch.Generator().manual_seed(0)
    answers = generate(corpus, RandomListener(corpus), pairs, [None] * len(pairs), generator)
    plain = metrics.measured(scene.answered(answers), metrics.TABLED)
    plain |= metrics.added(plain)
    stats = {key: terms[None] for key, terms in scene.measure(answers).items()}
    drawn = resample([stats], bootstrap=0)
    assert {"facial_fd", "head_sid", "nod_gain", "smile_wtlcc", "blink_rate", "all_l1"} <= set(
        drawn
    )
    for key, value in drawn.items():
        np.testing.assert_array_equal(value, [plain[key]], err_msg=key)
