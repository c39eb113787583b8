"""Ways to break a perfect prediction: what a metric does not notice, it does not measure (chapter
"Metrics").
"""

# C clip, T frame, D coefficient
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from elp.metrics.clips import Doubles

Breakage = Callable[[Sequence[Doubles], float, np.random.Generator], list[Doubles]]
LONGEST_SHIFT = 100  # frames: 4 s


def still(clips: Sequence[Doubles], strength: float, rng: np.random.Generator) -> list[Doubles]:
    """Movements shrink towards each clip's mean; at strength 1 the output is constant."""
    return [x.mean(0) + (1 - strength) * (x - x.mean(0)) for x in clips]


def noisy(clips: Sequence[Doubles], strength: float, rng: np.random.Generator) -> list[Doubles]:
    """White noise is added, at strength 1 of the same standard deviation as the motion."""
    std = np.concatenate(clips).std(0)
    return [x + strength * std * rng.standard_normal(x.shape) for x in clips]


def shuffled(clips: Sequence[Doubles], strength: float, rng: np.random.Generator) -> list[Doubles]:
    """A share `strength` of the clips change places: each is a real listener, of somebody else.
    Clips of one length.
    """
    chosen = rng.permutation(len(clips))[: round(strength * len(clips))]
    out = list(clips)
    for here, there in zip(chosen, np.roll(chosen, 1), strict=True):
        out[here] = clips[there]
    return out


def shifted(
    clips: Sequence[Doubles],
    strength: float,
    rng: np.random.Generator,
) -> list[Doubles]:
    """The right motion too late, at strength 1 by 4 s; the first frame
    waits.
    """
    late = round(strength * LONGEST_SHIFT)
    waits = [np.repeat(x[:1], late, 0) for x in clips]
    moves = [x[: len(x) - late] for x in clips]
    return [np.concatenate(both) for both in zip(waits, moves, strict=True)]


BREAKAGES: dict[str, Breakage] = {
    "constant output": still,
    "noise": noisy,
    "shuffled pairs": shuffled,
    "time shift": shifted,
}
