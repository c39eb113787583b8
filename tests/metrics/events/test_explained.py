"""Variance that the speaker explains: components known by construction."""

from __future__ import annotations

import numpy as np
import pytest

from elp.errors import ElpError
from elp.metrics.events import explained_terms, seed_share, speaker_share


def answers(
    parts: tuple[float, float, float], *, speakers: int, seeds: int, frames: int = 400
) -> np.ndarray:
    """(K, S, T, 2) with the given variances of speaker, seed and rest, and a common course."""
    rng = np.random.default_rng(0)
    one = lambda *shape: rng.standard_normal((*shape, frames, 2))  # noqa: E731
    speaker, seed, rest = (np.sqrt(part) for part in parts)
    common = 2 * np.sin(np.arange(frames) / 20)[:, None]
    return common + speaker * one(1, speakers) + seed * one(seeds, 1) + rest * one(seeds, speakers)


@pytest.mark.parametrize("parts", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.2, 0.5, 0.3), (0.6, 0, 0.4)])
def test_known_components_are_found(parts: tuple[float, float, float]) -> None:
    totals = explained_terms(answers(parts, speakers=12, seeds=5)).sum(0)
    assert speaker_share(totals) == pytest.approx(parts[0], abs=0.03)
    assert seed_share(totals) == pytest.approx(parts[1], abs=0.03)


def test_estimates_are_those_of_analysis_of_variance() -> None:
    y = answers((0.3, 0.3, 0.4), speakers=4, seeds=3, frames=30)
    y = y - y.mean(2, keepdims=True)
    seeds, speakers = 3, 4
    grand = y.mean((0, 1))
    by_speaker, by_seed = y.mean(0), y.mean(1)
    ms_speaker = seeds * ((by_speaker - grand) ** 2).sum() / (speakers - 1)
    ms_seed = speakers * ((by_seed - grand) ** 2).sum() / (seeds - 1)
    left = y - by_speaker - by_seed[:, None] + grand
    ms_rest = (left**2).sum() / ((speakers - 1) * (seeds - 1))
    speaker, seed = (ms_speaker - ms_rest) / seeds, (ms_seed - ms_rest) / speakers
    totals = explained_terms(y).sum(0)
    assert speaker_share(totals) == pytest.approx(speaker / (speaker + seed + ms_rest), rel=1e-9)
    assert seed_share(totals) == pytest.approx(seed / (speaker + seed + ms_rest), rel=1e-9)


def test_a_resting_pose_explains_nothing_unless_it_is_asked_for() -> None:
    y = answers((0, 0, 1), speakers=8, seeds=4) + 3 * np.arange(8)[:, None, None]
    assert speaker_share(explained_terms(y).sum(0)) == pytest.approx(0, abs=0.03)
    assert speaker_share(explained_terms(y, centre=False).sum(0)) > 0.9


def test_clips_may_differ_in_length() -> None:
    y = answers((0.5, 0.2, 0.3), speakers=12, seeds=5)
    cut = [[x[: 400 - 20 * s] for s, x in enumerate(clips)] for clips in y]
    totals = explained_terms(cut).sum(0)
    assert speaker_share(totals) == pytest.approx(0.5, abs=0.04)
    assert seed_share(totals) == pytest.approx(0.2, abs=0.04)


def test_what_is_needed_is_said() -> None:
    y = answers((1, 0, 0), speakers=3, seeds=2)
    with pytest.raises(ElpError, match="two or more seeds"):
        explained_terms(y[:1])
    with pytest.raises(ElpError, match="same order and length"):
        explained_terms([y[0], y[1][:, :50]])


def test_frames_that_one_answer_lacks_count_for_none_of_its_speaker() -> None:
    y = answers((0.5, 0.2, 0.3), speakers=12, seeds=5)
    gap = y.copy()
    gap[2, 3, 100:150] = np.nan
    gap[:, :, 390:] = np.nan
    totals, whole = (explained_terms(x).sum(0) for x in (gap, y[:, :, :390]))
    assert speaker_share(totals) == pytest.approx(0.5, abs=0.04)
    assert totals == pytest.approx(whole, rel=0.1)
