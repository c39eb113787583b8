"""What features can tell, with intervals and controls (chapter "The emotion space")."""

# B clip, F feature, H head, V category, N label, R recording, P permutation
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Found = dict[str, float]  # "value", and "low" and "high" of its 95 % interval
LEVEL = (2.5, 97.5)  # percentiles


def over_people(values: NDArray[Any], people: NDArray[Any], *, draws: int = 500) -> Found:
    """The mean of one value a clip, with the percentile interval of a bootstrap over people: two
    clips of one person say little more than one.

    Args:
        values: (B,). people: (B,) whose clip it is. draws: of the bootstrap.
    """
    _, index = np.unique(people, return_inverse=True)
    count = np.bincount(index)
    total = np.bincount(index, values)
    chosen = np.random.default_rng(0).integers(0, len(count), (draws, len(count)))
    low, high = np.percentile(total[chosen].sum(1) / count[chosen].sum(1), LEVEL)
    return {"value": float(np.mean(values)), "low": float(low), "high": float(high)}


def balanced(labels: Ints, said: Ints, people: NDArray[Any], *, draws: int = 500) -> Found:
    """Accuracy balanced over the labels, in [0, 1], with the percentile interval of a bootstrap
    over people.

    Args:
        labels, said: (B,) the truth and the answers. people: (B,).
    """
    _, index = np.unique(people, return_inverse=True)
    classes = len(set(labels.tolist()))
    right, count = (np.zeros((index.max() + 1, classes)) for _ in range(2))
    _, of_label = np.unique(labels, return_inverse=True)
    np.add.at(count, (index, of_label), 1)
    np.add.at(right, (index, of_label), labels == said)
    rows = np.random.default_rng(0).integers(0, len(count), (draws, len(count)))
    seen = count[rows].sum(1)
    # a draw without a label says nothing about it
    share = np.where(seen > 0, right[rows].sum(1) / np.maximum(seen, 1), np.nan)
    low, high = np.percentile(np.nanmean(share, 1), LEVEL)
    value = np.mean(right.sum(0) / count.sum(0))
    return {"value": float(value), "low": float(low), "high": float(high)}


def linear_probe(
    features: NDArray[np.floating[Any]],
    labels: Ints,
    people: NDArray[Any],
    *,
    size: int = 50,
) -> Ints:
    """What a logistic regression on the first principal components says of
    people whom it has not seen.

    Args:
        features: (B, F). labels: (B,).
        people: (B,); nobody is both in training and in test.
        size: components at most.

    Returns:
        (B,) the label said of each clip, cross-validated over people in
        five folds.
    """
    from sklearn import model_selection
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    folds = model_selection.StratifiedGroupKFold(
        min(5, len(set(people))), shuffle=True, random_state=0
    )
    size = min(size, features.shape[1], len(features) // 2)
    probe = make_pipeline(
        PCA(size, whiten=True, svd_solver="randomized", random_state=0),
        LogisticRegression(C=0.1, class_weight="balanced", max_iter=500),
    )
    predict = model_selection.cross_val_predict
    said = predict(probe, features, labels, groups=people, cv=folds)
    return np.asarray(said)


def recognised(
    real: NDArray[np.floating[Any]],
    labels: Ints,
    generated: NDArray[np.floating[Any]],
    *,
    neighbours: int = 5,
) -> Ints:
    """What emotion real listeners see in generated ones: the vote of the
    nearest real clips.

    Args:
        real: (B, F) features of real motion, the voters.
        labels: (B,) what they were.
        generated: (C, F) features of generated motion.

    Returns:
        (C,) the label that each vote says; compare it with what was asked.
    """
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(real)
    vote = KNeighborsClassifier(neighbours)
    vote.fit(scale.transform(real), labels)
    return np.asarray(vote.predict(scale.transform(generated)))


def information(counts: NDArray[Any], labels: Ints) -> NDArray[np.float64]:
    """Mutual information of each head's category and the label, in bits: (R, H, V) counts of
    recordings and their labels (R,) -> (H,).

    The plug-in estimate is never 0 by chance: compare it with `shuffled`.
    """
    joint = np.stack([counts[labels == n].sum(0) for n in np.unique(labels)])  # (N, H, V)
    joint = joint / joint.sum((0, 2), keepdims=True)
    alone = joint.sum(2, keepdims=True) * joint.sum(0, keepdims=True)
    ratio = np.divide(joint, alone, out=np.ones_like(joint), where=joint > 0)
    return np.asarray((joint * np.log2(ratio)).sum((0, 2)))


def shuffled(
    counts: NDArray[Any], labels: Ints, *, permutations: int = 200, seed: int = 0
) -> NDArray[np.float64]:
    """`information` where labels are permuted over the recordings: (P, H), what chance gives.

    Whole recordings, since frames of one are no independent witnesses.
    """
    rng = np.random.default_rng(seed)
    return np.stack([information(counts, rng.permutation(labels)) for _ in range(permutations)])


def counted(codes: Ints, recordings: NDArray[Any], size: int) -> NDArray[np.float64]:
    """How often each head takes each value in each recording: (B, T, H) integers in [0, size) ->
    (R, H, size), recordings in sorted order.
    """
    _, index = np.unique(recordings, return_inverse=True)
    heads = codes.shape[2]
    out = np.zeros((index.max() + 1, heads, size))
    np.add.at(out, (index[:, None, None], np.arange(heads)[None, None], codes), 1)
    return out


def labels_of(recordings: NDArray[Any], labels: Ints) -> Ints:
    """(R,) the label of each recording, in sorted order."""
    _, first = np.unique(recordings, return_index=True)
    return labels[first]
