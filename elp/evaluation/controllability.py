"""Does the listener show the emotion that was asked for? A classifier that never saw a generated
motion reads it (chapter "Results").
"""

# C clip, D coefficient, N emotion
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.evaluation.answers import Answerer, generate, usable
from elp.motion import Motion


def describe(motion: Motion) -> NDArray[np.float64]:
    """(D + 6,) mean of every coefficient over a clip's seen frames: where a face stands.

    How much it moves is left out: a method that moves too little would be read by that, whatever it
    shows.
    """
    return np.concatenate([motion.beta, motion.pose], 1)[motion.valid].mean(0, dtype=np.float64)


class EmotionClassifier:
    """Logistic regression from where a listener's face stands (`describe`) to its emotion, trained
    on real training listeners only.

    Args:
        corpus: with emotions in its "train" split.
        of: whose face is read; the speaker's says what a listener's emotion can be inferred from,
            as e' is.

    Raises:
        ElpError: fewer than two emotions occur there.
    """

    def __init__(self, corpus: Corpus, of: Literal["listener", "speaker"] = "listener") -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.corpus, self.emotions, self.of = corpus, list(corpus.emotions), of
        x, y = self._clips("train")
        if len(set(y)) < 2:
            raise ElpError(
                f"{corpus.folder}: a classifier of emotions needs two or more in the train split, "
                f"found {len(set(y))}"
            )
        classifier = LogisticRegression(C=0.01, class_weight="balanced", max_iter=5000)
        self.pipeline = make_pipeline(StandardScaler(), classifier).fit(x, y)

    def _clips(self, split: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        pairs = [p for p in usable(self.corpus, split) if p.emotion >= 0]
        return np.stack([describe(self._motion(p)) for p in pairs]), np.array(
            [p.emotion for p in pairs]
        )

    def _motion(self, pair: Any) -> Motion:
        corpus = self.corpus
        return corpus.listener(pair) if self.of == "listener" else corpus.speaker(pair).motion

    def predict(self, motions: Sequence[Motion]) -> NDArray[np.int64]:
        """(C,) index of the emotion that each motion shows."""
        return self.pipeline.predict(np.stack([describe(m) for m in motions]))

    def accuracy(self, split: str = "test") -> float:
        """Share of a split's real listeners whose emotion is read rightly."""
        x, y = self._clips(split)
        return float((self.pipeline.predict(x) == y).mean())


def controllability(
    corpus: Corpus,
    method: Answerer,
    classifier: EmotionClassifier,
    *,
    samples: int = 1,
    seed: int = 0,
    split: str = "test",
) -> dict[str, Any]:
    """Every test speaker is answered under every emotion, and the answers
    are classified.

    Args:
        method: answers. classifier: fitted.
        samples: answers to each speaker and emotion. seed: of the answers.

    Returns:
        accuracy: share of answers in which the classifier finds the emotion
            asked for. confusion: N rows (asked) of N shares (found).
        following: share found when the true listener's emotion was asked
            for, as in the tables.
    """
    pairs, n = usable(corpus, split), len(classifier.emotions)
    true = np.array([pair.emotion for pair in pairs])
    confusion, right = np.zeros((n, n)), 0
    for sample in range(samples):
        for asked, name in enumerate(classifier.emotions):
            stream = 1_000_003 * seed + 31 * sample + asked
            generator = torch.Generator().manual_seed(stream)
            told: list[str | None] = [name] * len(pairs)
            answers = generate(corpus, method, pairs, told, generator)
            found = classifier.predict(answers)
            confusion[asked] += np.bincount(found, minlength=n)
            right += int(((found == asked) & (true == asked)).sum())
    share = confusion / confusion.sum(1, keepdims=True)
    known = samples * int((true >= 0).sum())
    return {
        "accuracy": float(np.trace(confusion) / confusion.sum()),
        "confusion": share.round(4).tolist(),
        "following": right / known if known else None,
    }
