"""What each metric is called, which way is better, and whose formula it is (chapter "Metrics")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["lower", "higher", "match"]
ARROWS: dict[Direction, str] = {"lower": "↓", "higher": "↑", "match": "→GT"}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric's declaration.

    Attributes:
        name: key in the dictionary that `evaluate` returns, after "facial_", "head_" or "all_" where it is per part.
        title: heading in tables.
        direction: "lower", "higher", or "match" (closest to the ground truth's own value is best).
        convention: whose formula, in words short enough for a caption.
        parts: whether it is measured per part of the coefficients.
    """

    name: str
    title: str
    direction: Direction
    convention: str
    parts: bool = True

    @property
    def heading(self) -> str:
        """Title with the arrow of its direction, e.g. "FD ↓"."""
        return f"{self.title} {ARROWS[self.direction]}"

    def badness(self, value: float, gt: float | None = None) -> float:
        """A number that is smaller for a better value; `gt` is the ground truth's own value, needed for "match"."""
        if self.direction == "match":
            if gt is None:
                raise ValueError(f"{self.name} is judged against the ground truth's value: pass gt")
            return abs(value - gt)
        return value if self.direction == "lower" else -value


_ALL = (
    Metric(name="fd", title="FD", direction="lower", convention="squared Fréchet distance per clip, mean over clips"),
    Metric(name="fd_pooled", title="FD pooled", direction="lower", convention="squared Fréchet distance of all frames at once"),
    Metric(name="pfd", title="P-FD", direction="lower", convention="FD of speaker and listener side by side"),
    Metric(name="l1", title="L1 (RLHG's FD)", direction="lower", convention="mean absolute difference"),
    Metric(name="mse", title="MSE", direction="lower", convention="mean squared difference"),
    Metric(name="vd", title="V-D", direction="match", convention="variance over time, mean over coefficients and clips"),
    Metric(name="sid", title="SI-D", direction="match", convention="entropy in bits over k-means of the ground truth, k=40 or 20"),
    Metric(name="rpcc", title="RPCC", direction="lower", convention="difference of mean per-coefficient correlations"),
    Metric(name="wtlcc", title="WTLCC", direction="match", convention="peak of the mean correlogram, windows of 4 s, lags of ±2 s"),
    Metric(name="sts", title="STS", direction="lower", convention="√(Σ(Δx-Δy)²/δt) over the whole corpus, δt = 1/25 s"),
    Metric(name="sts_frame", title="STS per frame", direction="lower", convention="STS divided by √(number of steps)"),
    Metric(
        name="blink_wtlcc",
        title="blink WTLCC",
        direction="higher",
        parts=False,
        convention="peak of the mean correlogram of real and generated blinks, windows of 4 s, lags of ±2 s",
    ),
    Metric(name="blink_rate", title="blinks per minute", direction="match", parts=False, convention="starts of blinks"),
    Metric(name="frcorr", title="FRCorr", direction="higher", convention="REACT", parts=False),
    Metric(name="frdist", title="FRDist", direction="lower", convention="REACT", parts=False),
    Metric(name="frdiv", title="FRDiv", direction="higher", convention="REACT", parts=False),
    Metric(name="frdvs", title="FRDvs", direction="higher", convention="REACT", parts=False),
    Metric(name="frvar", title="FRVar", direction="match", convention="REACT", parts=False),
    Metric(name="frsyn", title="FRSyn", direction="lower", convention="REACT", parts=False),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}


def metric_of(key: str) -> Metric:
    """The declaration behind a key such as "facial_fd"; raises KeyError for a key that is no metric's."""
    return METRICS[key if key in METRICS else key.split("_", 1)[1]]
