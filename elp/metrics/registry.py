"""The list of all metrics. A new one is a file like `gain.py`, and its name here (chapter
"Metrics").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from elp.metrics.absolute import METRICS as ABSOLUTE
from elp.metrics.blinks import METRICS as BLINKS
from elp.metrics.correlation import METRICS as CORRELATION
from elp.metrics.entropy import METRICS as ENTROPY
from elp.metrics.events.blinks import METRICS as EVENT_BLINKS
from elp.metrics.events.explained import METRICS as EXPLAINED
from elp.metrics.events.lids import METRICS as LIDS
from elp.metrics.events.nods import METRICS as NODS
from elp.metrics.events.smiles import METRICS as SMILES
from elp.metrics.events.spectra import METRICS as SPECTRA
from elp.metrics.frechet import METRICS as FRECHET
from elp.metrics.gain import METRICS as GAIN
from elp.metrics.metric import Case, Metric
from elp.metrics.react import METRICS as REACT
from elp.metrics.squared import METRICS as SQUARED
from elp.metrics.sts import METRICS as STS
from elp.metrics.variance import METRICS as VARIANCE
from elp.metrics.wtlcc import METRICS as WTLCC

# sources without names in common, of which result files are made
OWN = ("elp", "react")
# of the others, in the order in which their code prints them
PRINTED = {
    "dim": ("fid", "pfid", "mse", "sid", "var", "rpcc", "sts"),
    "lm-listener": ("l2", "fid", "fid2", "var", "pearson"),
    "rlhg": ("fd_expression", "fd_rotation", "fd_translation"),
}
_EVERY: tuple[Metric, ...] = (
    *FRECHET,
    *ABSOLUTE,
    *SQUARED,
    *VARIANCE,
    *ENTROPY,
    *CORRELATION,
    *WTLCC,
    *GAIN,
    *STS,
    *BLINKS,
    *REACT,
    *NODS,
    *EVENT_BLINKS,
    *LIDS,
    *SMILES,
    *SPECTRA,
    *EXPLAINED,
)

METRICS: dict[str, Metric] = {m.name: m for m in _EVERY if m.source in OWN}
# names that other conventions use, often for other formulas
OTHERS: dict[str, tuple[Metric, ...]] = {
    source: tuple(m for name in names for m in _EVERY if (m.source, m.name) == (source, name))
    for source, names in PRINTED.items()
}
TABLED = tuple(m for m in METRICS.values() if m.tabled)


def measured(cases: Mapping[str, Case], metrics: Iterable[Metric]) -> dict[str, float]:
    """Each metric's value on each of the cases that it is measured on, by its key."""
    found: dict[str, float] = {}
    chosen = list(metrics)
    for part, case in cases.items():
        for metric in (m for m in chosen if part in m.over):
            found[metric.named(part)] = metric.of(case)
            if metric.own:
                found[f"{metric.named(part)}_gt"] = metric.of(case.truth)
    return found


def added(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The "all_..." of every metric: face and head added, as the paper's Table 2 does. All
    coefficients side by side, "joint_...", are another thing.
    """
    found: dict[str, Any] = {}
    for metric in METRICS.values():
        if metric.added and {"facial", "head"} <= set(metric.over):
            for end in ("", "_gt"):
                face, head, both = (metric.named(p) + end for p in ("facial", "head", "all"))
                if face in scores and head in scores:
                    found[both] = scores[face] + scores[head]
    return found


def metric_of(key: str, convention: str = "elp") -> Metric:
    """The declaration behind a key of `evaluate`, such as "facial_fd", "head_vd_gt" or (convention
    "dim") "rpcc pose".

    Raises:
        KeyError: a key that is no metric's.
    """
    plain = key.removesuffix("_gt")
    for metric in (*OTHERS.get(convention, ()), *METRICS.values()):
        parts = {*metric.over, "all"} if metric.added else metric.over
        if plain == metric.name or any(plain == metric.named(part) for part in parts):
            return metric
    raise KeyError(key)
