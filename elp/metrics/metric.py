"""What a metric is: its declaration, and its formula as terms of single clips and a reducer
(chapter "Metrics").

The same reducer makes the plain value, of every clip once, and a bootstrap's, of clips drawn again.
"""

# C clip, B weighting of the clips
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np

from elp.metrics.clips import Clips, Doubles
from elp.motion import FPS

Direction = Literal["lower", "higher", "match"]
ARROWS: dict[Direction, str] = {"lower": "↓", "higher": "↑", "match": "→GT"}
Source = Literal["elp", "dim", "lm-listener", "rlhg", "react"]
PARTS = ("facial", "head", "joint")  # coefficients: the expression's, the pose's, all of them
WINDOW, MAX_LAG = 100, 50  # frames: 4 s (ELP, section 4.1) and 2 s (REACT; ELP gives none)
T = TypeVar("T")


@dataclass(kw_only=True, eq=False)
class Case:
    """What a metric is computed on: a speaker, the real and a generated listener, in some of the
    coefficients.

    Attributes:
        speaker, gt, pred: C clips (T_c, D) each, unseen frames NaN in all of them.
        valid: per clip a (T_c,) mask, where the clips do not show by NaN what was unseen.
        samples: several answers to each speaker instead of `pred` (REACT).
        parts: the cases whose columns, side by side, are this one's.
        clusters: K of SI-D. fitted: frames that its k-means is fitted on, all by default.
        fps: frames per second. window, max_lag: of WTLCC, frames. seed: of the k-means.
        of_truth: what formulas found that does not depend on `pred`; answers share it.
        of_answer: what they found that does.
    """

    speaker: Clips
    gt: Clips
    pred: Clips
    valid: Any = None
    samples: Sequence[Clips] = ()
    parts: tuple[Case, ...] = ()
    clusters: int = 0
    fitted: int | None = None
    fps: float = FPS
    window: int = WINDOW
    max_lag: int = MAX_LAG
    seed: int = 0
    of_truth: dict[Any, Any] = field(default_factory=dict, repr=False)
    of_answer: dict[Any, Any] = field(default_factory=dict, repr=False)

    def answered(self, pred: Clips) -> Case:
        """The same speakers and real listeners with other answers."""
        return replace(self, pred=pred, of_answer={})

    @cached_property
    def truth(self) -> Case:
        """The real listeners as the answer."""
        return replace(self, pred=self.gt, parts=tuple(p.truth for p in self.parts), of_answer={})

    def once(self, formula: Callable[[Case], T]) -> T:
        """What a formula finds, computed once for this answer: metrics may share their terms."""
        if formula not in self.of_answer:
            self.of_answer[formula] = formula(self)
        return self.of_answer[formula]

    def once_for_all(self, formula: Callable[[Case], T]) -> T:
        """What a formula of `speaker` and `gt` alone finds, computed once for all answers."""
        if formula not in self.of_truth:
            self.of_truth[formula] = formula(self)
        return self.of_truth[formula]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric: what it is called, which way is better, and how it is computed.

    Attributes:
        name: key in the dictionary that `evaluate` returns, after "facial_", "head_" or "joint_"
            where it is per part.
        title: heading in tables.
        direction: "lower", "higher", or "match" (closest to the ground truth's own value is best).
        unit: of the value, where "coefficient" is the unit that the motion comes in.
        convention: whose formula, in words short enough for a caption.
        source: whose formula, as `evaluate(convention=...)` names it.
        terms: what is found of each clip: (C, ...) or C arrays.
        reduce: (terms, (B, C) how often each clip counts) -> (B,) values; the first weighting
            counts every clip once.
        over: names of the cases it is measured on, "" for the one case of a convention without
            parts.
        key: of its value on one of several cases, a format of `part` and `name`.
        own: whether the real listener's own value is given too, as "..._gt".
        added: whether face and head may be added, as the paper's Table 2 does.
        tabled: whether result files give it, with its interval.
    """

    name: str
    title: str
    direction: Direction
    unit: str
    convention: str
    terms: Callable[[Case], Any]
    reduce: Callable[[Any, Doubles], Doubles]
    source: Source = "elp"
    over: tuple[str, ...] = PARTS
    key: str = "{part}_{name}"
    own: bool = False
    added: bool = True
    tabled: bool = False

    @property
    def heading(self) -> str:
        """Title with the arrow of its direction, e.g. "FD ↓"."""
        return f"{self.title} {ARROWS[self.direction]}"

    def named(self, part: str) -> str:
        """The key of its value on one case."""
        return self.key.format(part=part, name=self.name) if part else self.name

    def of(self, case: Case) -> float:
        """The plain value: every clip counts once."""
        return plain(self.reduce, case.once(self.terms))

    def badness(self, value: float, gt: float | None = None) -> float:
        """A number that is smaller for a better value; `gt` is the ground truth's own value, needed
        for "match".
        """
        if self.direction == "match":
            if gt is None:
                raise ValueError(f"{self.name} is judged against the ground truth's value: pass gt")
            return abs(value - gt)
        return value if self.direction == "lower" else -value


def plain(reduce: Callable[[Any, Doubles], Doubles], terms: Any) -> float:
    """What a reducer makes of the terms when every clip counts once."""
    return float(reduce(terms, np.ones((1, len(terms))))[0])


def over_clips(terms: Any, weights: Doubles) -> Doubles:
    """Reducer of (C,) values: their mean over the clips on which they are defined, else NaN."""
    x = np.asarray(terms, np.float64)
    there = np.isfinite(x)
    counted = weights * there
    return _quotient(counted @ np.where(there, x, 0.0), counted.sum(1))


def ratio(terms: Any, weights: Doubles) -> Doubles:
    """Reducer of (C, 2) sums: all clips' first over all clips' second; NaN where that is 0."""
    above, below = (weights @ np.asarray(terms, np.float64)).T
    return _quotient(above, below)


def mean_of_ratios(terms: Any, weights: Doubles) -> Doubles:
    """Reducer of (C, 2) sums: each clip's first over its second, averaged over the clips."""
    above, below = np.asarray(terms, np.float64).T
    return over_clips(_quotient(above, below), weights)


def drawn(terms: Sequence[Doubles], weighting: Doubles) -> list[Doubles]:
    """The clips' arrays, each as often as it counts, for formulas that no sum over clips gives."""
    return [x for x, count in zip(terms, weighting, strict=True) for _ in range(round(count))]


def _quotient(above: Doubles, below: Doubles) -> Doubles:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)
