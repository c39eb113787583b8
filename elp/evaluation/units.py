"""What intervals are drawn over: the people whom a split's conversations have in common (chapter
"Results").
"""

# C clip
from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST = 5  # units below which conversations are drawn: of fewer people no interval can be had


@dataclass(frozen=True, kw_only=True)
class Units:
    """Units that may be taken for independent of each other, and which one each clip belongs to.

    Attributes:
        name: of what they are: "listeners", "dyads" or "conversations".
        of_clip: (C,) number of each clip's unit, 0 to `count` - 1.
    """

    name: str
    of_clip: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many units there are."""
        return int(self.of_clip.max()) + 1

    def weights(self, rng: np.random.Generator, bootstrap: int) -> NDArray[np.float64]:
        """(1 + bootstrap, C) how often each clip counts: in the first row each once, in a draw as
        often as its unit was drawn.
        """
        return drawn(rng, self.count, bootstrap)[:, self.of_clip]


def drawn(rng: np.random.Generator, count: int, bootstrap: int) -> NDArray[np.float64]:
    """(1 + bootstrap, count) how often each of `count` is drawn; in the first row each once."""
    often = rng.multinomial(count, np.full(count, 1 / count), bootstrap)
    return np.concatenate([np.ones((1, count)), often])


def conversations(count: int) -> Units:
    """Every clip a unit of its own."""
    return Units(name="conversations", of_clip=np.arange(count))


def units(pairs: Sequence[Any]) -> Units:
    """The units of a split's pairs.

    Clips of one listener have this person's way of sitting and of smiling in common, so an interval
    over clips claims to know more people than it has seen. Units are the listeners; where people
    listen and speak in turn, the dyads; where there are fewer than five of these, the conversations
    (a corpus with one listener says nothing about others, whatever is drawn).

    Args:
        pairs: rows of `Corpus.pairs`.
    """
    listeners = {p.listener for p in pairs}
    if listeners & {p.speaker for p in pairs}:
        name, keys = "dyads", [frozenset((p.listener, p.speaker)) for p in pairs]
    else:
        name, keys = "listeners", [p.listener for p in pairs]
    found = Units(name=name, of_clip=_numbered(keys))
    return found if found.count >= FEWEST else conversations(len(pairs))


def _numbered(keys: Sequence[Hashable]) -> NDArray[np.int64]:
    """Equal keys the same number, in the order in which they first appear."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])
