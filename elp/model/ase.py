"""The Adaptive Space Encoder: a speaker's style becomes codes, codes and an emotion become a
listener's motion.
"""

# B clip, T frame, D coefficient, H head, V category, N emotion
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from elp.errors import ElpError
from elp.model import streams
from elp.model.decoders import (
    BlinkDecoder,
    EmbeddingCoding,
    MotionDecoder,
    ValueCoding,
    encode,
    lookup,
    mixed,
)
from elp.model.encoders import TDNN, AudioEncoder, HeadEncoder
from elp.model.layers import State
from elp.model.space import base_space, gumbel, held
from elp.model.style import Window, motion_style, speaker_style
from elp.motion import POSE


@dataclass(frozen=True, kw_only=True)
class ASEConfig:
    """Sizes and named options; the defaults are the paper's where it gives them. Stored in every
    checkpoint.

    Attributes:
        beta, mfcc: dimensions of the corpus.
        emotions: names, in the order of e.
        heads, categories: H and V.
        coding: how decoders read a codeword: its "value" or a learned "embedding".
        space: "U" (emotion moves the codewords), "V" (no emotion), "V+e" (no emotion in the codes,
            e as extra channels).
        window: frames of σ in Eq 1, or "clip".
        plain: the encoder also sees β and p themselves, which Eq 1 leaves out.
        causal: use no future frame, so that the model can stream.
        tau: temperature of the Gumbel-Softmax gradient.
        nested: train on random prefixes of the heads, so that any prefix decodes.
        hidden, blink_hidden: widths of the encoder and of D2's LSTMs (not in the paper).
        convs: conv1d layers of the head encoder; dropout: after the audio encoder.
        noise, frame_noise: standard deviations of normal noise on the standardised style in
            training, one value a clip and one a frame, against learning clips by heart.
        shortcut: a linear layer leads past D2's LSTMs.
        holds: frames for which a head's draw is held in training; the heads take these in turn.
            (1,) draws every frame anew.
    """

    beta: int = 100
    mfcc: int = 29
    emotions: tuple[str, ...] = ("negative", "neutral", "positive")
    heads: int = 128
    categories: int = 64
    coding: Literal["value", "embedding"] = "embedding"
    space: Literal["U", "V", "V+e"] = "U"
    window: Window = 25
    plain: bool = False
    causal: bool = False
    tau: float = 1.0
    nested: bool = False
    hidden: int = 256
    blink_hidden: int = 128
    convs: int = 5
    dropout: float = 0.1
    noise: float = 0.0
    frame_noise: float = 0.0
    shortcut: bool = False
    holds: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "emotions", tuple(self.emotions))
        object.__setattr__(self, "holds", tuple(self.holds))
        choices = {"coding": ("value", "embedding"), "space": ("U", "V", "V+e")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ElpError(
                    f"model option {name}={getattr(self, name)!r}: choose one of {', '.join(allowed)}"
                )
        sizes = (
            self.beta,
            self.mfcc,
            self.heads,
            self.hidden,
            len(self.emotions),
            len(self.holds),
            *self.holds,
        )
        if min(sizes) < 1 or self.categories < 2 or self.tau <= 0:
            raise ElpError(
                "model options: sizes must be positive, categories at least 2 and tau above 0"
            )


class Prediction(NamedTuple):
    """What the ASE says of a clip: beta (B, T, D) and pose (B, T, 6) standardised, blink logit (B,
    T), emotion logits (B, N).
    """

    beta: Tensor
    pose: Tensor
    blink: Tensor
    emotion: Tensor


class ASE(nn.Module):
    """Adaptive Space Encoder (Figure 2, middle). Inputs and outputs are standardised with
    `statistics`' buffers.

    Args:
        config: sizes and options.
        statistics: "beta", "pose", "mfcc" -> (mean, std) of the corpus's training split; identity
            when None. Those of the motion style, `style_mean` and `style_std`, are set by training.
    """

    beta_mean: Tensor
    beta_std: Tensor
    style_mean: Tensor
    style_std: Tensor
    holds: Tensor

    def __init__(
        self, config: ASEConfig, statistics: dict[str, tuple[Tensor, Tensor]] | None = None
    ) -> None:
        super().__init__()
        self.config = config
        turns = -(-config.heads // len(config.holds))
        self.register_buffer(
            "holds", torch.tensor(config.holds).repeat(turns)[: config.heads], persistent=False
        )
        for name, size in (("beta", config.beta), ("pose", POSE), ("mfcc", config.mfcc)):
            mean, std = statistics[name] if statistics else (torch.zeros(size), torch.ones(size))
            self.register_buffer(f"{name}_mean", torch.as_tensor(mean, dtype=torch.float32).clone())
            self.register_buffer(
                f"{name}_std", torch.as_tensor(std, dtype=torch.float32).clamp_min(1e-6)
            )
        n, width = (
            len(config.emotions),
            2 * config.beta + POSE + (config.beta + POSE if config.plain else 0),
        )
        style = AudioEncoder.width + width
        self.register_buffer("style_mean", torch.zeros(width))
        self.register_buffer("style_std", torch.ones(width))
        causal, heads = config.causal, config.heads
        self.audio = AudioEncoder(config.mfcc, dropout=config.dropout, causal=causal)
        self.tdnn = TDNN(style, n, causal=causal)
        self.encoder = HeadEncoder(
            style, heads, config.categories, hidden=config.hidden, convs=config.convs, causal=causal
        )
        coding = EmbeddingCoding if config.coding == "embedding" else ValueCoding
        self.coding = coding(n if config.space == "U" else 1, heads, config.categories)
        channels = self.coding.channels + (n if config.space == "V+e" else 0)
        self.motion = MotionDecoder(channels, heads, config.beta, causal=causal)
        self.blink = BlinkDecoder(
            channels, heads, hidden=config.blink_hidden, causal=causal, shortcut=config.shortcut
        )

    @property
    def reach(self) -> int:
        """Frames on either side that a frame's codes depend on, the LSTMs' past aside."""
        return self.audio.reach + max(self.encoder.reach, self.tdnn.reach)

    def standardise(self, name: str, x: Tensor) -> Tensor:
        """Corpus units -> zero mean, unit variance; name is "beta", "pose" or "mfcc"."""
        return (x - getattr(self, f"{name}_mean")) / getattr(self, f"{name}_std")

    def restore(self, name: str, x: Tensor) -> Tensor:
        """The inverse of `standardise`."""
        return x.float() * getattr(self, f"{name}_std") + getattr(self, f"{name}_mean")

    def forward(
        self,
        mfcc: Tensor,
        motion: Tensor,
        e: Tensor,
        *,
        generator: torch.Generator | None = None,
        tau: float | None = None,
        heads: Tensor | None = None,
        samples: int = 1,
    ) -> Prediction:
        """A training pass: style -> codes -> motion, with sampled codes.

        Args:
            mfcc: (B, T, 29) standardised. motion: (B, T, 2 D + 6) from `motion_style`. e: (B, N),
                rows sum to 1.
            generator: of the Gumbel noise and the dropout. tau: overrides the configuration's; 0
                takes every head's most probable category. heads: (B,) prefix lengths, for nesting.
            samples: draws of the codes of each clip; the predictions are then (samples B, ...), all
                clips' first draws first.
        """
        # bfloat16 in the working copy that trains on CUDA
        dtype = next(self.encoder.parameters()).dtype
        style = self.style(mfcc.to(dtype), motion, generator=generator)
        with _beside(style) as join:
            emotion = self.tdnn(style)
        logits = self.encoder(style)
        if samples > 1:
            logits, e = logits.repeat(samples, 1, 1, 1), e.repeat(samples, 1)
        image = self.sampled(logits, e, self.config.tau if tau is None else tau, generator)
        join()
        image = self._finish(
            image,
            e[:, None].expand(-1, style.shape[1], -1),
            None if heads is None else heads.repeat(samples),
        )
        squeezed = self.blink.squeeze(image)
        # beside D2's LSTMs: the convolutions of both wait for the memory
        with _beside(image) as join:
            beta, pose = self.motion(image)
        blink = self.blink.read(squeezed)
        join()
        return Prediction(beta, pose, blink, emotion)

    def motion_style(self, beta: Tensor, pose: Tensor) -> Tensor:
        """Standardised β (..., T, D) and p (..., T, 6) -> the motion part of Eq 1, by this model's
        options.
        """
        config = self.config
        return motion_style(beta, pose, config.window, causal=config.causal, plain=config.plain)

    def style(
        self,
        mfcc: Tensor,
        motion: Tensor,
        state: State | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """s_sty: standardised mfcc (B, T, 29) and motion style (B, T, 2 D + 6) -> (B, T, 334),
        plain 440, the motion part standardised too.
        """
        motion = (motion - self.style_mean) / self.style_std
        style = speaker_style(self.audio(mfcc, state, generator), motion.to(mfcc.dtype))
        # what lasts tells who speaks: noise of every frame alone would average out
        for frames, size in ((1, self.config.noise), (style.shape[1], self.config.frame_noise)):
            if self.training and size:
                shape = (len(style), frames, style.shape[2])
                style = style + size * torch.randn(
                    shape, generator=generator, device=style.device, dtype=style.dtype
                )
        return style

    def sampled(
        self, logits: Tensor, e: Tensor, tau: float, generator: torch.Generator | None
    ) -> Tensor:
        """Logits (B, T, H, V) and e (B, N) -> sampled codes as the decoders read them, (B, C, T,
        H).
        """
        whole = e if self.config.space == "U" else torch.ones_like(e[:, :1])
        if logits.dtype == torch.bfloat16 and logits.is_cuda and tau:
            from elp.model.fused import sample

            return sample(logits, mixed(self.coding.weight(), whole), tau, generator, self.holds)[0]
        logits = logits.float()
        noise = held(gumbel(logits, generator), self.holds, generator) if tau else None
        return encode(self.coding.weight(), base_space(logits, tau or 1.0, noise=noise), whole)

    def image_of(self, codes: Tensor, e: Tensor, heads: Tensor | None = None) -> Tensor:
        """The same from category indices (B, T, H) in [0, V) and e (B, T, N)."""
        whole = e.new_ones(*e.shape[:2], 1) if self.config.space != "U" else e
        return self._finish(lookup(self.coding.weight(), codes, whole), e, heads)

    def _finish(self, image: Tensor, e: Tensor, heads: Tensor | None) -> Tensor:
        if heads is not None:  # heads beyond the prefix say nothing
            index = torch.arange(image.shape[-1], device=image.device)
            image = image * (index < heads[:, None, None, None])
        if self.config.space == "V+e":
            planes = e.transpose(1, 2)[..., None].expand(-1, -1, -1, image.shape[-1])
            image = torch.cat([image, planes.to(image.dtype)], 1)
        return image

    def decode(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, C, T, H) -> standardised beta (B, T, D), pose (B, T, 6), blink logit (B, T)."""
        return *self.motion(image), self.blink(image)


@contextlib.contextmanager
def _beside(x: Tensor) -> Iterator[Callable[[], None]]:
    """Run the block on a second CUDA stream while the caller goes on, until it calls what this
    yields; on CPU, in order.

    The long chain of small LSTM kernels leaves most of the chip idle; the emotion branch and D1 fit
    beside it, and autograd runs their gradients on the same stream.
    """
    if not x.is_cuda:
        yield lambda: None
        return
    main, side = torch.cuda.current_stream(x.device), streams.of(x.device).branch
    side.wait_stream(main)
    with torch.cuda.stream(side):
        yield lambda: main.wait_stream(side)
