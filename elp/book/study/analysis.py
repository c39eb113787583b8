"""From answers to scores with intervals over raters and speakers (chapter "Your own study").

Raters and speakers are both samples: another study would have asked other people about other
conversations. An estimate's covariance is therefore that of its sums over raters plus that of its
sums over speakers, less that of its single answers, which both contain (two-way clustering;
Cameron, Gelbach and Miller 2011); nothing is assumed about how large the effects are, and raters
may stop early. Student's t has one degree of freedom less than the scarcer of the two.
"""

# R rater, C speaker, M method, K estimate, N answer
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elp.book.study.design import CHECK
from elp.errors import ElpError
from elp.evaluation.bootstrap import LEVEL, holm

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Numbers = NDArray[np.integer[Any]]
PRIOR = 2.0  # standard deviation of log-strengths: keeps finite what wins every time
FEWEST = 3  # raters, and speakers, below which there is no interval worth the name


def attention(ratings: pd.DataFrame) -> pd.DataFrame:
    """How carefully each rater answered; by the table of `gather`.

    Returns:
        One row for each rater: screens (answered), checks (share of the questions that say which
        answer to give, answered so; 1 without any), agreement (share of repeated pairs of which
        the same video was chosen again; NaN without any), seconds (median of a screen), kept
        (all checks right).
    """
    import pandas as pd

    table = {}
    for rater, mine in ratings.groupby("rater", sort=False):
        checks = mine[mine["kind"] == "check"]
        asked = checks["question"].str.removeprefix(CHECK).astype(int)
        right = float((checks["answer"] == asked).mean()) if len(checks) else 1.0
        table[rater] = {
            "screens": mine["trial"].nunique(),
            "checks": right,
            "agreement": _agreement(mine[mine["kind"] == "pair"]),
            "seconds": mine.groupby("trial")["seconds"].first().median(),
            "kept": right == 1.0,
        }
    return pd.DataFrame(table).T.infer_objects().rename_axis("rater")


def _agreement(pairs: pd.DataFrame) -> float:
    """Share of repeated pairs with the same choice as before; NaN without any."""
    chosen = pairs["method"].where(pairs["answer"] == 1, pairs["other"])
    two = [frozenset(x) for x in zip(pairs["method"], pairs["other"], strict=True)]
    choice: dict[tuple[object, frozenset[str]], list[str]] = {}
    for speaker, names, winner in zip(pairs["speaker"], two, chosen, strict=True):
        choice.setdefault((speaker, names), []).append(winner)
    again = [len(set(winners)) == 1 for winners in choice.values() if len(winners) > 1]
    return float(np.mean(again)) if again else float("nan")


def attentive(ratings: pd.DataFrame) -> pd.DataFrame:
    """The answers of the raters whom `attention` keeps."""
    kept = attention(ratings)["kept"]
    return ratings[ratings["rater"].map(kept).astype(bool)]


def scores(ratings: pd.DataFrame, against: str | None = None) -> dict[str, Any]:
    """Mean answer of each method to each Likert question, with 95 % intervals
    over raters and speakers, and differences from the method `against`.

    Args:
        ratings: of `gather`.

    Returns:
        {"methods": {method: {question: {value, low, high}}}, "contrasts":
        {method: {question: {value, low, high, t, p, p_holm, separated}}}}: a
        contrast is `against` minus the method, corrected over the methods
        within a question; separated: p_holm < 0.05.

    Raises:
        ElpError: an unknown method, or fewer than 3 raters or speakers.
    """
    likert = ratings[ratings["kind"] == "likert"]
    names = sorted(set(likert["method"]))
    found = {}
    for question, mine in likert.groupby("question", sort=False):
        method = mine["method"].map(names.index).to_numpy()
        answer = mine["answer"].to_numpy(float)
        found[str(question)] = means(answer, method, *_crossed(mine))
    return _summary(found, names, against)


def means(answer: Array, method: Numbers, rater: Numbers, speaker: Numbers) -> Estimates:
    """Mean answer of each method; all arrays (N,), the numbers from 0."""
    one = np.eye(method.max() + 1)[method]
    mean = answer @ one / one.sum(0)
    return Estimates(mean, one * (answer - mean[method])[:, None] / one.sum(0), rater, speaker)


def strengths(ratings: pd.DataFrame, against: str | None = None) -> dict[str, Any]:
    """Log-strengths of Bradley and Terry from the pairs, repeats left out.

    P(i is chosen, shown first) = 1 / (1 + exp(-(θ_i - θ_j + first))), fitted as
    a logistic regression (scikit-learn); the θ add up to 0.

    Args, Returns, Raises: as `scores`, with one question, "strength", and
        "first": the log-odds for the video shown first, with its interval.
    """
    pairs = ratings[(ratings["kind"] == "pair") & ~ratings["repeat"]]
    names = sorted({*pairs["method"], *pairs["other"]})
    first, second = (pairs[c].map(names.index).to_numpy() for c in ("method", "other"))
    design = np.eye(len(names))[first] - np.eye(len(names))[second]
    found = _bradley_terry(design, pairs["answer"].to_numpy() == 1, *_crossed(pairs))
    summary = _summary({"strength": found}, names, against)
    return summary | {"first": found.interval(np.eye(len(names) + 1)[-1])}


