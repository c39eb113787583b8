"""Methods answer the speakers of a split (chapter "Results")."""

# C clip, T frame
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.listener.contract import Emotion, Responder
from elp.motion import Motion

LEAST = 25  # frames seen in a clip below which it is left out


class Bound(Protocol):
    """A row of the table that may look at the true listener: ground truth, oracle."""

    def answer(self, corpus: Corpus, pair: Any, generator: torch.Generator) -> Motion: ...


class Shown(Protocol):
    """A method that is shown something of the true listeners, and told the emotions."""

    def answer_all(
        self,
        corpus: Corpus,
        pairs: Sequence[Any],
        emotions: Sequence[Emotion],
        generator: torch.Generator,
    ) -> list[Motion]: ...


Answerer = Responder | Bound | Shown


def generate(
    corpus: Corpus,
    method: Answerer,
    pairs: Sequence[Any],
    emotions: Sequence[str | None],
    generator: torch.Generator,
) -> list[Motion]:
    """One full-length answer to the speaker of each pair.

    Args:
        method: a Responder (if it has `respond_all(speakers, emotions, *, generator)`, all speakers
            are given at once), a Bound, or Shown.
        pairs: rows of `corpus.pairs`. emotions: name or None for each. generator: source of all
            randomness.

    Raises:
        ElpError: an answer is not as long as its speaker.
    """
    if hasattr(method, "answer"):
        return [method.answer(corpus, pair, generator) for pair in pairs]
    if hasattr(method, "answer_all"):
        return method.answer_all(corpus, pairs, emotions, generator)
    speakers = [corpus.speaker(pair) for pair in pairs]
    if hasattr(method, "respond_all"):
        answers = method.respond_all(speakers, list(emotions), generator=generator)
    else:
        answers = [
            method.respond(s, e, generator=generator)
            for s, e in zip(speakers, emotions, strict=True)
        ]
    for speaker, motion in zip(speakers, answers, strict=True):
        if len(motion) != len(speaker):
            raise ElpError(
                f"{type(method).__name__}: {len(motion)} frames for a speaker of {len(speaker)}: "
                "an answer must be as long"
            )
    return answers


def labels(corpus: Corpus, pairs: Sequence[Any]) -> list[str | None]:
    """The listener's true emotion of each pair, None where it is not known."""
    return [corpus.emotions[pair.emotion] if pair.emotion >= 0 else None for pair in pairs]


def usable(corpus: Corpus, split: str) -> list[Any]:
    """The split's pairs in which both people are seen in at least `LEAST` frames.

    Raises:
        ElpError: there is none.
    """
    pairs = [p for p in corpus.pairs(split).itertuples() if seen_frames(corpus, p).sum() >= LEAST]
    if not pairs:
        raise ElpError(
            f"{corpus.folder}: no pair of the {split} split shows both people for {LEAST} frames: "
            "nothing to evaluate"
        )
    return pairs


def seen_frames(corpus: Corpus, pair: Any) -> NDArray[np.bool_]:
    """(T,) frames of a pair in which both people are seen."""
    speaker, listener = (
        np.asarray(corpus.valid[int(offset) : int(offset) + int(pair.length)])
        for offset in (pair.speaker_offset, pair.listener_offset)
    )
    return speaker & listener
