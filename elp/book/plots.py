"""Drawings that several cells share (chapter "How to read")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elp.book.figures import COLORS, EMOTIONS, SYMBOLS

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray


def panels(
    planes: Mapping[str, NDArray[Any]], labels: Mapping[str, NDArray[Any]], names: Sequence[str]
) -> go.Figure:
    """Scatter plots side by side: one panel for each plane, one colour and one symbol for each
    label.

    Args:
        planes: title -> (B, 2) positions.
        labels: title -> (B,) integers that index `names`.
        names: of the labels; emotions get their own colours.
    """
    from plotly.subplots import make_subplots

    fig = make_subplots(1, len(planes), subplot_titles=list(planes), horizontal_spacing=0.03)
    for column, (title, xy) in enumerate(planes.items(), 1):
        for n, name in enumerate(names):
            x, y = xy[labels[title] == n].T
            marker = {
                "color": EMOTIONS.get(name, COLORS[n]),
                "size": 5,
                "symbol": SYMBOLS[n % len(SYMBOLS)],
            }
            once = {"name": name, "legendgroup": name, "showlegend": column == 1}
            fig.add_scatter(x=x, y=y, mode="markers", marker=marker, row=1, col=column, **once)
    return fig.update_xaxes(showticklabels=False).update_yaxes(showticklabels=False)


def interval(found: Sequence[Mapping[str, float]], unit: float = 1.0) -> dict[str, Any]:
    """Plotly's error bars of values with "value", "low" and "high", all divided by `unit`."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [(f["high"] - f["value"]) / unit for f in found],
        "arrayminus": [(f["value"] - f["low"]) / unit for f in found],
    }


def choices(
    labels: Sequence[str], changes: Sequence[Mapping[str, Any]], traces: Sequence[int]
) -> list[dict[str, Any]]:
    """Plotly's buttons, or steps of a slider: each label restyles the traces with its change."""
    return [
        {"label": label, "method": "restyle", "args": [change, list(traces)]}
        for label, change in zip(labels, changes, strict=True)
    ]