def _bradley_terry(
    design: Array, chosen: NDArray[np.bool_], rater: Numbers, speaker: Numbers
) -> Estimates:
    """M log-strengths that add up to 0, and the log-odds for the first video.

    Args:
        design: (N, M) 1 for the first method of a pair, -1 for the second. chosen: the first.
    """
    from sklearn.linear_model import LogisticRegression

    if len(set(chosen)) < 2:
        raise ElpError("pairs: always the first, or never: more answers are needed")
    model = LogisticRegression(C=PRIOR**2, tol=1e-6).fit(design, chosen)
    count = design.shape[1]
    centre = np.eye(count + 1)  # takes the mean off the log-strengths
    centre[:count, :count] -= 1 / count
    rows = np.column_stack([design, np.ones(len(design))])
    chance = model.predict_proba(design)[:, 1]
    prior = np.diag([1.0] * count + [0.0]) / PRIOR**2
    curvature = (rows.T * (chance * (1 - chance))) @ rows + prior
    influence = rows * (chosen - chance)[:, None] @ np.linalg.inv(curvature)
    value = np.append(model.coef_[0], model.intercept_)
    return Estimates(centre @ value, influence @ centre, rater, speaker)


@dataclass(frozen=True)
class Estimates:
    """Numbers that were estimated from answers, and how far each answer moved them.

    Attributes:
        values: (K,). influence: (N, K), what an answer adds to the estimates' errors.
        rater, speaker: (N,) numbers from 0: who answered, about whom.
    """

    values: Array
    influence: Array
    rater: Numbers
    speaker: Numbers

    @property
    def freedom(self) -> int:
        """Degrees of freedom of t; raises ElpError for too few raters or speakers."""
        units = [_count(x) for x in (self.rater, self.speaker)]
        if min(units) < FEWEST:
            raise ElpError(
                f"{units[0]} raters, {units[1]} speakers: intervals need {FEWEST} of each"
            )
        return min(units) - 1

    def error(self, weights: Array) -> float:
        """Standard error of `weights` (K,) times the estimates, over raters
        and speakers.
        """
        moved = self.influence @ weights
        raters = _squares(moved, self.rater)
        speakers = _squares(moved, self.speaker)
        # what both contain: the answers of one rater about one speaker
        pairs = self.rater * (self.speaker.max() + 1) + self.speaker
        both = raters + speakers - _squares(moved, pairs)
        # by chance it may fall below one of its parts
        return float(np.sqrt(max(both, raters, speakers)))

    def interval(self, weights: Array) -> dict[str, float]:
        """value, low and high (95 %) of `weights` times the estimates."""
        from scipy.special import stdtrit

        value = float(weights @ self.values)
        margin = self.error(weights) * float(stdtrit(self.freedom, 1 - LEVEL / 2))
        return _rounded(value=value, low=value - margin, high=value + margin)

    def contrast(self, weights: Array) -> dict[str, float]:
        """`interval`, and the t-test of whether it differs from 0: t and p, two-sided."""
        from scipy.special import stdtr

        t = float(weights @ self.values) / max(self.error(weights), 1e-12)
        p = 2 * float(stdtr(self.freedom, -abs(t)))
        return self.interval(weights) | _rounded(t=t, p=p)


def _squares(moved: Array, group: Numbers) -> float:
    """Variance of the sum of `moved`, if only groups are independent."""
    total = np.square(np.bincount(group, moved)).sum()
    count = _count(group)
    return float(total * count / (count - 1))


def _count(group: Numbers) -> int:
    """How many different numbers from 0 there are."""
    return int(np.count_nonzero(np.bincount(group)))


def _crossed(table: pd.DataFrame) -> tuple[Numbers, Numbers]:
    """Numbers of the raters and of the speakers."""
    import pandas as pd

    return pd.factorize(table["rater"])[0], pd.factorize(table["speaker"])[0]


def _rounded(**values: float) -> dict[str, float]:
    return {name: float(f"{x:.5g}") for name, x in values.items()}


def _summary(
    found: Mapping[str, Estimates], names: Sequence[str], against: str | None
) -> dict[str, Any]:
    """Each method's intervals, and contrasts corrected over the methods."""
    if against is not None and against not in names:
        raise ElpError(f"no method {against!r} in the answers: choose one of {', '.join(names)}")
    table: dict[str, dict[str, Any]] = {name: {} for name in names}
    contrasts: dict[str, dict[str, Any]] = {m: {} for m in names if against not in (None, m)}
    for question, estimates in found.items():
        one = dict(zip(names, np.eye(len(estimates.values)), strict=False))
        for name in names:
            table[name][question] = estimates.interval(one[name])
        column = {m: estimates.contrast(one[str(against)] - one[m]) for m in contrasts}
        for m, p in holm({m: x["p"] for m, x in column.items()}).items():
            corrected = {"p_holm": float(f"{p:.3g}"), "separated": p < LEVEL}
            contrasts[m][question] = column[m] | corrected
    return {"methods": table, "contrasts": contrasts}
