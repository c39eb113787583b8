"""What reads the speaker: audio encoder, emotion branch (TDNN), classification head encoder (ELP,
sections 3.3 and 4.1).
"""

# B clip, T frame, D style, H head, V category, N emotion
from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from elp.model.layers import (
    ConvBlock,
    Norm,
    Recurrent,
    RowNorm,
    State,
    TimeConv,
    as_image,
    as_series,
)
from elp.motion import MFCC

GAIN = 4.0  # standard deviation of the untrained logits


class _Residual(nn.Module):
    """Two k=3 convolutions and a shortcut, 1x1 where the width changes."""

    def __init__(self, inputs: int, outputs: int, causal: bool) -> None:
        super().__init__()
        self.first = ConvBlock(inputs, outputs, 3, causal=causal)
        self.conv = TimeConv(outputs, outputs, (3, 1), causal=causal, bias=False)
        self.norm = Norm(outputs)
        self.skip = nn.Identity() if inputs == outputs else TimeConv(inputs, outputs, (1, 1))

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        return self.norm(self.conv(self.first(x, state), state), self.skip(x), relu=True)


class AudioEncoder(nn.Module):
    """MFCC (B, T, 29) -> a (B, T, 128): the one-dimensional "first 16 layers of ResNet-50", then
    dropout.

    Two convolutions 29 -> 48 -> 48, then residual blocks of two k=3 convolutions, three at 64 and
    four at 128 channels (after Wu et al. 2021): 2 + 2·3 + 2·4 = 16 convolutions. Stride 1: every
    video frame keeps its own feature.
    """

    width = 128
    reach = 16  # frames seen on either side

    def __init__(self, mfcc: int = MFCC, *, dropout: float = 0.1, causal: bool = False) -> None:
        super().__init__()
        self.stem = nn.ModuleList(
            [ConvBlock(mfcc, 48, 3, causal=causal), ConvBlock(48, 48, 3, causal=causal)]
        )
        sizes = [48, 64, 64, 64, 128, 128, 128, 128]
        self.blocks = nn.ModuleList(_Residual(a, b, causal) for a, b in itertools.pairwise(sizes))
        self.dropout = dropout

    def forward(
        self, mfcc: Tensor, state: State | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        x = as_image(mfcc)
        for layer in (*self.stem, *self.blocks):
            x = layer(x, state)
        x = as_series(x)
        if self.training and self.dropout:  # nn.Dropout would draw from global state
            kept = torch.rand(x.shape, generator=generator, device=x.device) >= self.dropout
            x = x * kept / (1 - self.dropout)
        return x


class TDNN(nn.Module):
    """Style (B, T, D) -> emotion logits (B, N): five time-delay layers, statistics pooling,
    three-layer MLP.

    Contexts [-2, 2], {-2, 0, 2}, {-3, 0, 3}, {0}, {0} as in speaker recognition; pooling takes mean
    and standard deviation over time, so a clip of any length gives one vector.
    """

    reach = 7

    def __init__(
        self, style: int, emotions: int, *, hidden: int = 128, causal: bool = False
    ) -> None:
        super().__init__()
        self.causal = causal
        shapes = [(5, 1), (3, 2), (3, 3), (1, 1), (1, 1)]
        self.layers = nn.ModuleList(
            ConvBlock(style if n == 0 else hidden, hidden, kernel, dilation=dilation, causal=causal)
            for n, (kernel, dilation) in enumerate(shapes)
        )
        self.mlp = nn.Sequential(
            nn.Linear(2 * hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, emotions),
        )

    def frames(self, style: Tensor, state: State | None = None) -> Tensor:
        """(B, T, D) -> (B, T, hidden): what the pooling sees of each frame."""
        x = as_image(style)
        for layer in self.layers:
            x = layer(x, state)
        return as_series(x)

    def forward(self, style: Tensor) -> Tensor:
        return self.mlp(self.pooled(self.frames(style)))

    def pooled(self, x: Tensor) -> Tensor:
        """Statistics pooling: (B, T, hidden) -> (B, 2 hidden)."""
        return torch.cat([x.mean(1), (x.var(1, correction=0) + 1e-2).sqrt()], -1)

    def so_far(self, style: Tensor, state: State) -> Tensor:
        """Emotion logits from all frames up to t; (B, T, D) -> (B, T, N). `state` carries the sums
        of a causal stream.
        """
        x = self.frames(style, state).double()
        count, total, square = state.get(self, (x.new_zeros(()),) * 3)
        counts = count + torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype)[:, None]
        totals, squares = total + x.cumsum(1), square + x.square().cumsum(1)
        state[self] = (counts[-1], totals[:, -1:], squares[:, -1:])
        mean = totals / counts
        deviation = ((squares / counts - mean.square()).clamp_min(0) + 1e-2).sqrt()
        return self.mlp(torch.cat([mean, deviation], -1).to(style.dtype))


class LinearEmotion(nn.Module):
    """Style (B, T, D) -> emotion logits (B, N): a logistic regression on the mean of the motion
    part over time. Not in the paper.

    It is the yardstick of the TDNN. What decides is what is read, not by whom: a mood shows in
    where a face stands, which Eq 1 leaves out and `raw_motion` adds.
    """

    reach = 0

    def __init__(self, style: int, emotions: int) -> None:
        super().__init__()
        self.out = nn.Linear(style - AudioEncoder.width, emotions)

    def forward(self, style: Tensor) -> Tensor:
        return self.out(style[..., AudioEncoder.width :].mean(1))

    def so_far(self, style: Tensor, state: State) -> Tensor:
        """Emotion logits from all frames up to t; (B, T, D) -> (B, T, N). `state` carries the sums
        of a stream.
        """
        x = style[..., AudioEncoder.width :].double()
        count, total = state.get(self, (x.new_zeros(()),) * 2)
        counts = count + torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype)[:, None]
        totals = total + x.cumsum(1)
        state[self] = (counts[-1], totals[:, -1:])
        return self.out((totals / counts).to(style.dtype))


class HeadEncoder(nn.Module):
    """Style (B, T, D) -> logits (B, T, H, V): five conv1d, three LSTM layers, MLP.

    The number of convolutions is unreadable in print (five or eight), the widths are not given:
    both are parameters.
    """

    def __init__(
        self,
        style: int,
        heads: int,
        categories: int,
        *,
        hidden: int,
        convs: int,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.shape, self.causal = (heads, categories), causal
        self.reach = 2 * convs
        self.convs = nn.ModuleList(
            ConvBlock(style if n == 0 else hidden, hidden, 5, causal=causal) for n in range(convs)
        )
        self.lstm = Recurrent(hidden, hidden)
        self.mlp = nn.Sequential(
            nn.Linear(hidden, hidden),
            RowNorm(hidden),
            nn.ReLU(),
            last := nn.Linear(hidden, heads * categories),
        )
        # logits that start three times as wide as the Gumbel noise: from pure noise the decoders
        # would first learn to ignore the codes
        nn.init.normal_(last.weight, std=GAIN / (hidden / 2) ** 0.5)

    def forward(
        self, style: Tensor, state: State | None = None, trim: slice = slice(None)
    ) -> Tensor:
        """`state` carries the LSTMs, and the convolutions too when causal; `trim` drops frames that
        only gave context.
        """
        x = as_image(style)
        for layer in self.convs:
            x = layer(x, state if self.causal else None)
        x = self.lstm(as_series(x)[:, trim], state)
        return self.mlp(x).unflatten(-1, self.shape)
