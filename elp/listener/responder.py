"""From a speaker to a listener's motion: any length without seams (chapter "Training")."""

# T frame, D coefficient, H head, V category, N emotion
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elp.errors import ElpError
from elp.listener.contract import Emotion, mixture
from elp.listener.decoder import Decoder, pieces
from elp.listener.inference import inferred
from elp.listener.sampling import CodeSampler, Draws
from elp.listener.speaker import Speaker
from elp.model import checkpoint
from elp.model.ase import ASE
from elp.model.events import DRAWS, HEARD, Past
from elp.model.layers import State
from elp.motion import Clip, Motion

TOGETHER = 32  # clips that `respond_all` draws at once


class _Heard(NamedTuple):
    """A speaker as the model takes it, (1, T, ...) each, and e; `events` for event heads."""

    mfcc: Tensor
    motion: Tensor
    e: Tensor
    events: Tensor | None


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
        guidance: how clearly event heads answer the speaker, see `EventHeads.step`; by default as
            the model's configuration says.
        who: listens, for a model with event heads, where no portrait is given: "portrait" a face at
            the emotion's mean whose head rests at zero, to be added to a portrait of any pose;
            "drawn" one of the listeners that there are in corpora, see `elp.model.traits.Traits`.

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
        guidance: float | None = None,
        who: Literal["portrait", "drawn"] = "portrait",
    ) -> None:
        self.model, self.card, self.emotions = model.eval(), card or {}, model.config.emotions
        self.speaker, self.decoder = Speaker(model), Decoder(model, heads)
        self.sampler = CodeSampler(
            model.config,
            temperature=temperature,
            correlation=correlation,
            blink_correlation=blink_correlation,
        )
        events = model.config.events
        self.guidance = (events.guidance if events else 1.0) if guidance is None else guidance
        if self.guidance <= 0:
            raise ElpError(f"guidance {self.guidance}: give a number above 0; 1 is none")
        if who not in ("portrait", "drawn"):
            raise ElpError(f"who {who!r}: choose portrait or drawn")
        self.drawn = who == "drawn"

    @classmethod
    def from_checkpoint(
        cls, path: str | Path = "listener", *, device: str | torch.device = "cpu", **options: Any
    ) -> ELPResponder:
        """Load a checkpoint, a file or the one that ships; `options` as for the class."""
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
        heard = self._heard(speaker, emotion)
        draws = self.sampler.start(generator)
        return self._answer(heard, self._drawn([heard], [draws])[0], draws)

    def respond_all(
        self,
        speakers: Sequence[Clip],
        emotions: Sequence[Emotion],
        *,
        generator: torch.Generator,
        portraits: Sequence[Motion] | None = None,
    ) -> list[Motion]:
        """`respond` to many speakers, with draws of its own: event heads go through the frames of
        all clips of about one length together.

        Args:
            portraits: a frame of each listener, in corpus units, from which event heads and the
                face know who listens.
        """
        traces = self.trace_all(speakers, emotions, generator=generator, portraits=portraits)
        return [motion for motion, _ in traces]

    @torch.inference_mode()
    def trace_all(
        self,
        speakers: Sequence[Clip],
        emotions: Sequence[Emotion],
        *,
        generator: torch.Generator,
        portraits: Sequence[Motion] | None = None,
    ) -> list[tuple[Motion, NDArray[np.int64]]]:
        """`respond_all`, and the codewords that each response went through, as `trace` has them."""
        heard = [self._heard(*asked) for asked in zip(speakers, emotions, strict=True)]
        shown = [None] * len(heard) if portraits is None else list(portraits)
        draws = [self.sampler.start(generator) for _ in heard]
        answers: dict[int, tuple[Motion, NDArray[np.int64]]] = {}
        by_length = sorted(range(len(heard)), key=lambda k: heard[k].e.shape[1])
        for first in range(0, len(heard), TOGETHER):
            group = by_length[first : first + TOGETHER]
            drawn = self._drawn([heard[k] for k in group], [draws[k] for k in group])
            for k, past in zip(group, drawn, strict=True):
                answers[k] = self._answer(heard[k], past, draws[k], shown[k])
        return [answers[k] for k in range(len(heard))]

    def _heard(self, speaker: Clip, emotion: Emotion) -> _Heard:
        mfcc, beta, pose = self.speaker.clip(speaker)
        motion = self.model.motion_style(beta, pose)
        chosen = mixture(emotion, self.emotions)
        if chosen is None:
            e = inferred(self.model, mfcc, motion)
        else:
            e = chosen.to(motion.device).expand(1, motion.shape[1], -1)
        events = None if self.model.events is None else self.speaker.heard(speaker)
        return _Heard(mfcc, motion, e, events)

    def _drawn(self, heard: Sequence[_Heard], draws: Sequence[Draws]) -> list[Past | None]:
        """What event heads answer to each speaker, (1, T, ...); None for a model without them."""
        model, lengths = self.model.events, [x.e.shape[1] for x in heard]
        if model is None:
            return [None] * len(heard)
        columns = [
            torch.cat([x.events, x.e, d.events(n).to(x.e.device)], -1)[0]
            for x, d, n in zip(heard, draws, lengths, strict=True)
            if x.events is not None
        ]
        padded = nn.utils.rnn.pad_sequence(columns, batch_first=True, padding_value=0.5)
        widths = [HEARD, len(self.emotions), DRAWS]
        speakers, e, uniform = padded.split(widths, -1)
        past = model.draw(speakers, e, uniform, {}, self.guidance)
        return [Past(*(x[k : k + 1, :n] for x in past)) for k, n in enumerate(lengths)]

    def _answer(
        self, heard: _Heard, drawn: Past | None, draws: Draws, portrait: Motion | None = None
    ) -> tuple[Motion, NDArray[np.int64]]:
        own, (rest, traits) = None, self._told(heard, draws, portrait)
        if drawn is not None and self.model.events is not None:
            own = self.model.events.own(drawn.position, drawn.velocity, drawn.shut, traits)
        codes, uniform = self._codes(heard.mfcc, heard.motion, own, draws)
        words = heard.e.argmax(-1)[..., None] * self.model.config.categories + codes + 1
        decoded = self.decoder.in_pieces(codes, heard.e)
        if drawn is not None:
            decoded = decoded.with_events(drawn, rest)
        return decoded.motion(uniform), words[0].cpu().numpy()

    def who(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """The listener of one response: where the head rests (6,), and the traits (K,); empty for a
        model without event heads.
        """
        normal, events = draws.traits.to(self.model.holds.device), self.model.events
        if events is None:
            return normal, normal
        rest, traits = events.traits.draw(normal)
        return rest * self.drawn, traits * self.drawn

    def _told(self, heard: _Heard, draws: Draws, portrait: Motion | None) -> tuple[Tensor, Tensor]:
        """`who`, or whom the portrait shows."""
        if portrait is None or self.model.events is None:
            return self.who(draws)
        beta, pose = (
            torch.as_tensor(x, device=heard.e.device)[0] for x in (portrait.beta, portrait.pose)
        )
        beta = self.model.standardise("beta", beta)
        return self.model.events.traits.told(beta, pose, heard.e[0].mean(0))

    def _codes(
        self, mfcc: Tensor, motion: Tensor, own: Tensor | None, draws: Draws
    ) -> tuple[Tensor, Tensor]:
        """`codes` of a speaker of any length, in pieces."""
        model, state = self.model, State()
        causal, found = model.config.causal, []
        for around, trim in pieces(motion.shape[1], 0 if causal else model.reach):
            style = model.style(mfcc[:, around], motion[:, around], state if causal else None)
            style = model.told(style, None if own is None else own[:, around])
            found.append(self.codes(style, state, draws, trim))
        codes, uniform = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        return codes, uniform

    def codes(
        self, style: Tensor, state: State, draws: Draws, trim: slice = slice(None)
    ) -> tuple[Tensor, Tensor]:
        """Style (1, T, 334), with event heads what they drew too -> each head's category (1, T', H)
        and the blink's uniform number (1, T').
        """
        logits = self.model.encoder(style, state, trim)
        uniform, blink = draws.next(logits.shape[1])
        return self.sampler.choose(logits, uniform), blink
