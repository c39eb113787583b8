"""Drawings that several cells share (chapter "How to read")."""

from __future__ import annotations

import textwrap
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


def dots(
    values: Mapping[str, Mapping[str, Mapping[str, float]]],
    rows: Mapping[str, int],
    *,
    height: int = 460,
) -> go.Figure:
    """Values with their intervals, one panel for each quantity, one line for each row.

    Args:
        values: title of the panel -> name of the row -> "value", "low" and "high"; a row that a
            panel lacks stays empty there.
        rows: name -> its colour, a number of `COLORS`; from the top down.
        height: of the figure in pixels.
    """
    from plotly.subplots import make_subplots

    titles = list(values)
    fig = make_subplots(
        1,
        len(titles),
        subplot_titles=_wrapped(titles),
        shared_yaxes=True,
        horizontal_spacing=0.04,
    )
    fig.update_annotations(font_size=12)
    for column, title in enumerate(titles, 1):
        names = [name for name in rows if name in values[title]]
        found = [values[title][name] for name in names]
        for color in dict.fromkeys(rows[name] for name in names):  # one trace a colour: small pages
            mine = [k for k, name in enumerate(names) if rows[name] == color]
            bar = interval([found[k] for k in mine]) | {"color": COLORS[color], "thickness": 2}
            marker = {"color": COLORS[color], "size": 8}
            style = {"mode": "markers", "marker": marker, "showlegend": False}
            fig.add_scatter(
                x=[found[k]["value"] for k in mine],
                y=[names[k] for k in mine],
                error_x=bar | {"width": 4},
                hovertemplate="%{y}: %{x}<extra></extra>",
                row=1,
                col=column,
                **style,
            )
    order = {"categoryorder": "array", "categoryarray": list(rows), "autorange": "reversed"}
    fig.update_yaxes(showgrid=True, **order)
    return fig.update_layout(height=height, margin_t=64)


def _wrapped(titles: Sequence[str]) -> list[str]:
    """Titles of panels side by side, in lines: a third of a phone is as wide as eleven letters."""
    return ["<br>".join(textwrap.wrap(title, 34 // len(titles))) for title in titles]


def series(
    values: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]],
    rows: Sequence[str],
    colors: Mapping[str, int],
    *,
    height: int = 460,
) -> go.Figure:
    """Several values with their intervals on each line, one panel for each quantity.

    Args:
        values: title of the panel -> name of the series -> name of the row -> "value", "low" and
            "high"; what is lacking stays empty.
        rows: from the top down.
        colors: name of the series -> its colour, a number of `COLORS`; symbols differ as well.
        height: of the figure in pixels.
    """
    from plotly.subplots import make_subplots

    titles = _wrapped(list(values))
    side = {"shared_yaxes": True, "horizontal_spacing": 0.04}
    fig = make_subplots(1, len(values), subplot_titles=titles, **side)
    fig.update_annotations(font_size=12)
    for column, panel in enumerate(values.values(), 1):
        for n, (name, color) in enumerate(colors.items()):
            found = {row: x for row, x in panel.get(name, {}).items() if row in rows}
            shift = 0.34 * (n - (len(colors) - 1) / 2) / max(len(colors) - 1, 1)
            bars = interval(list(found.values())) | {"thickness": 2, "width": 3}
            fig.add_scatter(
                x=[x["value"] for x in found.values()],
                y=[rows.index(row) + shift for row in found],
                error_x=bars,
                mode="markers",
                marker={"color": COLORS[color], "size": 8, "symbol": SYMBOLS[n % len(SYMBOLS)]},
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                text=list(found),
                hovertemplate="%{text}: %{x:.2f}",
                row=1,
                col=column,
            )
    ticks = {"tickvals": list(range(len(rows))), "ticktext": list(rows)}
    fig.update_yaxes(showgrid=True, range=[len(rows) - 0.5, -0.5], **ticks)
    return fig.update_layout(height=height, margin_t=64)
