"""Does one person's signal tell the other's? Onsets after onsets, and a ridge regression that has
never met the people; rows of `conversations.py`'s file.
"""

# P unit (a dyad, or a simulated meeting), T sample, D column, L lag
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.evaluation.bootstrap import interval
from elp.evaluation.units import conversations
from elp.metrics.events import blink_starts, ratio, smile_onsets
from elp.metrics.events.modulation import modulation_terms

Array = NDArray[np.float64]
Session = tuple[Array, Array]  # both people's signals, (T, D) or (T,) each
Unit = list[Session]
Onsets = Callable[[Sequence[Array]], list[Array]]

WINDOW = (0.0, 2.0)  # s after an onset
BLOCK = 5  # frames averaged: 0.2 s
PAST = 20  # blocks of the other's past that are seen: 4 s
STRENGTHS = (1e1, 1e2, 1e3, 1e4, 1e5)  # of the ridge
STRANGERS = 4  # partners of others that each person is foretold from
DRAWS = 2000
ONSETS: dict[str, Onsets] = {"gaze_partner": blink_starts}  # a look at the partner begins


def onsets(name: str) -> Onsets:
    """What finds the beginnings of a movement of this name."""
    return ONSETS.get(name, smile_onsets)


def modulated(units: Sequence[Unit], found: Onsets) -> dict[str, Any]:
    """How much more often one person begins in the 2 s after the other began, over elsewhere: of
    people who met, with its interval over dyads, and of people who did not.
    """
    marks = [[(found([x])[0], found([y])[0]) for x, y in unit] for unit in units]
    terms = np.array([[_answers(one, other) for other in marks] for one in marks])  # (P, P, 4)
    met, rng = np.eye(len(units), dtype=bool), np.random.default_rng(0)
    weights = conversations(len(units)).weights(rng, DRAWS)
    real, rows = ratio(weights @ terms[met]), np.arange(len(units))
    partners = rng.permuted(np.tile(rows, (DRAWS, 1)), axis=1)
    dealt = ratio(terms[rows, partners].sum(1))
    return {
        "units": len(units),
        "met": interval(real, len(units)),
        "strangers": float(f"{ratio(terms[~met].sum(0)):.5g}"),
        "p": float(f"{(1 + np.sum(dealt >= real[0])) / (1 + DRAWS):.3g}"),
    }


def _answers(one: Unit, other: Unit) -> Array:
    """(4,) sums of the first people of `one` with the second people of `other`, both ways."""
    total = np.zeros(4)
    for (a, _), (_, b) in zip(one, other, strict=False):
        n = min(len(a), len(b))
        for cue, answer in ((a[:n], b[:n]), (b[:n], a[:n])):
            total += modulation_terms([cue], [answer], WINDOW)[0]
    return total


class Ridge:
    """What the last 4 s of one person tell of another's signal now, by ridge regression.

    Every unit's sums are kept, so that leaving a unit out costs no second look at its frames.

    Args:
        units: of sessions whose first person answers the second: (x (T, D) seen, y (T,) foretold)
            at 25 fps; each is standardised within its session.
    """

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = [[(_past(x), _slow(y)) for x, y in unit] for unit in units]
        self.gram = np.array([sum(x.T @ x for x, _ in unit) for unit in self.units])
        self.cross = np.array([sum(x.T @ y for x, y in unit) for unit in self.units])

    def weights(self, kept: NDArray[np.bool_]) -> Array:
        """Of a fit to the kept units, its strength chosen by leaving each of them out in turn."""
        gain = [sum(self._gain(kept, k, s) for k in np.flatnonzero(kept)) for s in STRENGTHS]
        return self._solved(kept, STRENGTHS[int(np.argmax(gain))])

    def _solved(self, kept: NDArray[np.bool_], strength: float) -> Array:
        gram = self.gram[kept].sum(0) + strength * np.eye(self.gram.shape[1])
        return np.linalg.solve(gram, self.cross[kept].sum(0))

    def _gain(self, kept: NDArray[np.bool_], unit: int, strength: float) -> float:
        """By how much a fit to the others lowers the squared error on a unit."""
        others = kept.copy()
        others[unit] = False
        w = self._solved(others, strength)
        return float(2 * w @ self.cross[unit] - w @ self.gram[unit] @ w)

    def scores(self, weights: Sequence[Array]) -> dict[str, Any]:
        """Correlation of what is foretold with what each unit did, foretold from the one met and
        from strangers, with the interval over units.

        Args:
            weights: one for each unit, of a fit that has not seen it.
        """
        real = np.array([_fit(w, u, u) for w, u in zip(weights, self.units, strict=True)])
        count = len(self.units)
        shifts = np.unique(np.linspace(1, count - 1, STRANGERS).astype(int))
        chance = np.array(
            [
                [_fit(weights[k], self.units[(k + shift) % count], unit) for shift in shifts]
                for k, unit in enumerate(self.units)
            ]
        ).mean(1)
        drawn = conversations(count).weights(np.random.default_rng(0), DRAWS) / count
        return {
            "units": count,
            "met": interval(drawn @ real, count),
            "strangers": interval(drawn @ chance, count),
            "difference": interval(drawn @ (real - chance), count),
        }

    def left_out(self) -> list[Array]:
        """Weights for each unit, of a fit to all others."""
        return [self.weights(np.arange(len(self.units)) != k) for k in range(len(self.units))]

    def whole(self) -> Array:
        """Weights of a fit to all units."""
        return self.weights(np.ones(len(self.units), bool))


def _fit(weights: Array, seen: Unit, told: Unit) -> float:
    """Mean correlation over sessions of what `seen` foretells with what `told` did."""
    found = []
    for (x, _), (_, y) in zip(seen, told, strict=False):
        n = min(len(x), len(y))
        a, b = x[:n] @ weights, y[:n] - y[:n].mean()
        a = a - a.mean()
        size = np.sqrt((a @ a) * (b @ b))
        found.append(a @ b / size if size > 0 else 0.0)
    return float(np.mean(found))


def _slow(x: Array) -> Array:
    """(T, ...) at 25 fps -> at 5 Hz, standardised; zeros where nothing changes."""
    cut = x[: len(x) // BLOCK * BLOCK]
    slow = cut.reshape(-1, BLOCK, *x.shape[1:]).mean(1)
    deviation = slow.std(0)
    return (slow - slow.mean(0)) / np.where(deviation > 0, deviation, 1.0)


def _past(x: Array) -> Array:
    """(T, D) at 25 fps -> (T', 20 D): each block and the 19 before it; before the first, zeros."""
    slow = _slow(x)
    padded = np.concatenate([np.zeros((PAST - 1, slow.shape[1])), slow])
    windows = np.lib.stride_tricks.sliding_window_view(padded, PAST, 0)
    return windows.reshape(len(slow), -1)


def both_ways(units: Sequence[Sequence[Session]], column: int) -> list[Unit]:
    """Sessions (T, D) of two people -> who sees all of the other's columns, and shows this one;
    without those who never change it, of whom it is not known.
    """
    found = [
        [
            (seen, shown[:, column])
            for a, b in unit
            for seen, shown in ((a, b), (b, a))
            if np.ptp(shown[:, column]) > 0
        ]
        for unit in units
    ]
    return [unit for unit in found if unit]
