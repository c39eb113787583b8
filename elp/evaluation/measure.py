"""A method's answers are measured, clip by clip (chapter "Results")."""

# C clip, T frame, D coefficient
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elp import metrics
from elp.corpus.format import Corpus
from elp.evaluation.answers import Answerer, generate, labels, seen_frames, usable
from elp.metrics.clips import Clips, aligned, as_clips, unseen_alike
from elp.motion import POSE, Motion

# cm from the head's centre to the face: turns rotations (rad) into the centimetres that a face
# point moves
LEVER = 10.0
Array = NDArray[np.float64]
Stats = dict[str, Array]  # key of a metric -> (samples, C, ...), its terms


def measure(
    corpus: Corpus,
    method: Answerer,
    *,
    samples: int = 3,
    seed: int = 0,
    split: str = "test",
    infer: bool = False,
    scene: Scene | None = None,
) -> Stats:
    """Terms of each clip, from which every metric, and its resampled intervals, follow.

    Args:
        method: answers with motion. samples: independent answers to each speaker. seed: of the
            answers.
        infer: do not tell the method the listener's emotion.
        scene: the split's true clips, where they are prepared already.

    Returns:
        key -> (samples, C, ...) float64, the `terms` of every metric of `elp.metrics.TABLED`.
    """
    scene = scene or Scene(corpus, usable(corpus, split))
    told = [None] * len(scene.pairs) if infer else labels(corpus, scene.pairs)
    rows = []
    for sample in range(samples):
        generator = torch.Generator().manual_seed(1_000_003 * seed + sample)
        rows.append(scene.measure(generate(corpus, method, scene.pairs, told, generator)))
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def parts(motion: Motion, units: NDArray[np.floating[Any]] | float = 1.0) -> dict[str, Array]:
    """What is measured: "facial" (T, Dβ), the coefficients, and "head" (T, 6), in cm, rotations at
    the end of a lever of 10 cm.

    Args:
        units: of the coefficients, `Corpus.units`.
    """
    lever = np.repeat([LEVER, 1.0], POSE // 2)
    return {"facial": motion.beta.astype(np.float64) / units, "head": motion.pose * lever}


def movements(corpus: Corpus) -> dict[str, Callable[[Motion], Array]]:
    """Two movements in which people follow each other, alone, (T, 1) each: the mean over all
    coefficients drowns them.
    """
    from elp.face.model import FaceModel

    def mean_of(columns: list[int]) -> Callable[[Motion], Array]:
        return lambda motion: motion.beta[:, columns].mean(1, keepdims=True).astype(np.float64)

    found: dict[str, Callable[[Motion], Array]] = {
        "nod": lambda motion: motion.pose[:, :1].astype(np.float64)
    }
    model, names = FaceModel.default(), corpus.card.get("beta_names", [])
    if "AU12" in names:  # the lip corner puller
        found["smile"] = mean_of([names.index("AU12")])
    elif len(model.names) <= corpus.beta.shape[1] == len(model.expression):
        found["smile"] = mean_of([model.index("smile_l"), model.index("smile_r")])
    return found


class Scene:
    """The true clips of a split, prepared once: speakers, listeners, and what metrics find that
    does not depend on a method.

    Attributes:
        pairs: rows of `corpus.pairs`. valid: per pair the (T,) frames in which both are seen.
        cases: "facial", "head", "nod", "smile", "blink", answered by the real listeners.
    """

    def __init__(self, corpus: Corpus, pairs: Sequence[Any]) -> None:
        self.pairs, self.units = pairs, corpus.units
        self.valid = [seen_frames(corpus, pair) for pair in pairs]
        self.movements = movements(corpus)
        speakers = [corpus.speaker(pair).motion for pair in pairs]
        listeners = [corpus.listener(pair) for pair in pairs]
        heard, true = self._columns(speakers), self._columns(listeners)
        clusters = {"facial": metrics.EXPRESSION_CLUSTERS, "head": metrics.POSE_CLUSTERS}
        self.cases = {}
        for part, k in clusters.items():
            s, g = aligned(self.valid, same_width=False, speaker=heard[part], gt=true[part])
            self.cases[part] = metrics.Case(
                speaker=s, gt=g, pred=g, clusters=k, fitted=metrics.FITTED
            )
        for part in (*self.movements, "blink"):
            s, g = (as_clips(part, clips[part]) for clips in (heard, true))
            self.cases[part] = metrics.Case(speaker=s, gt=g, pred=g, valid=self.valid)

    def _columns(self, motions: Sequence[Motion]) -> dict[str, list[Array]]:
        """What each case sees of the motions, (T, D) each."""
        cut = [parts(m, self.units) for m in motions]
        found = {part: [x[part] for x in cut] for part in ("facial", "head")}
        found |= {name: [move(m) for m in motions] for name, move in self.movements.items()}
        return found | {"blink": [m.blink.astype(np.float64)[:, None] for m in motions]}

    def answered(self, answers: Sequence[Motion]) -> dict[str, metrics.Case]:
        """The cases with a method's answers to the pairs."""
        columns = self._columns(answers)
        return {
            part: case.answered(self._checked(case, part, columns[part]))
            for part, case in self.cases.items()
        }

    @staticmethod
    def _checked(case: metrics.Case, part: str, answers: list[Array]) -> Clips:
        if case.valid is not None:
            return as_clips(part, answers)
        return unseen_alike(case.gt, f"{part} answers", answers)

    def measure(self, answers: Sequence[Motion]) -> Stats:
        """Every tabled metric's terms of one answer to each pair: key -> (C, ...)."""
        cases = self.answered(answers)
        return {
            metric.named(part): np.asarray(cases[part].once(metric.terms), np.float64)
            for metric in metrics.TABLED
            for part in metric.over
            if part in cases
        }
