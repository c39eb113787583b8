"""A method in thirty lines: the listener mirrors the speaker a moment later (chapter "Add a
method").
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from elp.corpus import Corpus
from elp.listener.contract import Emotion
from elp.motion import Clip, Motion


class Mirror:
    """Half of the speaker's movement, 0.6 s late; a blink 0.36 s after the
    speaker's. It hears nothing and feels nothing.
    """

    late, blink_late, share = 15, 9, 0.5

    def __init__(self, corpus: Corpus) -> None:
        names = ("beta", "pose")
        self.rest = {name: corpus.stats[name].mean for name in names}

    def respond(
        self,
        speaker: Clip,
        emotion: Emotion,
        *,
        generator: torch.Generator,
    ) -> Motion:
        said, frames = speaker.motion, np.arange(len(speaker))
        before = np.maximum(frames - self.late, 0)  # the first frame waits
        parts: dict[str, Any] = {}
        for name, rest in self.rest.items():
            x = np.where(said.valid[:, None], getattr(said, name), rest)
            parts[name] = rest + self.share * (x[before] - rest)
        blink = np.where(said.valid, said.blink, 0)
        parts["blink"] = blink[np.maximum(frames - self.blink_late, 0)]
        return Motion(**parts)
