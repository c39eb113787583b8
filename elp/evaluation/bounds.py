"""Rows that are no competitors: what the listener did, what another true answer would be, what
chance gives, and methods that are shown the listener's first frame (chapter "Results").
"""

# T frame
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from elp.baselines import L2L, RLHG
from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.evaluation.answers import usable
from elp.listener.contract import Emotion
from elp.listener.responder import ELPResponder
from elp.motion import Motion


class GroundTruth:
    """What the listener really did."""

    def answer(self, corpus: Corpus, pair: Any, generator: torch.Generator) -> Motion:
        return corpus.listener(pair)


class Oracle:
    """Another true response: the simulator again, same listener and mood, other chance. No method
    can be expected to beat it.
    """

    def answer(self, corpus: Corpus, pair: Any, generator: torch.Generator) -> Motion:
        from elp.simulator import oracle

        return oracle(corpus, pair, generator)


class UnseenListener:
    """Another person in the listener's place: the simulator answers this speaker in this mood as
    somebody whom no split has met.

    A method that is not told who listens cannot be expected to do better by answering as a real
    person would.
    """

    def answer(self, corpus: Corpus, pair: Any, generator: torch.Generator) -> Motion:
        from elp.simulator import oracle

        person = int(torch.randint(10_000, 2**31, (1,), generator=generator))
        return oracle(corpus, pair, generator, listener=person)


class ShuffledPair:
    """A real listener of another conversation of the same split: the level of chance for every kind
    of synchrony.
    """

    def answer(self, corpus: Corpus, pair: Any, generator: torch.Generator) -> Motion:
        people = {pair.speaker, pair.listener}
        others = [p for p in usable(corpus, pair.split) if p.clip != pair.clip]
        others = [p for p in others if not people & {p.speaker, p.listener}] or others
        if not others:
            raise ElpError(
                f"{corpus.folder}: one conversation only in the {pair.split} split: strangers need "
                "two"
            )
        chosen = others[int(torch.randint(len(others), (1,), generator=generator))]
        motion = corpus.listener(chosen)
        frames = np.arange(int(pair.length)) % len(motion)
        return Motion(
            beta=motion.beta[frames],
            pose=motion.pose[frames],
            blink=motion.blink[frames],
            valid=motion.valid[frames],
        )


class FirstFrame:
    """A method that is shown the true listener's first frame, as the authors of the baselines built
    and tested them: who sits there, and how, is then known.

    RLHG and PCH start their state from it; L2L, which sees 32 frames of the listener's past, sees
    it standing still; event heads rest where it does, and the face has its traits.
    """

    def __init__(self, method: RLHG | L2L | ELPResponder) -> None:
        self.method = method

    def answer_all(
        self,
        corpus: Corpus,
        pairs: Sequence[Any],
        emotions: Sequence[Emotion],
        generator: torch.Generator,
    ) -> list[Motion]:
        speakers = [corpus.speaker(pair) for pair in pairs]
        listeners = [corpus.listener(pair) for pair in pairs]
        if isinstance(self.method, ELPResponder):
            frames = [motion[k : k + 1] for motion in listeners for k in [motion.valid.argmax()]]
            return self.method.respond_all(
                speakers, emotions, generator=generator, portraits=frames
            )
        first = torch.stack([self.method.features.first_frame(motion) for motion in listeners])
        return self.method.respond_all(speakers, emotions, generator=generator, first=first)
