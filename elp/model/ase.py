"""The Adaptive Space Encoder: a speaker's style becomes codes, codes and an emotion become a
listener's motion.
"""

# B clip, T frame, D coefficient, H head, V category, N emotion, C channel of the coding
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from elp.model.config import ASEConfig
from elp.model.decoders import (
    BlinkDecoder,
    EmbeddingCoding,
    MotionDecoder,
    OpenEyes,
    ValueCoding,
    encode,
    lookup,
)
from elp.model.encoders import TDNN, AudioEncoder, HeadEncoder, LinearEmotion
from elp.model.events import OWN, Events
from elp.model.layers import State
from elp.model.space import base_space, gumbel, held
from elp.model.standard import Standardiser
from elp.model.style import motion_style, speaker_style
from elp.motion import POSE

# of a clip, in standard deviations: much would hide who listens, none would name the clip
TRAIT_NOISE = 0.3


class Prediction(NamedTuple):
    """What the ASE says of a clip: beta (B, T, D) and pose (B, T, 6) standardised, blink logit (B,
    T), emotion logits (B, N).
    """

    beta: Tensor
    pose: Tensor
    blink: Tensor
    emotion: Tensor


class ASE(Standardiser):
    """Adaptive Space Encoder (Figure 2, middle). Inputs and outputs are standardised.

    Args:
        config: sizes and options.
        moments: "beta", "pose", "mfcc", "style", with event heads "own" -> (mean, std) of the
            corpus's training split; those left out change nothing.
    """

    holds: Tensor

    def __init__(
        self, config: ASEConfig, moments: Mapping[str, tuple[Any, Any]] | None = None
    ) -> None:
        widths = {
            "beta": config.beta,
            "pose": POSE,
            "mfcc": config.mfcc,
            "style": config.motion_width,
        }
        if config.events:
            widths["own"] = OWN + config.events.traits
        identity = {name: (torch.zeros(n), torch.ones(n)) for name, n in widths.items()}
        super().__init__(identity | dict(moments or {}))
        self.config = config
        turns = -(-config.heads // len(config.holds))
        holds = torch.tensor(config.holds).repeat(turns)[: config.heads]
        self.register_buffer("holds", holds, persistent=False)
        emotions, heads, categories = len(config.emotions), config.heads, config.categories
        style, causal = AudioEncoder.width + config.motion_width, config.causal
        self.events = Events(config.events, emotions, config.beta) if config.events else None
        self.audio = AudioEncoder(config.mfcc, dropout=config.dropout, causal=causal)
        # called so in every checkpoint, whichever it is
        self.tdnn = (
            LinearEmotion(style, emotions)
            if config.emotion_branch == "linear"
            else TDNN(style, emotions, causal=causal)
        )
        self.encoder = HeadEncoder(
            style + widths.get("own", 0),
            heads,
            categories,
            hidden=config.hidden,
            convs=config.convs,
            causal=causal,
        )
        coding = EmbeddingCoding if config.coding == "embedding" else ValueCoding
        self.coding = coding(emotions if config.space == "U" else 1, heads, categories)
        channels = self.coding.channels + (emotions if config.space == "V+e" else 0)
        self.motion = MotionDecoder(
            channels, heads, config.beta, causal=causal, pose=config.events is None
        )
        self.blink = (
            OpenEyes()
            if config.events
            else BlinkDecoder(
                channels, heads, hidden=config.blink_hidden, causal=causal, shortcut=config.shortcut
            )
        )

    def forward(
        self,
        mfcc: Tensor,
        motion: Tensor,
        e: Tensor,
        own: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
        tau: float | None = None,
        heads: Tensor | None = None,
        samples: int = 1,
    ) -> Prediction:
        """A training pass: style -> codes -> motion, with sampled codes.

        Args:
            mfcc: (B, T, 29) standardised. motion: (B, T, 2 D + 6) from `motion_style`. e: (B, N),
                rows sum to 1. own: with event heads, (B, T, 13 + K) of `Events.own`.
            generator: of the Gumbel noise and the dropout. tau: overrides the configuration's; 0
                takes every head's most probable category. heads: (B,) prefix lengths, for nesting.
            samples: draws of the codes of each clip; the predictions are then (samples B, ...), all
                clips' first draws first.
        """
        style = self.style(mfcc, motion, generator=generator)  # Eq 1: s_sty (B, T, 334)
        emotion = self.tdnn(style)  # e' (B, N)
        logits = self.encoder(self.told(style, own, generator))  # (B, T, H, V)
        logits, e, heads = repeated(samples, logits, e, heads)
        image = self.sampled(logits, e, self.config.tau if tau is None else tau, generator)
        image = self.with_options(image, e[:, None].expand(-1, image.shape[2], -1), heads)
        beta, pose = self.motion(image)  # D1: (B, T, D), (B, T, 6)
        blink = self.blink(image)  # D2: (B, T)
        return Prediction(beta, pose, blink, emotion)

    def motion_style(self, beta: Tensor, pose: Tensor) -> Tensor:
        """Standardised β (..., T, D) and p (..., T, 6) -> the motion part of Eq 1, by this model's
        options.
        """
        window, causal = self.config.window, self.config.causal
        return motion_style(beta, pose, window, causal=causal, raw_motion=self.config.raw_motion)

    def style(
        self,
        mfcc: Tensor,
        motion: Tensor,
        state: State | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """s_sty: standardised mfcc (B, T, 29) and motion style (B, T, 2 D + 6) -> (B, T, 334), with
        `raw_motion` 440 wide, the motion part standardised too.
        """
        motion = self.standardise("style", motion)
        style = speaker_style(self.audio(mfcc, state, generator), motion)
        return self.noisy(style, generator) if self.training else style

    def told(
        self, style: Tensor, own: Tensor | None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Style (B, T, S) and, with event heads, what they drew and the traits (B, T, 13 + K) ->
        what the encoder reads. The emotion branch reads the style alone: it must not infer e from
        what e moved.
        """
        if own is None:
            return style
        own = self.standardise("own", own).to(style.dtype)
        if self.training:
            drawn, traits = own.tensor_split([OWN], -1)
            options: dict[str, Any] = {"generator": generator, "device": own.device}
            noise = torch.randn(len(own), 1, traits.shape[-1], dtype=own.dtype, **options)
            own = torch.cat([self.noisy(drawn, generator), traits + TRAIT_NOISE * noise], -1)
        return torch.cat([style, own], -1)

    def noisy(self, style: Tensor, generator: torch.Generator | None) -> Tensor:
        """Style (B, T, S) with the training's noise on it, one value a clip and one a frame.

        What lasts tells who speaks: noise of every frame alone would average out.
        """
        (clips, frames, width), config = style.shape, self.config
        for length, size in ((1, config.noise), (frames, config.frame_noise)):
            if size:
                noise = torch.randn(
                    (clips, length, width),
                    generator=generator,
                    device=style.device,
                    dtype=style.dtype,
                )
                style = style + size * noise
        return style

    def sampled(
        self, logits: Tensor, e: Tensor, tau: float, generator: torch.Generator | None
    ) -> Tensor:
        """Logits (B, T, H, V) and e (B, N) -> sampled codes as the decoders read them, (B, C, T,
        H).
        """
        noise = held(gumbel(logits, generator), self.holds, generator) if tau else None
        base = base_space(logits, tau or 1.0, noise=noise)  # Eq 2: one-hot (B, T, H, V)
        return encode(self.coding.table, base, self.rearranging(e))

    def rearranging(self, e: Tensor) -> Tensor:
        """The e (..., N) that moves the codewords; where none does, one block for all: (..., 1)."""
        return e if self.config.space == "U" else torch.ones_like(e[..., :1])

    def image_of(self, codes: Tensor, e: Tensor, heads: Tensor | None = None) -> Tensor:
        """Category indices (B, T, H) in [0, V) and e (B, T, N) -> what the decoders read, (B, C, T,
        H).
        """
        return self.with_options(lookup(self.coding.table, codes, self.rearranging(e)), e, heads)

    def with_options(self, image: Tensor, e: Tensor, heads: Tensor | None) -> Tensor:
        """The image (B, C, T, H) with what the options add: heads beyond a prefix silent, e (B, T,
        N) as N more channels.
        """
        if heads is not None:
            index = torch.arange(image.shape[-1], device=image.device)
            image = image * (index < heads[:, None, None, None])
        if self.config.space == "V+e":
            planes = e.transpose(1, 2)[..., None].expand(-1, -1, -1, image.shape[-1])
            image = torch.cat([image, planes], 1)
        return image

    def decode(
        self, image: Tensor, state: State | None = None, trim: slice = slice(None)
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(B, C, T, H) -> standardised beta (B, T', D), pose (B, T', 6), blink logit (B, T').

        `state` carries D2's LSTMs, and the convolutions too when causal; `trim` drops frames that
        only gave context.
        """
        beta, pose = self.motion(image, state if self.config.causal else None)
        return beta[:, trim], pose[:, trim], self.blink(image, state, trim)

    @property
    def reach(self) -> int:
        """Frames on either side that a frame's codes depend on, the LSTMs' past aside."""
        return self.audio.reach + max(self.encoder.reach, self.tdnn.reach)


def repeated(
    samples: int, logits: Tensor, e: Tensor, heads: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Logits (B, T, H, V), e (B, N) and prefixes (B,) of every clip `samples` times, all clips once
    before any comes again.
    """
    if samples == 1:
        return logits, e, heads
    heads = None if heads is None else heads.repeat(samples)
    return logits.repeat(samples, 1, 1, 1), e.repeat(samples, 1), heads
