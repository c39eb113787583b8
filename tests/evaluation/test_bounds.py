"""Bounds behave as bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elp import baselines
from elp.evaluation import bounds
from elp.evaluation.answers import generate, usable


def test_ground_truth_is_perfect_and_the_oracle_beats_chance(result):
    found = result["methods"]
    gt, oracle, chance = found["GT"], found["oracle"], found["Random"]
    for name in ("facial_fd", "head_fd", "facial_pfd", "facial_rpcc", "head_sts_frame", "all_fd"):
        assert gt[name]["value"] == pytest.approx(0, abs=1e-9)
    assert gt["blink_wtlcc"]["value"] == pytest.approx(1)
    assert oracle["facial_fd"]["value"] < chance["facial_fd"]["value"]
    assert found["mean face"]["facial_vd"]["value"] == pytest.approx(0, abs=1e-9)
    assert found["mean face"]["blink_rate"]["value"] == 0


def test_newcomers_are_other_people_in_the_same_mood(corpus):
    pair = usable(corpus, "test")[0]
    one, again, other = (
        bounds.UnseenListener().answer(corpus, pair, torch.Generator().manual_seed(k))
        for k in (1, 1, 2)
    )
    assert len(one) == pair.length
    assert np.array_equal(one.beta, again.beta)
    assert not np.array_equal(one.beta, other.beta)


@pytest.mark.parametrize("kind", ["RLHG", "PCH", "L2L"])
def test_the_first_frame_that_is_shown_decides(kind, corpus):
    torch.manual_seed(0)
    features = baselines.Features(corpus)
    model = (
        baselines.L2L(features)
        if kind == "L2L"
        else baselines.RLHG(features, residual=kind == "PCH")
    )
    method, pair = bounds.FirstFrame(model.eval()), usable(corpus, "test")[0]
    other = pair._replace(listener_offset=pair.listener_offset + 60)
    one, again, moved = (
        generate(corpus, method, [p], ["neutral"], torch.Generator().manual_seed(0))[0]
        for p in (pair, pair, other)
    )
    assert len(one) == pair.length
    np.testing.assert_array_equal(one.beta, again.beta)
    assert not np.array_equal(one.beta, moved.beta)
    if kind != "L2L":  # whose codes need not hit it
        true = corpus.listener(pair)
        np.testing.assert_allclose(one.beta[0], true.beta[0], atol=1e-3)
        np.testing.assert_allclose(one.pose[0], true.pose[0], atol=1e-3)
