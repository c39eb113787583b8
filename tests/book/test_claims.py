"""A claim lies between nothing of it and all of it, and its verdict follows from its interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elp.book.claims import share, verdict

number = st.floats(-100, 100)


@given(number, number, st.floats(0.1, 10), st.floats(0.1, 10))
def test_the_ends_are_0_and_1_and_the_interval_holds_the_value(none, step, down, up):
    whole = none + (step if abs(step) > 0.1 else 1.0)
    for value, at in ((none, 0), (whole, 1)):
        found = share({"value": value, "low": value - down, "high": value + up}, none, whole)
        assert found["value"] == pytest.approx(at)
        assert found["low"] <= found["value"] <= found["high"]


@pytest.mark.parametrize(
    ("low", "high", "more", "as_much"),
    [
        (0.2, 0.6, "holds", "in part"),
        (0.8, 1.1, "holds", "holds"),
        (1.2, 1.4, "holds", "too much"),
        (-0.1, 0.2, "cannot be told", "does not hold"),
        (-0.5, 1.5, "cannot be told", "cannot be told"),
        (-0.4, -0.1, "does not hold", "does not hold"),
    ],
)
def test_verdicts(low, high, more, as_much):
    found = {"value": (low + high) / 2, "low": low, "high": high}
    assert verdict(found, comparison=True) == more
    assert verdict(found, comparison=False) == as_much
