"""A method's answers are measured, clip by clip (chapter "Results")."""

# C clip, T frame, D coefficient
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elp import metrics
from elp.corpus.format import Corpus
from elp.evaluation.answers import Answerer, generate, labels, seen_frames, usable
from elp.media.prosody import contour
from elp.metrics.clips import Clips, aligned, as_clips, unseen_alike
from elp.metrics.events import Cues, cued, find_cues, head_and_lids
from elp.motion import POSE, PROSODY, Motion

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
    answers = []
    for sample in range(samples):
        generator = torch.Generator().manual_seed(1_000_003 * seed + sample)
        answers.append(generate(corpus, method, scene.pairs, told, generator))
    rows = [scene.measure(given) for given in answers]
    shared = scene.measure_together(answers)
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]} | {
        name: np.repeat(terms[None], samples, 0) for name, terms in shared.items()
    }


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


def heard_cues(corpus: Corpus, pairs: Sequence[Any]) -> list[Cues] | None:
    """Cues that the sound of each pair's speaker tells; None for a corpus without sound."""
    if corpus.prosody is None:
        return None
    rows = [corpus.speaker(pair).voice() for pair in pairs]
    if not any((row[:, PROSODY.index("voiced")] > 0).any() for row in rows):
        return None
    return [find_cues(contour(row)) for row in rows]


def known_cues(corpus: Corpus, pairs: Sequence[Any]) -> list[Cues] | None:
    """Cues that each simulated speaker gave; None for a corpus that this simulator did not make."""
    from elp.simulator.truth import knows, true_cues

    return [true_cues(corpus, pair) for pair in pairs] if knows(corpus) else None


class Scene:
    """The true clips of a split, prepared once: speakers, listeners, and what metrics find that
    does not depend on a method.

    Attributes:
        corpus: of the pairs. pairs: rows of `corpus.pairs`. valid: per pair the (T,) frames in
            which both are seen.
        cases: "facial", "head", "nod", "smile", "blink", "rotation", and "heard" and "known" cues,
            as far as the corpus has them, answered by the real listeners.
    """

    def __init__(self, corpus: Corpus, pairs: Sequence[Any]) -> None:
        self.corpus, self.pairs, self.units = corpus, pairs, corpus.units
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
        for part in (*self.movements, "blink", "rotation"):
            s, g = (as_clips(part, clips[part]) for clips in (heard, true))
            self.cases[part] = metrics.Case(speaker=s, gt=g, pred=g, valid=self.valid)
        answers = head_and_lids(true["nod"], true["blink"])
        for part, cues in (
            ("heard", heard_cues(corpus, pairs)),
            ("known", known_cues(corpus, pairs)),
        ):
            if cues is not None:
                self.cases[part] = cued(cues, heard["blink"], answers, valid=self.valid)

    def _columns(self, motions: Sequence[Motion]) -> dict[str, list[Array]]:
        """What each case sees of the motions, (T, D) each."""
        cut = [parts(m, self.units) for m in motions]
        found = {part: [x[part] for x in cut] for part in ("facial", "head")}
        found |= {name: [move(m) for m in motions] for name, move in self.movements.items()}
        found |= {"blink": [m.blink.astype(np.float64)[:, None] for m in motions]}
        return found | {"rotation": [m.pose[:, : POSE // 2].astype(np.float64) for m in motions]}

    def answered(self, answers: Sequence[Motion]) -> dict[str, metrics.Case]:
        """The cases with a method's answers to the pairs."""
        columns = self._columns(answers)
        if self.cases.keys() & {"heard", "known"}:
            both = head_and_lids(columns["nod"], columns["blink"])
            columns |= {"heard": both, "known": both}
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

    def measure_together(self, answers: Sequence[Sequence[Motion]]) -> Stats:
        """Terms of the metrics that compare several answers to each speaker: key -> (C, ...).

        Args:
            answers: K samples, each an answer to every pair.
        """
        columns = [self._columns(given) for given in answers]
        found = {}
        for part in ("facial", "head", "smile"):
            if part not in self.cases:
                continue
            seeds = [as_clips(f"{part} answers", given[part], self.valid) for given in columns]
            samples = [Clips(clip) for clip in zip(*seeds, strict=True)]
            found[f"{part} answers"] = replace(self.cases[part], samples=samples, of_answer={})
        return {
            metric.named(part): np.asarray(case.once(metric.terms), np.float64)
            for part, case in found.items()
            for metric in metrics.TABLED
            if part in metric.over
        }
