"""The one contract of ELP and of every baseline, and what an emotion may be given as (chapter "Add
a method").
"""

# N emotion
from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from elp.errors import ElpError
from elp.motion import Clip, Motion

Emotion = str | Sequence[float] | None


class Responder(Protocol):
    """The one contract of ELP and of every baseline; evaluation cannot tell
    them apart (chapter "Add a method").
    """

    def respond(
        self,
        speaker: Clip,
        emotion: Emotion,
        *,
        generator: torch.Generator,
    ) -> Motion:
        """A listener's motion for all frames of `speaker`; the same
        generator state gives the same motion.
        """
        ...


def mixture(emotion: Emotion, emotions: Sequence[str]) -> Tensor | None:
    """e as (N,) summing to 1, or None where it is left open: ELP infers it then.

    Args:
        emotion: a name, "auto" or None, a mixture as numbers in the order of `emotions` or as
            "neutral=0.5,positive=0.5".
        emotions: the names that are known.

    Raises:
        ElpError: an unknown name, or numbers that are no mixture; the sentence lists the known
            emotions.
    """
    if emotion is None or emotion == "auto":
        return None
    if isinstance(emotion, str):
        emotion = _parsed(emotion, emotions)
    try:
        given = [float(x) for x in emotion]
    except (TypeError, ValueError) as error:
        raise ElpError(
            f"emotion {emotion!r}: give a name, numbers in the order {', '.join(emotions)}, or auto"
        ) from error
    e = torch.tensor(given)
    fits = e.shape == (len(emotions),) and bool(torch.isfinite(e.sum()))
    if not fits or e.min() < 0 or e.sum() <= 0:
        raise ElpError(
            f"emotion {given}: give one number of at least 0, and one above it, for each "
            f"of {', '.join(emotions)}"
        )
    return e / e.sum()


def _parsed(text: str, emotions: Sequence[str]) -> list[float]:
    """Shares in the order of `emotions`, of a name or of "neutral=0.5,positive=0.5"."""
    shares = dict.fromkeys(emotions, 0.0)
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        try:
            shares[name] += float(number or 1)
        except (KeyError, ValueError):
            raise ElpError(
                f"unknown emotion {part.strip()!r}: choose {', '.join(emotions)}, auto, or a "
                f"mixture such as {emotions[0]}=0.5,{emotions[-1]}=0.5"
            ) from None
    return list(shares.values())
