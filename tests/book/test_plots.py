"""Drawings of several cells, and the result files that they read."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest
from scipy import stats

from elp.book import plots, results
from elp.errors import ElpError


def test_intervals_become_error_bars():
    found = [{"value": 4.0, "low": 3.0, "high": 6.0}, {"value": 1.0, "low": 1.0, "high": 1.5}]
    bars = plots.interval(found, 2.0)
    assert bars["array"] == [1.0, 0.25]
    assert bars["arrayminus"] == [0.5, 0.0]
    go.Figure().add_bar(x=[0, 1], y=[2, 0.5], error_y=bars)  # plotly knows these names


def test_choices_restyle_their_traces():
    one, other = plots.choices(["a", "b"], [{"visible": True}, {"visible": False}], [0, 2])
    assert (one["label"], one["method"]) == ("a", "restyle")
    assert other["args"] == [{"visible": False}, [0, 2]]
    with pytest.raises(ValueError):
        plots.choices(["a"], [], [0])


def test_results_are_read_and_sorted_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    runs = [
        {"name": name, "scores": {"fd": fd}, "validation": {"energy": 2 * fd}}
        for name, fd in (("U", 1.0), ("V", 5.0), ("U", 3.0))
    ]
    (tmp_path / "made.json").write_text(json.dumps(runs))
    found = results.by_name(results.read("made"), ("scores", "fd"), ("validation", "energy"))
    assert list(found) == ["U", "V"]
    assert np.array_equal(found["U"], [[1, 2], [3, 6]])
    with pytest.raises(ElpError, match="from the folder book"):
        results.read("missing")


def test_margins_are_those_of_students_t():
    x = np.random.default_rng(0).normal(size=(3, 2))
    low, high = stats.t.interval(0.95, 2, x.mean(0), stats.sem(x))
    assert np.allclose(results.margin(x), (high - low) / 2)
    assert np.array_equal(results.margin(x[:1]), [0, 0])


def test_dots_stand_in_their_row_with_their_interval():
    near, far = ({"value": v, "low": v - 1, "high": v + 2} for v in (1.0, 5.0))
    fig = plots.dots({"a": {"one": near, "two": far}, "b": {"two": near}}, {"two": 0, "one": 1})
    assert [(d.y[0], d.x[0], d.xaxis) for d in fig.data] == [
        ("two", 5.0, "x"),
        ("one", 1.0, "x"),
        ("two", 1.0, "x2"),
    ]
    assert [d.marker.color for d in fig.data] == [plots.COLORS[k] for k in (0, 1, 0)]
    assert all((d.error_x.arrayminus[0], d.error_x.array[0]) == (1.0, 2.0) for d in fig.data)
    assert list(fig.layout.yaxis.categoryarray) == ["two", "one"]  # rows keep their order


def test_series_show_each_value_where_its_row_is():
    one = {"value": 1.0, "low": 0.5, "high": 2.0}
    panels = {"a": {"old": {"x": one, "y": one}, "new": {"y": one}}, "b": {"old": {"z": one}}}
    fig = plots.series(panels, ["x", "y", "z"], {"old": 0, "new": 1})
    old, new, other, empty = fig.data
    assert [round(y) for y in old.y] == [0, 1] and [round(y) for y in new.y] == [1]
    assert [round(y) for y in other.y] == [2] and len(empty.y) == 0
    assert list(old.error_x.arrayminus) == [0.5, 0.5] and list(old.error_x.array) == [1.0, 1.0]
    assert old.marker.symbol != new.marker.symbol
    assert [trace.showlegend for trace in fig.data] == [True, True, False, False]
