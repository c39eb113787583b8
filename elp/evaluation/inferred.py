"""Is e', the emotion that nobody asked for and the speaker suggests, the listener's true one?
(chapter "Results")
"""

# C clip, T frame, N emotion
from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elp.corpus.format import Corpus
from elp.evaluation.answers import usable
from elp.evaluation.bootstrap import interval
from elp.evaluation.controllability import EmotionClassifier
from elp.evaluation.units import units
from elp.listener.inference import inferred
from elp.listener.responder import ELPResponder

Indices = NDArray[np.int64]


@torch.inference_mode()
def inferred_emotions(corpus: Corpus, method: ELPResponder, split: str = "test") -> dict[str, Any]:
    """How often a model's e' is the listener's emotion, from the speaker of each clip.

    A causal model is asked in the clip's last frame, when it has heard all of it.

    Returns:
        accuracy: {value, low, high}, over clips. confusion: N rows (true) of N numbers of clips
            (inferred). emotions: their names, in this order.
    """
    pairs = [p for p in usable(corpus, split) if p.emotion >= 0]
    found = []
    for pair in pairs:
        mfcc, beta, pose = method.speaker.clip(corpus.speaker(pair))
        e = inferred(method.model, mfcc, method.model.motion_style(beta, pose))
        found.append(int(e[0, -1].argmax()))
    return _summary(corpus, pairs, np.array(found))


def regressed_emotions(corpus: Corpus, split: str = "test") -> dict[str, Any]:
    """The same of a logistic regression on where the speaker's face stands: what e' should
    reach.
    """
    pairs = [p for p in usable(corpus, split) if p.emotion >= 0]
    classifier = EmotionClassifier(corpus, "speaker")
    return _summary(corpus, pairs, classifier.predict([corpus.speaker(p).motion for p in pairs]))


def _summary(corpus: Corpus, pairs: list[Any], found: Indices) -> dict[str, Any]:
    true, over = np.array([p.emotion for p in pairs]), units(pairs)
    confusion = np.zeros((len(corpus.emotions),) * 2, np.int64)
    np.add.at(confusion, (true, found), 1)
    weights = over.weights(np.random.default_rng(0), 1000)
    return {
        "accuracy": interval(weights @ (found == true) / weights.sum(1), over.count),
        "confusion": confusion.tolist(),
        "emotions": list(corpus.emotions),
    }
