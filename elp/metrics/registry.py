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
        name: key in the dictionary that `evaluate` returns, after "facial_", "head_" or "all_"
            where it is per part.
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
        """A number that is smaller for a better value; `gt` is the ground truth's own value, needed
        for "match".
        """
        if self.direction == "match":
            if gt is None:
                raise ValueError(f"{self.name} is judged against the ground truth's value: pass gt")
            return abs(value - gt)
        return value if self.direction == "lower" else -value


_ALL = (
    Metric(
        name="fd",
        title="FD",
        direction="lower",
        convention="squared Fréchet distance per clip, mean over clips",
    ),
    Metric(
        name="fd_pooled",
        title="FD pooled",
        direction="lower",
        convention="squared Fréchet distance of all frames at once",
    ),
    Metric(
        name="pfd",
        title="P-FD",
        direction="lower",
        convention="FD of speaker and listener side by side",
    ),
    Metric(
        name="l1", title="L1 (RLHG's FD)", direction="lower", convention="mean absolute difference"
    ),
    Metric(name="mse", title="MSE", direction="lower", convention="mean squared difference"),
    Metric(
        name="vd",
        title="V-D",
        direction="match",
        convention="variance over time, mean over coefficients and clips",
    ),
    Metric(
        name="sid",
        title="SI-D",
        direction="match",
        convention="entropy in bits over k-means of the ground truth, k=40 or 20",
    ),
    Metric(
        name="rpcc",
        title="RPCC",
        direction="lower",
        convention="difference of mean per-coefficient correlations",
    ),
    Metric(
        name="wtlcc",
        title="WTLCC",
        direction="match",
        convention="peak of the mean correlogram, windows of 4 s, lags of ±2 s",
    ),
    Metric(
        name="wtlcc_lag",
        title="WTLCC's lag",
        direction="match",
        convention="frames by which the listener follows at WTLCC's peak",
    ),
    Metric(
        name="wtlcc_0",
        title="WTLCC at lag 0",
        direction="match",
        convention="the mean correlogram at lag 0",
    ),
    Metric(
        name="wtlcc_window_peak",
        title="WTLCC of windows",
        direction="match",
        convention="mean of the windows' own peaks; high by chance",
    ),
    Metric(
        name="gain",
        title="gain",
        direction="match",
        parts=False,
        convention="slope of a single movement on the speaker's own in the second before",
    ),
    Metric(
        name="sts",
        title="STS",
        direction="lower",
        convention="√(Σ(Δx-Δy)²/δt) over the whole corpus, δt = 1/25 s",
    ),
    Metric(
        name="sts_frame",
        title="STS per frame",
        direction="lower",
        convention="STS divided by √(number of steps)",
    ),
    Metric(
        name="blink_wtlcc",
        title="blink WTLCC",
        direction="higher",
        parts=False,
        convention="peak of the mean correlogram of real and generated blinks, windows of 4 s, lags of ±2 s",
    ),
    Metric(
        name="blink_wtlcc_lag",
        title="blink WTLCC's lag",
        direction="match",
        convention="frames at blink WTLCC's peak",
        parts=False,
    ),
    Metric(
        name="blink_wtlcc_0",
        title="blink WTLCC at lag 0",
        direction="higher",
        convention="mean correlogram of blinks at lag 0",
        parts=False,
    ),
    Metric(
        name="blink_wtlcc_window_peak",
        title="blink WTLCC of windows",
        direction="higher",
        parts=False,
        convention="mean of the windows' own peaks; high by chance",
    ),
    Metric(
        name="blink_rate",
        title="blinks per minute",
        direction="match",
        parts=False,
        convention="starts of blinks",
    ),
    Metric(name="frcorr", title="FRCorr", direction="higher", convention="REACT", parts=False),
    Metric(name="frdist", title="FRDist", direction="lower", convention="REACT", parts=False),
    Metric(name="frdiv", title="FRDiv", direction="higher", convention="REACT", parts=False),
    Metric(name="frdvs", title="FRDvs", direction="higher", convention="REACT", parts=False),
    Metric(name="frvar", title="FRVar", direction="match", convention="REACT", parts=False),
    Metric(name="frsyn", title="FRSyn", direction="lower", convention="REACT", parts=False),
)
_DIM = (
    Metric(
        name="fid",
        title="FID",
        direction="lower",
        convention="DIM: squared Fréchet distance per clip, mean over clips",
    ),
    Metric(
        name="pfid",
        title="P-FID",
        direction="lower",
        convention="DIM: FID of speaker and listener side by side",
    ),
    Metric(name="mse", title="MSE", direction="lower", convention="DIM: mean squared difference"),
    Metric(
        name="sid",
        title="SID",
        direction="match",
        convention="DIM: entropy in bits over k-means of all real frames, k=40 or 20",
    ),
    Metric(
        name="var",
        title="Var",
        direction="match",
        convention="DIM: variance of all values flattened",
    ),
    Metric(
        name="rpcc",
        title="rPCC",
        direction="lower",
        convention="DIM: difference of correlations of all values flattened",
    ),
    Metric(
        name="sts",
        title="STS",
        direction="lower",
        convention="DIM: √(Σ(Δx-Δy)²/0.1), all clips joined, not normalised",
    ),
)
_LM_LISTENER = (
    Metric(
        name="l2",
        title="L2",
        direction="lower",
        convention="lm-listener: mean squared difference per clip",
        parts=False,
    ),
    Metric(
        name="fid",
        title="FID",
        direction="lower",
        convention="lm-listener: squared Fréchet distance per clip",
        parts=False,
    ),
    Metric(
        name="fid2",
        title="paired FID",
        direction="lower",
        convention="lm-listener: FID of speaker and listener side by side",
        parts=False,
    ),
    Metric(
        name="var",
        title="Var",
        direction="match",
        convention="lm-listener: variance over time",
        parts=False,
    ),
    Metric(
        name="pearson",
        title="Pearson",
        direction="higher",
        convention="lm-listener: |mean correlation| with the real listener",
        parts=False,
    ),
)
_RLHG = tuple(
    Metric(
        name=f"fd_{part}",
        title=f"FD {part}",
        direction="lower",
        convention="RLHG: mean absolute difference, not Fréchet's",
        parts=False,
    )
    for part in ("expression", "rotation", "translation")
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}


# names that other conventions use, often for other formulas
OTHERS = {"dim": _DIM, "lm-listener": _LM_LISTENER, "rlhg": _RLHG, "react": ()}


def metric_of(key: str, convention: str = "elp") -> Metric:
    """The declaration behind a key of `evaluate`, such as "facial_fd", "head_vd_gt" or (convention
    "dim") "rpcc pose".

    Raises:
        KeyError: a key that is no metric's.
    """
    known = METRICS | {metric.name: metric for metric in OTHERS.get(convention, ())}
    plain = key.removesuffix("_gt")
    tries = (plain, plain.split("_", 1)[-1], plain.replace(" ", "_").rsplit("_", 1)[0])
    return known[next((name for name in tries if name in known), key)]
