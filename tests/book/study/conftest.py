"""A small study and what simulated raters answered in it."""

from __future__ import annotations

import pytest

from elp.book.study import Study, Truth, simulate, unblinded

METHODS, SPEAKERS = ("GT", "mean face", "Mirror", "ELP"), ("s1", "s2", "s3", "s4", "s5")
TRUTH = Truth(
    scores={"GT": 4.4, "ELP": 3.6, "Mirror": 3.3, "mean face": 1.8},
    strengths={"GT": 1.2, "ELP": 0.4, "mean face": -1.6},
    first=0.3,
)


@pytest.fixture(scope="package")
def study():
    return Study(methods=METHODS, speakers=SPEAKERS, seed=3)


@pytest.fixture(scope="package")
def raters(study):
    """Rows of twelve raters, two of whom press any button."""
    return simulate(study, TRUTH, 12, careless=2, seed=1)


@pytest.fixture(scope="package")
def ratings(study, raters):
    return unblinded([row for rater in raters for row in rater], study)
