"""How often e' is right, and of which emotions it is wrong."""

from __future__ import annotations

import numpy as np

from elp.corpus import Corpus
from elp.evaluation.answers import usable
from elp.evaluation.inferred import inferred_emotions, regressed_emotions
from elp.listener.responder import ELPResponder


def test_accuracy_is_the_confusions_diagonal(simulated: Corpus) -> None:
    emotions = [p.emotion for p in usable(simulated, "test")]
    read = inferred_emotions(simulated, ELPResponder.from_checkpoint())
    for found in (read, regressed_emotions(simulated)):
        confusion = np.array(found["confusion"])
        assert confusion.sum(1).tolist() == np.bincount(emotions, minlength=3).tolist()
        accuracy = np.trace(confusion) / confusion.sum()
        assert abs(found["accuracy"]["value"] - accuracy) < 1e-4
    assert regressed_emotions(simulated, "train")["accuracy"]["value"] > 0.8
