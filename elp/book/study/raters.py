"""Raters who do not exist, with a known truth: to test the analysis and to plan a study (chapter
"Your own study").
"""

# R rater, C speaker, M method, Q question
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from elp.book.study.answers import Row
from elp.book.study.design import CHECK, PREFER, SCALE, Study, Trial
from elp.errors import ElpError


@dataclass(frozen=True, kw_only=True)
class Truth:
    """How simulated raters answer.

    A rater feels y = μ_m + (rater) + (speaker) + (rater x method) + (speaker x method) + noise,
    independent normal terms, and says the nearest of 1 to 5.

    Attributes:
        scores: method -> expected answer over all raters and speakers, above 1 and below 5; the
            same for every question. It fixes μ_m.
        strengths: method -> log-strength of Bradley and Terry in a pair; by default all 0.
        first: log-odds for the first of two equal videos.
        rater, speaker, rater_method, speaker_method, noise: standard deviations of the terms, in
            points. Noise is drawn for each question, the others for all questions together.
    """

    scores: Mapping[str, float]
    strengths: Mapping[str, float] = field(default_factory=dict)
    first: float = 0.0
    rater: float = 0.5
    speaker: float = 0.3
    rater_method: float = 0.3
    speaker_method: float = 0.3
    noise: float = 0.8

    @property
    def spread(self) -> float:
        """Standard deviation of all terms together."""
        terms = (self.rater, self.speaker, self.rater_method, self.speaker_method, self.noise)
        return float(np.sqrt(np.square(terms).sum()))

    def draw(
        self, rng: np.random.Generator, raters: int, speakers: int, questions: int = 1
    ) -> NDArray[np.int64]:
        """(R, C, M, Q) answers from 1 to 5, methods in the order of `scores`."""
        size = (raters, speakers, len(self.scores), questions)
        y = np.array([latent(x, self.spread) for x in self.scores.values()])[:, None]
        y = y + self.rater * rng.standard_normal((raters, 1, 1, 1))
        y = y + self.speaker * rng.standard_normal((1, speakers, 1, 1))
        y = y + self.rater_method * rng.standard_normal((raters, 1, size[2], 1))
        y = y + self.speaker_method * rng.standard_normal((1, speakers, size[2], 1))
        y = y + self.noise * rng.standard_normal(size)
        return np.clip(np.rint(y), 1, len(SCALE)).astype(np.int64)


def expected(mean: float, spread: float) -> float:
    """Expected answer of a normal y, rounded and held between 1 and 5."""
    from scipy.special import ndtr

    steps = np.arange(1, len(SCALE)) + 0.5
    return 1 + float(ndtr((mean - steps) / spread).sum())


def latent(score: float, spread: float) -> float:
    """The mean of y that gives an expected answer; the inverse of `expected`."""
    from scipy.optimize import brentq

    if not 1 < score < len(SCALE):
        raise ElpError(f"an expected answer of {score}: give one between 1 and {len(SCALE)}")
    # 40 deviations beyond either end every answer is the same
    low, high = 1 - 40 * spread, len(SCALE) + 40 * spread
    return float(brentq(lambda mean: expected(mean, spread) - score, low, high))


def simulate(
    study: Study, truth: Truth, raters: int, *, careless: int = 0, seed: int = 0
) -> list[list[Row]]:
    """Answers of raters who do not exist, in the form of `elp.book.study.write`.

    Args:
        truth: its methods are those of the study.
        raters: how many; the last `careless` of them press any button.
        seed: of everything that is drawn; the raters' ids too.

    Returns:
        One list of rows for each rater.

    Raises:
        ElpError: the truth is not about the study's methods.
    """
    if set(truth.scores) != set(study.methods):
        raise ElpError(f"a truth about {list(truth.scores)}: give one of {list(study.methods)}")
    rng = np.random.default_rng(seed)
    felt = truth.draw(rng, raters, len(study.speakers), len(study.questions))
    found: list[list[Row]] = []
    for rater in range(raters):
        name = f"{int(rng.integers(2**32)):08x}"
        lines: list[Row] = []
        hand = None if rater >= raters - careless else _Hand(study, truth, felt[rater])
        for at, trial in enumerate(study.plan(rater), 1):
            seconds = round(float(rng.lognormal(2.5, 0.3)), 1)
            for question in trial.questions:
                best = 2 if question == PREFER else len(SCALE)
                answer = hand(trial, question, rng) if hand else int(rng.integers(1, best + 1))
                clips = (*trial.clips, "")[:2]
                lines.append((study.digest, name, rater, at, question, *clips, answer, seconds))
        found.append(lines)
    return found


@dataclass(frozen=True)
class _Hand:
    """A simulated rater who reads the questions; `felt` (C, M, Q) is what each clip earns."""

    study: Study
    truth: Truth
    felt: NDArray[np.int64]

    def __call__(self, trial: Trial, question: str, rng: np.random.Generator) -> int:
        """The answer to one question of a screen."""
        if question.startswith(CHECK):
            return int(question.removeprefix(CHECK))
        if question == PREFER:
            first, second = (self._strength(key) for key in trial.clips)
            return 1 if rng.random() < 1 / (1 + np.exp(second - first - self.truth.first)) else 2
        method, speaker = self.study.clips[trial.clips[0]]
        speakers, asked = self.study.speakers, list(self.study.questions)
        at = speakers.index(speaker), list(self.truth.scores).index(method), asked.index(question)
        return int(self.felt[at])

    def _strength(self, key: str) -> float:
        return self.truth.strengths.get(self.study.clips[key][0], 0.0)
