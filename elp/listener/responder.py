"""From a speaker to a listener's motion: any length without seams, offline or as a stream (chapter
"Training").
"""

# T frame, D coefficient, H head, V category, N emotion
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp.errors import ElpError
from elp.listener.sampling import SmoothUniform
from elp.listener.stream import ResponseStream
from elp.model import checkpoint
from elp.model.ase import ASE
from elp.model.layers import State
from elp.model.space import one_hot
from elp.motion import MFCC, POSE, Clip, Motion, fill_gaps

Emotion = str | Sequence[float] | None
CHUNK = 250  # frames at once: ten seconds
CLIP = 50  # frames that an emotion is inferred from (ELP, section 3.3)
# smooth draws of this part of a hold, in standard deviations, are half alike where held ones are
HOLD = 0.3
# standard deviations beyond which the speaker's measurements are taken for tracking errors
LIMIT = 8.0


class Responder(Protocol):
    """The one contract of ELP and of every baseline; evaluation cannot tell them apart (chapter
    "Add a method").
    """

    def respond(self, speaker: Clip, emotion: Emotion, *, generator: torch.Generator) -> Motion:
        """A listener's motion for all frames of `speaker`; the same generator state gives the same
        motion.
        """
        ...


class ELPResponder:
    """The Adaptive Space Encoder at work.

    Args:
        model: trained. card: of its run.
        temperature: of the draw from each head's categories; 0 takes the most probable.
        correlation: frames over which neighbouring draws of all heads hang together; by default
            each head's own hold in training says it. The paper fixes each frame's distribution (Eq
            2), not how draws at neighbouring frames relate; 0 draws each frame anew, and the face
            trembles.
        blink_correlation: the same for the blink decision. A blink is drawn from D2's probability:
            it rarely passes one half, so a threshold would leave the eyes open for ever.
        heads: how many heads to read, for a model trained with nested heads; all by default.

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
        most = model.config.heads
        if min(temperature, correlation or 0, blink_correlation) < 0:
            raise ElpError("temperature and correlations must be 0 or more")
        if heads is not None and not 1 <= heads <= most:
            raise ElpError(
                f"{heads} heads asked for, the model has {most}: choose between 1 and {most}"
            )
        self.model, self.card, self.emotions = model.eval(), card or {}, model.config.emotions
        holds = model.config.holds
        spreads = (
            [4.0 if hold == 1 else HOLD * hold for hold in holds]
            if correlation is None
            else [correlation] * len(holds)
        )
        self.temperature, self.correlations, self.heads = (
            temperature,
            (*spreads, blink_correlation),
            heads,
        )

    @classmethod
    def from_checkpoint(
        cls, path: str | Path = "small", *, device: str | torch.device = "cpu", **options: Any
    ) -> ELPResponder:
        """Load a checkpoint, a file's or one that ships ("small", the default, or "live");
        `options` as for the class.
        """
        return cls(*checkpoint.load(path, device=device), **options)

    def weights(self, emotion: Emotion) -> Tensor | None:
        """e as (N,) summing to 1, or None where it is to be inferred.

        Args:
            emotion: a name, "auto" or None, a mixture as numbers in the model's order or as
                "neutral=0.5,positive=0.5".

        Raises:
            ElpError: an unknown name, or weights that are no mixture; the sentence lists the known
                emotions.
        """
        if emotion is None or emotion == "auto":
            return None
        if isinstance(emotion, str):
            emotion = self._parsed(emotion)
        e = torch.tensor([float(x) for x in emotion])
        if (
            e.shape != (len(self.emotions),)
            or not torch.isfinite(e).all()
            or e.min() < 0
            or e.sum() <= 0
        ):
            raise ElpError(
                f"emotion {list(emotion)}: give one weight of at least 0, and one above it, for each of {', '.join(self.emotions)}"
            )
        return e / e.sum()

    def _parsed(self, text: str) -> list[float]:
        weights = dict.fromkeys(self.emotions, 0.0)
        for part in text.split(","):
            name, _, number = (piece.strip() for piece in part.partition("="))
            try:
                weights[name] += float(number or 1)
            except (KeyError, ValueError):
                raise ElpError(
                    f"unknown emotion {part.strip()!r}: choose {', '.join(self.emotions)}, auto, or a mixture such as "
                    f"{self.emotions[0]}=0.5,{self.emotions[-1]}=0.5"
                ) from None
        return list(weights.values())

    def respond(
        self, speaker: Clip, emotion: Emotion = "auto", *, generator: torch.Generator
    ) -> Motion:
        """Synthesise the listener.

        Args:
            speaker: T frames of motion and sound; frames that are not valid are bridged.
            emotion: see `weights`.
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
        model, e = self.model, self.weights(emotion)
        mfcc, beta, pose = self.inputs(
            speaker.mfcc, speaker.motion.beta, speaker.motion.pose, speaker.motion.valid
        )
        motion = model.motion_style(beta, pose)
        state: State = {}
        noise, frames = self.noise(generator), motion.shape[1]
        found = []
        for start in range(0, frames, CHUNK):
            stop = min(start + CHUNK, frames)
            first, last = _around(start, stop, frames, 0 if model.config.causal else model.reach)
            style = model.style(
                mfcc[:, first:last], motion[:, first:last], state if model.config.causal else None
            )
            found.append(self.codes(style, state, noise, slice(start - first, stop - first)))
        codes, uniform = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        weights = (
            self._inferred(mfcc, motion) if e is None else e.to(codes.device).expand(1, frames, -1)
        )
        words = weights.argmax(-1)[..., None] * model.config.categories + codes + 1
        return self._decoded(codes, weights, uniform), words[0].cpu().numpy()

    def inputs(
        self,
        mfcc: NDArray[Any],
        beta: NDArray[Any],
        pose: NDArray[Any],
        valid: NDArray[Any] | None = None,
    ) -> list[Tensor]:
        """Checked, bridged, standardised and limited: three tensors (1, T, ...)."""
        frames = len(beta)
        if not frames:
            raise ElpError("the speaker has no frames: give a longer video")
        if valid is not None:
            beta, pose = fill_gaps(np.asarray(beta), valid), fill_gaps(np.asarray(pose), valid)
        return [
            self.input(name, x, frames)
            for name, x in (("mfcc", mfcc), ("beta", beta), ("pose", pose))
        ]

    def input(self, name: str, x: NDArray[Any], frames: int) -> Tensor:
        """`frames` rows of "mfcc", "beta" or "pose", checked, standardised and limited: (1, frames,
        ...).
        """
        x, expected = (
            np.asarray(x),
            (frames, {"mfcc": MFCC, "beta": self.model.config.beta, "pose": POSE}[name]),
        )
        if x.shape != expected:
            raise ElpError(
                f"speaker: {name} of shape {x.shape}, this model expects {expected}: extract it with the model's face model"
            )
        if not np.isfinite(x).all():
            raise ElpError(
                f"speaker: {name} holds NaN or infinity: mark such frames valid=0 or extract the clip again"
            )
        rows = torch.as_tensor(x, dtype=torch.float32, device=self.model.beta_mean.device)
        return self.model.standardise(name, rows).clamp(-LIMIT, LIMIT)[None]

    def noise(self, generator: torch.Generator) -> SmoothUniform:
        """The draws of one response: for every head and category, and for the blink."""
        config = self.model.config
        groups = [
            len(range(n, config.heads, len(config.holds))) * config.categories
            if self.temperature
            else 0
            for n in range(len(config.holds))
        ]
        return SmoothUniform([*groups, 1], self.correlations, generator)

    def codes(
        self, style: Tensor, state: State, noise: SmoothUniform, trim: slice = slice(None)
    ) -> tuple[Tensor, Tensor]:
        """Style (1, T, 334) -> each head's category (1, T', H) and the blink's uniform number (1,
        T').
        """
        logits = self.model.encoder(style, state, trim)
        uniform, blink = self.draws(noise, logits.shape[1])
        return self.choice(logits, uniform), blink

    def draws(self, noise: SmoothUniform, frames: int) -> tuple[Tensor, Tensor]:
        """The next uniform numbers: of all heads and categories (1, T, H, V), none at temperature
        0; of the blink (1, T).
        """
        *groups, blink = noise.draw(frames)
        heads, categories = (
            (self.model.config.heads, self.model.config.categories) if self.temperature else (0, 1)
        )
        uniform = blink.new_empty(1, frames, heads, categories)
        for n, group in enumerate(groups):  # heads take the holds in turn
            uniform[0, :, n :: len(groups)] = group.unflatten(1, (-1, categories))
        return uniform, blink.T

    def choice(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """The category that uniform numbers draw from logits, both (1, T, H, V), the most probable
        at temperature 0: (1, T, H).
        """
        if self.temperature:
            # in place: the memory is what this waits for
            gumbel = uniform.log().neg_().log_().neg_()
            logits = gumbel.to(logits.device).add_(logits / self.temperature)
        return logits.argmax(-1)

    def _inferred(self, mfcc: Tensor, motion: Tensor) -> Tensor:
        """e' as one-hot (1, T, N): causal, from the frames so far; else of the whole input, by the
        mean over its 2 s clips.
        """
        model, frames = self.model, motion.shape[1]
        state: State = {}
        logits = []
        for start in range(0, frames, CHUNK):
            stop = min(start + CHUNK, frames)
            if model.config.causal:
                style = model.style(mfcc[:, start:stop], motion[:, start:stop], state)
                logits.append(model.tdnn.so_far(style, state))
                continue
            first = max(0, min(start, frames - CLIP))
            style = model.style(mfcc[:, first:stop], motion[:, first:stop])
            logits += [
                model.tdnn(clip)
                for clip in style.split(CLIP, 1)
                if clip.shape[1] == CLIP or frames < CLIP
            ]
        if model.config.causal:
            return one_hot(torch.cat(logits, 1))
        return one_hot(torch.stack(logits).sigmoid().mean(0))[:, None].expand(1, frames, -1)

    def _decoded(self, codes: Tensor, e: Tensor, uniform: Tensor) -> Motion:
        model, frames = self.model, codes.shape[1]
        state: State = {}
        parts = []
        for start in range(0, frames, CHUNK):
            stop = min(start + CHUNK, frames)
            first, last = _around(
                start, stop, frames, 0 if model.config.causal else model.blink.reach
            )
            trim = slice(start - first, stop - first)
            parts.append(self.decode(codes[:, first:last], e[:, first:last], state, trim))
        beta, pose, probability = (torch.cat(part, 1)[0].cpu() for part in zip(*parts, strict=True))
        return Motion(
            beta=beta.numpy(),
            pose=pose.numpy(),
            blink=(uniform[0] < probability).numpy().astype(np.uint8),
        )

    def decode(
        self, codes: Tensor, e: Tensor, state: State, trim: slice = slice(None)
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Categories (1, T, H) and e (1, T, N) -> β, p in corpus units and the blink's
        probability.
        """
        model = self.model
        heads = None if self.heads is None else torch.tensor([self.heads], device=codes.device)
        image = model.image_of(codes, e, heads)
        beta, pose = model.motion(image, state if model.config.causal else None)
        blink = model.blink(image, state, trim)
        return (
            model.restore("beta", beta[:, trim]),
            model.restore("pose", pose[:, trim]),
            blink.sigmoid(),
        )

    def stream(self, emotion: Emotion = "auto", *, generator: torch.Generator) -> ResponseStream:
        """Start responding to a speaker who is still speaking; needs a causal model."""
        return ResponseStream(self, emotion, generator=generator)


def _around(start: int, stop: int, frames: int, reach: int) -> tuple[int, int]:
    return max(0, start - reach), min(frames, stop + reach)
