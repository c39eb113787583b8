"""Every metric declares what it is, and is one formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elp import metrics
from elp.metrics.clips import Clips, aligned
from elp.metrics.metric import plain
from elp.metrics.registry import OTHERS
from tests.metrics.events import cases
from tests.metrics.sets import PARTS, smooth

EVERY = [*metrics.METRICS.values(), *(m for ms in OTHERS.values() for m in ms)]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_every_number_says_which_way_is_better(rng):
    blink = rng.random((2, 120)) > 0.9
    scores = metrics.evaluate(
        *(smooth(rng, 2, 120, 9) for _ in range(3)), blink_gt=blink, blink_pred=blink, **PARTS
    )
    declared = {
        m.named(part)
        for m in metrics.METRICS.values()
        for part in ("facial", "head", "joint", "blink")
        if part in m.over
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
    assert all(m.convention and m.unit and m.direction in metrics.ARROWS for m in EVERY)


def test_face_and_head_added_are_another_thing_than_both_together(rng):
    scores = metrics.evaluate(*(smooth(rng, 2, 60, 9) for _ in range(3)), **PARTS)
    for name in ("fd", "vd", "vd_gt", "wtlcc"):
        added = scores[f"facial_{name}"] + scores[f"head_{name}"]
        assert scores[f"all_{name}"] == added != scores[f"joint_{name}"]
    assert "all_wtlcc_lag" not in scores


EVENTS = ("heard", "known", "rotation", "facial answers", "head answers", "smile answers")


def case(rng, metric, clips=4, frames=130):
    if metric.name == "onsets" or metric.over[0] in EVENTS or metric.over == ("blink",):
        return cases.case(rng, metric)
    s, g, p = aligned(**{n: list(smooth(rng, clips, frames, 4)) for n in ("s", "g", "p")})
    return metrics.Case(speaker=s, gt=g, pred=p, clusters=5, samples=[Clips([x, -x]) for x in p])


@pytest.mark.parametrize("metric", EVERY, ids=lambda m: f"{m.source} {m.name}")
def test_a_clip_that_counts_twice_is_a_clip_that_is_there_twice(metric, rng):
    terms, chosen = metric.terms(case(rng, metric)), [0, 2, 2, 3, 3, 3]
    counts = np.bincount(chosen, minlength=len(terms)).astype(float)
    drawn = [terms[k] for k in chosen]
    drawn = np.stack(drawn) if isinstance(terms, np.ndarray) else drawn
    value = metric.reduce(terms, counts[None])
    assert value.shape == (1,) and np.isfinite(value).all()
    np.testing.assert_allclose(value, plain(metric.reduce, drawn), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("metric", EVERY, ids=lambda m: f"{m.source} {m.name}")
def test_the_real_listener_is_its_own_best_answer(metric, rng):
    one = case(rng, metric)
    answers = replace(one, samples=[Clips([g, g]) for g in one.gt], of_answer={}, pred=one.gt)
    own, other = metric.of(answers), metric.of(one)
    if metric.direction == "lower" and metric.name != "frsyn":
        assert own == pytest.approx(0, abs=1e-6) and own < other
    if metric.direction == "higher" and metric.source != "react":
        assert own == pytest.approx(1) and own > other


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
