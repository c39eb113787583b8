"""The level of chance of a measure: what strangers score (chapter "Metrics")."""

# C clip
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from elp.errors import ElpError
from elp.metrics.clips import ClipsLike, Doubles, as_clips


def chance(
    measure: Callable[[list[Doubles], list[Doubles]], float],
    first: ClipsLike,
    second: ClipsLike,
    *,
    rng: np.random.Generator,
    rounds: int = 20,
) -> Doubles:
    """(rounds,) values of a measure between strangers: the pairs are
    re-matched, no clip keeping its partner.

    Args:
        measure: called with two lists of clips; pairs of different length
            are cut to the shorter.
        rng: gives the matches: a random cyclic order of the clips, each
            paired with the next one's partner.

    Raises:
        ElpError: fewer than two clips.
    """
    a, b = as_clips("first", first), as_clips("second", second)
    if len(a) < 2 or len(a) != len(b):
        given = f"{len(a)} and {len(b)} clips"
        raise ElpError(f"{given}: the chance level needs two or more pairs")
    values = []
    for _ in range(rounds):
        order = rng.permutation(len(a))
        strangers = zip(order, np.roll(order, 1), strict=True)
        pairs = [(a[i], b[j]) for i, j in strangers]
        one = [x[: len(y)] for x, y in pairs]
        other = [y[: len(x)] for x, y in pairs]
        values.append(measure(one, other))
    return np.array(values)
