"""How much of a claim a measurement bears out (chapter "Results").

A claim is placed on a line from 0, nothing of it, to 1, all of it: a listener's nods after cues
from chance to people's, a distance from that of a stranger to that of another true answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Interval = Mapping[str, float]  # "value", "low", "high"
Verdict = Literal["holds", "in part", "too much", "does not hold", "cannot be told"]


def share(found: Interval, none: float, whole: float) -> dict[str, float]:
    """A value and its interval on the line from `none`, which becomes 0, to `whole`, 1.

    The two ends are taken as known; the interval is that of the value alone. Where less is better,
    `none` is the larger.
    """
    ends = sorted((found[name] - none) / (whole - none) for name in ("low", "high"))
    value = (found["value"] - none) / (whole - none)
    return {"value": value, "low": ends[0], "high": ends[1]}


def verdict(found: Interval, *, comparison: bool) -> Verdict:
    """What an interval on that line says.

    Args:
        found: of `share`.
        comparison: whether the claim is "more than", which any value above 0 bears out; otherwise
            it is "as much as", which needs an interval that reaches 1.
    """
    low, high = found["low"], found["high"]
    if comparison:
        return "holds" if low > 0 else "does not hold" if high < 0 else "cannot be told"
    if low > 1:
        return "too much"
    if low <= 0:
        return "cannot be told" if high >= 1 else "does not hold"
    return "holds" if high >= 1 else "in part"


def written(found: Interval | None) -> str:
    """A value with its interval in words, such as "2.10 (1.90 to 2.31)"; a dash where there is
    none.
    """
    if found is None:
        return "–"
    value, low, high = (f"{found[name]:.2f}".replace("-", "−") for name in ("value", "low", "high"))
    return value if low == high else f"{value} ({low} to {high})"
