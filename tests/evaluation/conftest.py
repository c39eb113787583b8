"""What the tests of evaluation share: the simulated corpus, and one result."""

from __future__ import annotations

import pytest

from elp.baselines import MeanFace, RandomListener
from elp.corpus import Corpus
from elp.evaluation import bounds
from elp.evaluation.evaluate import evaluate


@pytest.fixture(scope="session")
def corpus(simulated: Corpus) -> Corpus:
    return simulated


@pytest.fixture(scope="session")
def result(simulated: Corpus) -> dict:
    methods = {
        "GT": bounds.GroundTruth(),
        "oracle": bounds.Oracle(),
        "mean face": MeanFace(simulated),
        "Random": RandomListener(simulated),
    }
    return evaluate(simulated, methods, samples=2, bootstrap=50, against="oracle")
