"""Do two people in a conversation move together? Real pairs against pseudo-pairs of people who
never met (chapter "Real conversations").
"""

# T frame, P pair, L lag
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.motion import FPS

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Coupling:
    """Coupling of one signal over P dyads.

    Attributes:
        lags: (L,) s; positive: the second person follows the first.
        real, pseudo: (L,) mean correlation at each lag, of those who met and of those who did not.
        dyads: (P, P) correlation at lag 0 of each first person (row) with each second person
            (column); the diagonal met.
        p_permutation: share of random partner assignments whose mean correlation is at least the
            real one.
        t, p_t: paired t-test over dyads, real against the mean of a person's pseudo-pairs, on
            Fisher's z.
    """

    lags: Array
    real: Array
    pseudo: Array
    dyads: Array
    p_permutation: float
    t: float
    p_t: float


def signals(
    corpus: Corpus, column: int, *, smooth: float = 0.0, constant: bool = False
) -> list[list[tuple[Array, Array]]]:
    """Column of β of both people, for each dyad the list of its conversations; dyads in the order
    of the index.

    Conversations in which one of them does not change at all are left out, unless `constant` ones
    are wanted too. `smooth` is the deviation of a Gaussian in seconds, 0 leaves the signal as it
    is.
    """
    from scipy.ndimage import gaussian_filter1d

    dyads: dict[frozenset[str], list[tuple[Array, Array]]] = {}
    for _, rows in corpus.index.groupby("clip", sort=False):
        if len(rows) == 2:
            first, second = (
                corpus.beta[o : o + n, column].astype(np.float64)
                for o, n in zip(rows["offset"], rows["length"], strict=True)
            )
            frames = min(len(first), len(second))
            if not constant and not (np.ptp(first[:frames]) and np.ptp(second[:frames])):
                continue
            if smooth:
                first, second = (gaussian_filter1d(x, smooth * FPS) for x in (first, second))
            dyads.setdefault(frozenset(rows["person"]), []).append(
                (first[:frames], second[:frames])
            )
    if len(dyads) < 3:
        raise ElpError(
            f"{corpus.folder}: {len(dyads)} dyads whose both people are known: pseudo-pairs need "
            "three or more"
        )
    return list(dyads.values())


def correlation(x: Array, y: Array, lag: int = 0) -> float:
    """Pearson's r of x(t) and y(t + lag); 0 where one of them is constant."""
    frames = min(len(x), len(y))
    x, y = (x[: frames - lag], y[lag:frames]) if lag >= 0 else (x[-lag:frames], y[: frames + lag])
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / scale) if scale > 0 else 0.0


def coupling(
    corpus: Corpus,
    column: int,
    *,
    smooth: float = 0.0,
    seconds: float = 5.0,
    permutations: int = 10_000,
    seed: int = 0,
) -> Coupling:
    """Measure the coupling of column `column` of β.

    A dyad that met several times counts once: its correlations are
    averaged, so that P is the number of independent dyads.

    Args:
        corpus: with two people per clip.
        column: of β.
        smooth: see `signals`.
        seconds: largest lag.
        permutations: random partner assignments for the test.
        seed: of those.

    Raises:
        ElpError: fewer than three dyads.
    """
    from scipy.stats import ttest_rel

    dyads = signals(corpus, column, smooth=smooth)
    count, frames = len(dyads), int(seconds * FPS)
    pairs = [(k, k) for k in range(count)]
    far = (1, count // 2)
    strangers = [(k, (k + d) % count) for k in range(count) for d in far]
    lags = np.arange(-frames, frames + 1, 5)
    table = np.array([[_between(a, b, 0) for b in dyads] for a in dyads])
    # Fisher's z, of those who met and of all others
    z = np.arctanh(table.clip(-0.999, 0.999))
    own = np.diagonal(z)
    others = np.where(np.eye(count, dtype=bool), np.nan, z)
    test = ttest_rel(own, np.nanmean(others, axis=1))
    rng, rows = np.random.default_rng(seed), np.arange(count)
    orders = [rng.permutation(count) for _ in range(permutations)]
    random = np.array([z[rows, order].mean() for order in orders])
    p = (1 + np.sum(random >= own.mean())) / (1 + permutations)
    return Coupling(
        lags=lags / FPS,
        real=_at_lags(dyads, pairs, lags),
        pseudo=_at_lags(dyads, strangers, lags),
        dyads=table,
        p_permutation=float(p),
        t=float(test.statistic),
        p_t=float(test.pvalue),
    )


Dyad = list[tuple[Array, Array]]  # a dyad's conversations, both people's signals


def _at_lags(dyads: list[Dyad], pairs: list[tuple[int, int]], lags: NDArray[np.int64]) -> Array:
    """(L,) mean correlation of these pairs at each lag."""
    return np.array(
        [np.mean([_between(dyads[a], dyads[b], int(lag)) for a, b in pairs]) for lag in lags]
    )


def _between(one: Dyad, other: Dyad, lag: int) -> float:
    """Mean over conversations of the first person of `one` with the second person of `other`."""
    return float(
        np.mean([correlation(a, b, lag) for (a, _), (_, b) in zip(one, other, strict=False)])
    )
