"""How many raters and speakers a difference asks for (chapter "Your own study")."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from elp.book.study.analysis import means
from elp.book.study.raters import Truth
from elp.evaluation.bootstrap import LEVEL


def power(
    raters: int,
    speakers: int,
    difference: float = 0.3,
    *,
    truth: Truth | None = None,
    score: float = 3.5,
    comparisons: int = 1,
    simulations: int = 200,
    seed: int = 0,
) -> dict[str, float]:
    """Chance that a study finds a difference between two methods, by simulation.

    Each simulated study is analysed as the real one will be (`scores`).

    Args:
        raters, speakers: how many; every rater rates both methods on each speaker.
        difference: between the two methods' expected answers, in points.
        truth: the standard deviations; those of a `Truth` by default.
        score: expected answer of the lower method.
        comparisons: of the study; found means p < 0.05 / comparisons, the first
            step of Holm's correction.
        simulations: studies. seed: of everything.

    Returns:
        {value, low, high}: the share of studies that found it, and its 95 %
        interval (Clopper and Pearson) over the simulations.
    """
    from scipy.stats import binomtest

    truth = truth or Truth(scores={})
    both = replace(truth, scores={"higher": score + difference, "lower": score})
    rng = np.random.default_rng(seed)
    rater, speaker, method = np.indices((raters, speakers, 2)).reshape(3, -1)
    found = 0
    for _ in range(simulations):
        answers = both.draw(rng, raters, speakers).astype(float).ravel()
        tested = means(answers, method, rater, speaker).contrast(np.array([1.0, -1.0]))
        found += tested["p"] < LEVEL / comparisons
    share = binomtest(found, simulations).proportion_ci()
    return {"value": found / simulations, "low": float(share.low), "high": float(share.high)}
