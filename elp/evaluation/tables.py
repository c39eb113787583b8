"""Result files as tables in the shapes of the paper's Tables 1-3 (chapter "Results")."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elp.evaluation.methods import BOUNDS
from elp.metrics import metric_of
from elp.metrics.events.columns import CUED
from elp.metrics.events.explained import METRICS as EXPLAINED
from elp.metrics.events.lids import METRICS as LIDS
from elp.metrics.events.spectra import METRICS as SPECTRA

if TYPE_CHECKING:
    import pandas as pd

PART = {
    "facial": "facial ",
    "head": "head ",
    "nod": "nod ",
    "smile": "smile ",
    "known": "known cues: ",
}
EACH = ("fd", "vd", "sid", "rpcc", "wtlcc", "sts_frame")
TABLE1 = (*(f"{part}_{name}" for part in ("facial", "head") for name in EACH), "blink_wtlcc")
TABLE2 = (*(f"all_{name}" for name in EACH), "blink_wtlcc")  # Table 3's columns too
# does the listener answer cues, found in the sound and known to the simulator, and on people's time
# scales? Columns that a corpus without sound, or one that was not simulated, has not are left out
EVENTS = (
    *(f"{cues}_{name}" for cues in CUED for name in ("nods", "phrase_nods", "blinks")),
    *(f"{cues}_other_blinks" for cues in CUED),
    "smile_onsets",
    *(m.name for m in (*SPECTRA, *LIDS)),
    *(m.name for m in EXPLAINED),
)
# single movements, beside the means over all coefficients
SYNCHRONY = ("nod_wtlcc", "nod_gain", "smile_wtlcc", "smile_gain", "blink_wtlcc", "blink_rate")


def heading(key: str) -> str:
    """Column title of a result's metric, with the arrow of its declared direction."""
    part, _, _ = key.partition("_")
    return PART.get(part, "") + metric_of(key).heading


def table(
    result: Mapping[str, Any],
    columns: Sequence[str] = TABLE1,
    *,
    intervals: bool = True,
    methods: Sequence[str] | None = None,
) -> pd.DataFrame:
    """One row a method, one column a metric.

    Args:
        result: what `elp.evaluation.evaluate.evaluate` returned or a file of it. columns: metrics,
            e.g. TABLE1; those that no method has are left out.
        intervals: text with the 95 % interval below, as many decimals in all of a column, the best
            competitor in bold (HTML); otherwise plain numbers.
        methods: rows, in order; all by default.
    """
    import pandas as pd

    found = result["methods"]
    rows = [m for m in (methods or found) if m in found]
    columns = [c for c in columns if any(c in found[m] for m in rows)]
    values = {c: [found[m].get(c, {}).get("value", math.nan) for m in rows] for c in columns}
    if not intervals:
        return pd.DataFrame({heading(c): x for c, x in values.items()}, index=rows)
    winners = {c: best(result, c, rows) for c in columns}
    text = {}
    for c in columns:
        decimals = _decimals([x for x in values[c] if not math.isnan(x)])
        text[heading(c)] = [
            _cell(found[m][c], decimals, bold=m == winners[c]) if c in found[m] else "–"
            for m in rows
        ]
    return pd.DataFrame(text, index=rows)


def best(
    result: Mapping[str, Any], metric: str, methods: Sequence[str] | None = None
) -> str | None:
    """The competitor whose value is best in the metric's declared direction."""
    found = result["methods"]
    gt = found.get("GT", {}).get(metric, {}).get("value")
    declared = metric_of(metric)
    if declared.direction == "match" and gt is None:
        return None
    rivals = [m for m in (methods or found) if metric in found.get(m, {}) and m not in BOUNDS]
    return min(rivals, key=lambda m: declared.badness(found[m][metric]["value"], gt), default=None)


def _decimals(values: Sequence[float]) -> int:
    """Two, or as many as give a middling value of the column two digits that count."""
    sizes = [abs(x) for x in values if x]
    return max(2, 1 - math.floor(math.log10(statistics.median(sizes)))) if sizes else 2


def _cell(x: Mapping[str, float], decimals: int, *, bold: bool) -> str:
    value, low, high = (
        f"{round(x[name], decimals) + 0.0:.{decimals}f}".replace("-", "−")
        for name in ("value", "low", "high")
    )
    shown = f"<b>{value}</b>" if bold else value
    return shown if low == high else f"{shown}<br><small>{low}–{high}</small>"
