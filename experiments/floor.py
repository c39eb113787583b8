"""How near to the true listener a method can come that is not told who listens: people who answer
again, and best constant answers (chapter "Results").

    python experiments/floor.py -o book/results/floor.json

The Fréchet distance sees of a clip its mean and its covariance only, so every answer is a Gaussian
to it, and among answers that do not depend on what is unknown none has a smaller expected distance
than the barycentre of the possible truths.
"""

# C clip, B bootstrap draw, D coefficient
from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elp.corpus import Corpus
from elp.evaluation.answers import Bound, seen_frames, usable
from elp.evaluation.bootstrap import interval
from elp.evaluation.bounds import Oracle, UnseenListener
from elp.evaluation.evaluate import corpus_card
from elp.evaluation.measure import parts
from elp.evaluation.units import Units, units
from elp.metrics import Gaussian, barycentre, gaussian_terms
from elp.motion import Motion
from elp.records import run_card, write_json
from elp.simulator import simulate

TERMS = ("fd", "mean_term", "covariance_term")
Fitted = dict[str, Gaussian]  # "facial", "head"
Values = dict[str, NDArray[np.float64]]  # part -> (C, 2), the two terms of each clip's distance


def floors(
    corpus: Corpus, *, answers: int = 24, bootstrap: int = 1000, seed: int = 0, split: str = "test"
) -> dict[str, Any]:
    """Fréchet distances per clip, split into their two terms, of answers that know more or less.

    Args:
        corpus: a simulated one.
        answers: of each kind to each speaker. bootstrap: draws of listeners. seed: of the answers
            and the draws. split: measured on.

    Returns:
        {row: {part: {"fd" | "mean_term" | "covariance_term": {value, low, high}, "over_oracle":
            {value, low, high}}}}; the rows
        "oracle" and "another listener" are the simulator's single answers, the others best constant
            answers under what they know.

    Raises:
        ElpError: not a simulated corpus, or no usable pair.
    """
    pairs = usable(corpus, split)
    truth = [_fit(corpus.listener(pair), seen_frames(corpus, pair)) for pair in pairs]
    same, other = (
        _answers(corpus, pairs, bound, answers, seed) for bound in (Oracle(), UnseenListener())
    )
    found = {
        "oracle": _mean_distance(truth, same),
        "another listener": _mean_distance(truth, other),
        "knows speaker, emotion and listener": _distance(truth, [_centre(given) for given in same]),
        "knows speaker and emotion": _distance(truth, [_centre(given) for given in other]),
    } | _constant(corpus, pairs, truth)
    return _summary(found, units(pairs), bootstrap, seed)


def _fit(motion: Motion, seen: NDArray[np.bool_]) -> Fitted:
    return {part: Gaussian.of(x[seen]) for part, x in parts(motion).items()}


def _answers(
    corpus: Corpus, pairs: Sequence[Any], bound: Bound, count: int, seed: int
) -> list[list[Fitted]]:
    """Per pair `count` answers."""
    generator = torch.Generator().manual_seed(seed)
    return [
        [_fit(bound.answer(corpus, p, generator), seen_frames(corpus, p)) for _ in range(count)]
        for p in pairs
    ]


def _centre(fitted: Sequence[Fitted]) -> Fitted:
    return {part: barycentre([f[part] for f in fitted]) for part in fitted[0]}


def _constant(corpus: Corpus, pairs: Sequence[Any], truth: Sequence[Fitted]) -> dict[str, Values]:
    """Answers that do not look at the speaker: made of the training listeners, of each emotion or
    of all.
    """
    training = usable(corpus, "train")
    clips = [_fit(corpus.listener(p), seen_frames(corpus, p)) for p in training]
    rows = [
        {part: x[seen_frames(corpus, p)] for part, x in parts(corpus.listener(p)).items()}
        for p in training
    ]
    made: dict[int, dict[str, Fitted]] = {}
    for emotion in {int(p.emotion) for p in pairs}:
        chosen = [k for k, p in enumerate(training) if p.emotion == emotion]
        frames = {
            part: Gaussian.of(np.concatenate([rows[k][part] for k in chosen])) for part in rows[0]
        }
        made[emotion] = {
            "knows emotion": _centre([clips[k] for k in chosen]),
            "knows emotion, covariance of all frames": frames,
        }
    told = {
        name: _distance(truth, [made[int(p.emotion)][name] for p in pairs])
        for name in next(iter(made.values()))
    }
    return told | {"knows nothing": _distance(truth, [_centre(clips)] * len(pairs))}


def _distance(truth: Sequence[Fitted], answers: Sequence[Fitted]) -> Values:
    each = zip(truth, answers, strict=True)
    terms = [{part: gaussian_terms(gt[part], answer[part]) for part in gt} for gt, answer in each]
    return {part: np.array([t[part] for t in terms]) for part in truth[0]}


def _mean_distance(truth: Sequence[Fitted], answers: Sequence[Sequence[Fitted]]) -> Values:
    """Over several answers to each."""
    rounds = [_distance(truth, given) for given in zip(*answers, strict=True)]
    return {part: np.mean([r[part] for r in rounds], 0) for part in truth[0]}


def _summary(found: dict[str, Values], over: Units, bootstrap: int, seed: int) -> dict[str, Any]:
    """Means over clips with their intervals; all rows share the draws, which are those of the
    tables.
    """
    weights = over.weights(np.random.default_rng(seed), bootstrap)
    weights /= weights.sum(1, keepdims=True)
    out: dict[str, Any] = {}
    for row, values in found.items():
        for part, terms in values.items():
            draws = np.column_stack([terms.sum(1), terms])
            cell = {
                name: interval(weights @ x, over.count)
                for name, x in zip(TERMS, draws.T, strict=True)
            }
            oracle = weights @ found["oracle"][part].sum(1)
            out.setdefault(row, {})[part] = cell | {
                "over_oracle": interval(weights @ draws[:, 0] / oracle, over.count)
            }
    return out


def main() -> None:
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("-o", "--out", type=Path, default=Path("book/results/floor.json"))
    p.add_argument(
        "--corpus",
        type=Path,
        help="folder of a simulated corpus (default: the preset, made without sound; the motion is "
        "the same)",
    )
    p.add_argument("--preset", default="vico")
    p.add_argument("--answers", type=int, default=24, help="of each kind to each speaker")
    p.add_argument("--bootstrap", type=int, default=1000)
    a = p.parse_args()
    started = time.time()
    with tempfile.TemporaryDirectory() as scratch:
        corpus = (
            Corpus.open(a.corpus)
            if a.corpus
            else simulate(Path(scratch) / "corpus", a.preset, 0, audio=False)
        )
        found = floors(corpus, answers=a.answers, bootstrap=a.bootstrap)
        card = run_card(
            seed=0,
            started=started,
            command=f"python experiments/floor.py --preset {a.preset} --answers {a.answers}",
        )
        write_json(
            a.out,
            card
            | corpus_card(corpus, "test")
            | {"answers": a.answers, "bootstrap": a.bootstrap, "rows": found},
        )
    for row, cells in found.items():
        terms = {part: [c[name]["value"] for name in TERMS] for part, c in cells.items()}
        print(
            f"{row:40s}",
            "   ".join(
                f"{part} {fd:6.3f} = {place:6.3f} + {manner:6.3f}"
                for part, (fd, place, manner) in terms.items()
            ),
        )


if __name__ == "__main__":
    main()
