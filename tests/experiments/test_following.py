"""What follows is found among people who met, and nothing among those who did not."""

from __future__ import annotations

import numpy as np

from experiments import following


def talks(rng: np.random.Generator, lag: int, units: int = 8) -> list[following.Unit]:
    """One session each: the second person's signal is the first's, `lag` frames later, and noise.

    Slow bumps, as smiles are.
    """
    found = []
    for _ in range(units):
        bumps = np.convolve(rng.random(1500) < 0.008, np.hanning(40), "same")
        late = np.roll(bumps, lag) + 0.02 * rng.normal(size=len(bumps))
        found.append([(bumps + 0.02 * rng.normal(size=len(bumps)), late)])
    return found


def test_answers_are_found_and_strangers_are_at_chance() -> None:
    row = following.modulated(talks(np.random.default_rng(0), 20), following.smile_onsets)
    assert row["met"]["low"] > 1.5 and row["p"] < 0.01
    assert 0.5 < row["strangers"] < 1.5


def test_an_unseen_persons_answer_is_foretold_and_a_strangers_is_not() -> None:
    units = [[(x[:, None], y)] for ((x, y),) in talks(np.random.default_rng(1), 20)]
    ridge = following.Ridge(units)
    row = ridge.scores(ridge.left_out())
    assert row["met"]["low"] > 0.7
    assert abs(row["strangers"]["value"]) < 0.2
    assert row["difference"]["low"] > 0.5
    # the fit says what it learned: the lag of 20 frames is four blocks back
    assert int(np.argmax(ridge.whole()[::-1])) == 4


def test_the_future_foretells_nothing() -> None:
    units = [[(x[:, None], y)] for ((x, y),) in talks(np.random.default_rng(2), -60)]
    ridge = following.Ridge(units)
    assert abs(ridge.scores(ridge.left_out())["met"]["value"]) < 0.3
