"""The classifier of emotions is honest."""

from __future__ import annotations

import numpy as np

from elp.baselines import RandomListener
from elp.evaluation.controllability import EmotionClassifier, controllability
from elp.motion import Motion


def test_reader_reads_real_listeners_and_asks_for_what_is_shown(corpus):
    classifier = EmotionClassifier(corpus)
    assert classifier.accuracy("train") > 0.9
    assert 0 <= classifier.accuracy("test") <= 1

    class Echo:  # answers with a training listener of the asked emotion
        def respond(self, speaker, emotion, *, generator):
            wanted = corpus.emotions.index(emotion)
            pair = next(p for p in corpus.pairs("train").itertuples() if p.emotion == wanted)
            motion = corpus.listener(pair)
            reps = -(-len(speaker) // len(motion))
            return Motion(
                **{
                    n: np.concatenate([getattr(motion, n)] * reps)[: len(speaker)]
                    for n in ("beta", "pose", "blink", "valid")
                }
            )

    told, untold = (
        controllability(corpus, m, classifier) for m in (Echo(), RandomListener(corpus))
    )
    assert told["accuracy"] > untold["accuracy"]
    assert np.allclose(np.sum(told["confusion"], 1), 1, atol=1e-3)
