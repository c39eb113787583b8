"""From a speaker to a listener's motion: any length without seams (chapter "Training")."""

# T frame, D coefficient, H head, V category, N emotion
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp.listener.contract import Emotion, mixture
from elp.listener.decoder import Decoder, pieces
from elp.listener.inference import inferred
from elp.listener.sampling import CodeSampler, Draws
from elp.listener.speaker import Speaker
from elp.model import checkpoint
from elp.model.ase import ASE
from elp.model.layers import State
from elp.motion import Clip, Motion


class ELPResponder:
    """The Adaptive Space Encoder at work.

    Args:
        model: trained. card: of its run.
        temperature: of the draw from each head's categories; 0 takes the most probable.
        correlation: frames over which neighbouring draws of all heads are correlated; by default
            each head's own hold in training says it. The paper fixes each frame's distribution (Eq
            2), not how draws at neighbouring frames relate; 0 draws each frame anew, and the face
            trembles.
        blink_correlation: the same for the blink decision. A blink is drawn from D2's probability:
            it rarely passes one half, so a threshold would leave the eyes open for ever.
        heads: how many heads to read, for a model trained with nested heads; all by default.

    Attributes:
        speaker, sampler, decoder: what a response is made of: the speaker's series, the draws of
            the codes, and the motion that the codes become.

    Raises:
        ElpError: an option is out of range.
    """

    def __init__(
        self,
        model: ASE,
        card: dict[str, Any] | None = None,
        *,
        temperature: float = 1.0,
        correlation: float | None = None,
        blink_correlation: float = 2.5,
        heads: int | None = None,
    ) -> None:
        self.model, self.card, self.emotions = model.eval(), card or {}, model.config.emotions
        self.speaker, self.decoder = Speaker(model), Decoder(model, heads)
        self.sampler = CodeSampler(
            model.config,
            temperature=temperature,
            correlation=correlation,
            blink_correlation=blink_correlation,
        )

    @classmethod
    def from_checkpoint(
        cls, path: str | Path = "small", *, device: str | torch.device = "cpu", **options: Any
    ) -> ELPResponder:
        """Load a checkpoint, a file's or one that ships ("small", the default, or "live");
        `options` as for the class.
        """
        return cls(*checkpoint.load(path, device=device), **options)

    def respond(
        self, speaker: Clip, emotion: Emotion = "auto", *, generator: torch.Generator
    ) -> Motion:
        """Synthesise the listener.

        Args:
            speaker: T frames of motion and sound; frames that are not valid are bridged.
            emotion: see `contract.mixture`; "auto" or None infers it from the speaker.
            generator: CPU generator; everything that is drawn comes from it.

        Returns:
            T frames of β, p (corpus units) and blinks. Long inputs run in pieces, with the result
                of one pass.

        Raises:
            ElpError: no frames, or other coefficients than the model's.
        """
        return self.trace(speaker, emotion, generator=generator)[0]

    @torch.inference_mode()
    def trace(
        self, speaker: Clip, emotion: Emotion = "auto", *, generator: torch.Generator
    ) -> tuple[Motion, NDArray[np.int64]]:
        """`respond`, and the codewords it went through: U (T, H) in 1 ... N V, of a mixture those
        of its strongest emotion.
        """
        chosen = mixture(emotion, self.emotions)
        mfcc, beta, pose = self.speaker.clip(speaker)
        motion = self.model.motion_style(beta, pose)
        codes, uniform = self._codes(mfcc, motion, self.sampler.start(generator))
        if chosen is None:
            e = inferred(self.model, mfcc, motion)
        else:
            e = chosen.to(codes.device).expand(1, codes.shape[1], -1)
        words = e.argmax(-1)[..., None] * self.model.config.categories + codes + 1
        return self.decoder.in_pieces(codes, e).motion(uniform), words[0].cpu().numpy()

    def _codes(self, mfcc: Tensor, motion: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """`codes` of a speaker of any length, in pieces."""
        model, state = self.model, State()
        causal, found = model.config.causal, []
        for around, trim in pieces(motion.shape[1], 0 if causal else model.reach):
            style = model.style(mfcc[:, around], motion[:, around], state if causal else None)
            found.append(self.codes(style, state, draws, trim))
        codes, uniform = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        return codes, uniform

    def codes(
        self, style: Tensor, state: State, draws: Draws, trim: slice = slice(None)
    ) -> tuple[Tensor, Tensor]:
        """Style (1, T, 334) -> each head's category (1, T', H) and the blink's uniform number (1,
        T').
        """
        logits = self.model.encoder(style, state, trim)
        uniform, blink = draws.next(logits.shape[1])
        return self.sampler.choose(logits, uniform), blink
