"""A conversation as metrics of events see it: what each column of a case holds (chapter
"Metrics").
"""

# C clip, T frame
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from elp.metrics.clips import Clips, ClipsLike, Doubles, as_clips
from elp.metrics.events.cues import Cues
from elp.metrics.metric import Case

LOW_PITCH, PHRASE_END, SPEAKER_BLINK = range(3)  # of the speaker: cues, 1 while the eyes are shut
PITCH, BLINK = range(2)  # of the listener: rotation about x in radians, 1 while the eyes are shut
# names of the cases: cues found in the sound, and those that the simulator knows
CUED = ("heard", "known")


def cued(
    cues: Sequence[Cues], speaker_blink: ClipsLike, listener: Clips, *, valid: Any = None
) -> Case:
    """The case of C speakers who give cues.

    Args:
        cues: of the speakers. speaker_blink: C arrays (T_c,), 1 while the eyes are shut.
        listener: of `head_and_lids`; the real one, who answers until another does.
        valid: per clip a (T_c,) mask.
    """
    speakers = [
        np.column_stack([c.low_pitch, c.phrase_ends, np.ravel(b)])
        for c, b in zip(cues, speaker_blink, strict=True)
    ]
    return Case(speaker=as_clips("cues", speakers), gt=listener, pred=listener, valid=valid)


def head_and_lids(pitch: ClipsLike, blink: ClipsLike) -> Clips:
    """Pitch in radians and blinks, C arrays (T_c,) each, as clips (T_c, 2)."""
    both = zip(pitch, blink, strict=True)
    return as_clips("head and lids", [np.column_stack([np.ravel(p), np.ravel(b)]) for p, b in both])


def column(clips: Clips, number: int) -> list[Doubles]:
    """One column of each clip, (T_c,)."""
    return [x[:, number] for x in clips]
