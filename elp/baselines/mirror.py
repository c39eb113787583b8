"""A method in thirty lines: the listener mirrors the speaker a moment later (chapter "Add a
method").
"""

from __future__ import annotations

import numpy as np
import torch

from elp.corpus import Corpus
from elp.listener.contract import Emotion
from elp.motion import Clip, Motion


class Mirror:
    """Half of the speaker's movement, 0.6 s late; a blink 0.36 s after the speaker's. It hears
    nothing and feels nothing.
    """

    late, blink_late, share = 15, 9, 0.5

    def __init__(self, corpus: Corpus) -> None:
        self.rest = {name: corpus.stats[name].mean for name in ("beta", "pose")}

    def respond(self, speaker: Clip, emotion: Emotion, *, generator: torch.Generator) -> Motion:
        frames, seen = np.arange(len(speaker)), speaker.motion.valid
        before = np.maximum(frames - self.late, 0)  # the first frame waits
        parts = {}
        for name, rest in self.rest.items():
            x = np.where(seen[:, None], getattr(speaker.motion, name), rest)
            parts[name] = rest + self.share * (x[before] - rest)
        blink = np.where(seen, speaker.motion.blink, 0)[np.maximum(frames - self.blink_late, 0)]
        return Motion(beta=parts["beta"], pose=parts["pose"], blink=blink)
