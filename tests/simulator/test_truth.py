"""A simulated speaker's true cues against those that its sound tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from elp.media.prosody import contour, prosody
from elp.metrics.events import find_cues
from elp.simulator.dyads import sound
from elp.simulator.truth import true_cues

if TYPE_CHECKING:
    from elp.corpus import Corpus


def test_the_sound_tells_the_cues(simulated: Corpus) -> None:
    """Of the true moments most are found within 0.2 s, and few others."""
    counts = np.zeros((2, 3))  # true, found, both
    for pair in list(simulated.pairs("train").itertuples())[:20]:
        frames = int(pair.length)
        heard = find_cues(contour(prosody(sound(simulated, pair), frames)))
        known = true_cues(simulated, pair)
        assert len(known.talking) == frames
        assert (known.talking == heard.talking).mean() > 0.85
        for kind, name in enumerate(("low_pitch", "phrase_ends")):
            true, found = (np.flatnonzero(getattr(x, name)) for x in (known, heard))
            both = (np.abs(true[:, None] - found) <= 5).any(1).sum()
            counts[kind] += [len(true), len(found), both]
    true, found, both = counts.T
    assert (both / true > [0.5, 0.8]).all()
    assert (both / found > [0.5, 0.8]).all()
