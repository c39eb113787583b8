"""Who follows whom: what a line can tell of a listener, and where smiles begin (chapter
"Training").
"""

# T frame, D coefficient
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elp import metrics
from elp.corpus import Corpus
from elp.errors import ElpError
from elp.model.style import motion_style
from elp.motion import POSE, Motion

Floats = NDArray[np.float32]


def linear_baseline(
    corpus: Corpus,
    *,
    raw_motion: bool,
    lags: Sequence[int] = range(0, 50, 7),
    ridge: float = 1e5,
) -> dict[str, float]:
    """How well a line predicts the listener's smile and blinks from the
    speaker: a floor for every network.

    Ridge regression on the standardised input at several lags, by default
    of the last two seconds, fitted to the training split, clips' means
    taken out.

    Args:
        corpus: with "train" and "val" splits and the face model's β.
        raw_motion: whether the input is β and p themselves or the style of
            Eq 1 (without sound).
        lags: frames by which the speaker is earlier; below 0 later.
        ridge: weight of the squared slopes.

    Returns:
        "smile" and "blink": Pearson's r with what the real listener did,
            within clips, mean over the validation clips.

    Raises:
        ElpError: the corpus has no pair in one of the two splits.
    """
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    clips = _heard_and_shown(corpus, "train", raw_motion, lags)
    # neighbouring frames say the same
    x, y = (np.concatenate(side)[::2] for side in zip(*clips, strict=True))
    scale = StandardScaler(with_mean=False)
    line = make_pipeline(scale, Ridge(ridge, fit_intercept=False)).fit(x, y)
    asked = _heard_and_shown(corpus, "val", raw_motion, lags)
    answers = [(line.predict(x), y) for x, y in asked]
    found = {}
    for k, name in enumerate(("smile", "blink")):
        moving = [(p[:, k], y[:, k]) for p, y in answers if y[:, k].any()]
        r = [np.corrcoef(*pair)[0, 1] for pair in moving]
        found[name] = float(np.mean(r))
    return found


def _heard_and_shown(
    corpus: Corpus, split: str, raw_motion: bool, lags: Sequence[int]
) -> list[tuple[Floats, Floats]]:
    """Of each clip what `linear_baseline` sees (T, F) and predicts (T, 2), means taken out."""
    from elp.face.model import FaceModel

    smile = [FaceModel.default().index(name) for name in ("smile_l", "smile_r")]
    width = corpus.beta.shape[1]
    mean, std = (
        np.concatenate([np.asarray(corpus.stats[name][k], np.float32) for name in ("beta", "pose")])
        for k in (0, 1)
    )
    found = []
    for pair in corpus.pairs(split).itertuples():
        heard, own = corpus.speaker(pair).motion, corpus.listener(pair)
        x = (np.concatenate([heard.beta, heard.pose], 1) - mean) / np.maximum(std, 1e-6)
        if not raw_motion:
            x = motion_style(*torch.from_numpy(x).split([width, POSE], 1)).numpy()
        past = np.concatenate(
            [x[np.clip(np.arange(len(x)) - lag, 0, len(x) - 1)] for lag in lags], 1
        )
        y = np.column_stack([own.beta[:, smile].mean(1), own.blink]).astype(np.float32)
        found.append((past - past.mean(0), y - y.mean(0)))
    if not found:
        raise ElpError(
            f"{corpus.folder}: no pair in the {split} split: "
            "a line is fitted to train and asked about val"
        )
    return found


def onsets(
    x: NDArray[np.floating[Any]], rise: float, *, before: int = 25, after: int = 75
) -> list[int]:
    """Frames at which a signal begins to rise, the steepest first, each at least two seconds from
    the others.

    Args:
        x: (T,) e.g. a smile. rise: least growth within one second, of half-second means. before,
            after: frames that must be there around an onset.
    """
    level = np.convolve(x, np.full(12, 1 / 12), "same")
    growth = np.concatenate([np.zeros(25), level[25:] - level[:-25]])
    found: list[int] = []
    for end in np.argsort(-growth, kind="stable"):
        if growth[end] < rise:
            break
        if all(abs(end - 20 - other) > 50 for other in found):
            # the last second was the steepest: it began with it, half a mean's width aside
            found.append(int(end) - 20)
    return [t for t in found if before <= t <= len(x) - after]


def peak(speaker: Sequence[Floats], listener: Sequence[Floats]) -> float:
    """Height of the correlogram's peak, WTLCC, of clips (T,) or (T, D): the larger, the closer."""
    return metrics.wtlcc(speaker, listener).peak


def smile(motion: Motion) -> Floats:
    """(T,) the smile's course: mean of the two sides' coefficients, in the model's unit."""
    from elp.face.model import FaceModel

    face = FaceModel.default()
    return motion.beta[:, [face.index("smile_l"), face.index("smile_r")]].mean(1)
