"""Who listens: what one person has and another has not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from elp.simulator.face import NAMES
from elp.simulator.processes import Array

# per minute at rest (Bentivoglio et al. 1997, table 2): a listener is between rest and conversation
BLINKS = 17.0
MODES = (
    "nod",
    "double_nod",
    "smile_nod",
    "brow_flash",
    "tilt",
    "laugh",
    "shake",
    "slow_nod",
    "brow_knit",
    "pull_back",
    "lips",
    "none",
)


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A person who listens: sizes of face, nod and mimicry, tempo, willingness, delay (s),
    preferences among MODES, blinks, rest; from version 2 on the part of the time that the head is
    held still.
    """

    face: float
    nod: float
    mimicry: float
    tempo: float
    willing: float
    delay: float
    taste: Array
    blinks: float
    attention: float
    rest: Array
    bias: Array
    lopsided: float
    still: float


def listener(rng: np.random.Generator) -> Listener:
    """Draw a person."""
    return Listener(
        face=rng.lognormal(0, 0.18),
        nod=rng.lognormal(0, 0.28),
        mimicry=rng.beta(4, 4),
        tempo=rng.lognormal(0, 0.12),
        willing=rng.beta(9, 2.5),
        delay=rng.lognormal(np.log(0.6), 0.25),
        taste=rng.gamma(2.5, 0.4, len(MODES)),
        blinks=BLINKS * rng.lognormal(-0.08, 0.4),
        attention=rng.beta(5, 3),
        rest=np.deg2rad(rng.normal(0, [3, 6, 2.5])),
        bias=rng.normal(0, 0.05, len(NAMES)),
        lopsided=rng.normal(0, 0.1),
        still=float(np.clip(rng.beta(2, 2.5), 0.1, 0.9)),  # last: version 1 draws all before it
    )
