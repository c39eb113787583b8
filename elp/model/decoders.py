"""What reads U: the coding of codewords, D1 for expression and pose, D2 for blinks (ELP, sections
3.3 and 4.1).
"""

# B clip, T frame, H head, V category, N emotion, C channel
from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from elp.model.layers import Norm, Recurrent, RowNorm, State, TimeConv, as_image, as_series
from elp.model.space import codeword_values
from elp.motion import POSE

NEVER = -20.0  # logit of what does not happen


class ValueCoding(nn.Module):
    """The integer of U itself, scaled to [-1, 1]: one channel of a T x H image (the paper's "value
    range").
    """

    channels = 1
    table: Tensor

    def __init__(self, emotions: int, heads: int, categories: int) -> None:
        super().__init__()
        self.register_buffer(
            "table", codeword_values(emotions, categories)[:, None, :, None], persistent=False
        )


class EmbeddingCoding(nn.Module):
    """A learned vector for each (head, codeword): a linear map of the T x H x NV one-hot, read as a
    table.
    """

    def __init__(self, emotions: int, heads: int, categories: int, channels: int = 8) -> None:
        super().__init__()
        self.channels = channels
        self.table = nn.Parameter(
            torch.randn(emotions, heads, categories, channels) / channels**0.5
        )


def encode(table: Tensor, base: Tensor, e: Tensor) -> Tensor:
    """The image that the decoders read, from one-hot vectors.

    Both codings are linear in e ⊗ Base, so Σ_n e_n · table_n is read by
    Base itself: nothing of size N V is built, a mixture of emotions mixes
    the tables, and the gradient of Base is the straight-through Σ_k k·y_k
    of the value coding.

    Args:
        table: (N, H or 1, V, C). base: (B, T, H, V). e: (B, N).

    Returns:
        (B, C, T, H), channels last in memory.
    """
    words = mixed(table, e).expand(-1, base.shape[2], -1, -1)
    image = torch.einsum("bthv,bhvc->bthc", base, words)
    return image.permute(0, 3, 1, 2)


def mixed(table: Tensor, e: Tensor) -> Tensor:
    """Σ_n e_n · table_n: (N, H or 1, V, C) and (B, N) -> (B, H or 1, V, C)."""
    return (e @ table.flatten(1)).unflatten(1, table.shape[1:])


def lookup(table: Tensor, codes: Tensor, e: Tensor) -> Tensor:
    """The same image from the index of each head's category (generation); emotions may change from
    frame to frame.

    Args:
        table: (N, H or 1, V, C). codes: (B, T, H) int in [0, V). e: (B, T, N).

    Returns:
        (B, C, T, H).
    """
    heads = torch.arange(codes.shape[-1], device=codes.device) if table.shape[1] > 1 else 0
    vectors = table[:, heads, codes]  # (N, B, T, H, C)
    return torch.einsum("btn,nbthc->bcth", e, vectors)


class MotionDecoder(nn.Module):
    """D1: two conv2d, (B, C, T, H) -> β (B, T, D) and p (B, T, 6), both standardised.

    The second kernel spans three frames and all heads, so that every coefficient hears every head;
    written with the heads as channels it is the same convolution and runs as one matrix product.
    With `pose=False` p is left to event heads: zeros, the mean pose, stand in its place.
    """

    reach = 2

    def __init__(
        self,
        channels: int,
        heads: int,
        beta: int,
        *,
        width: int = 32,
        causal: bool = False,
        pose: bool = True,
    ) -> None:
        super().__init__()
        self.beta = beta
        self.first = TimeConv(channels, width, (3, 3), causal=causal, relu=True)
        self.second = TimeConv(width * heads, beta + POSE * pose, (3, 1), causal=causal)

    def forward(self, image: Tensor, state: State | None = None) -> tuple[Tensor, Tensor]:
        x = as_series(self.first(image, state))
        x = as_series(self.second(as_image(x), state))
        beta, pose = x[..., : self.beta], x[..., self.beta :]
        return beta, pose if pose.shape[-1] else x.new_zeros(*x.shape[:-1], POSE)


class BlinkDecoder(nn.Module):
    """D2: four conv2d that halve the head axis, three LSTM layers, (B, C, T, H) -> blink logit (B,
    T).

    With `shortcut` a linear layer leads past the LSTMs (not in the paper): what the codes say of a
    blink then reaches the answer, and the error the codes, from the first step on.
    """

    reach = 4

    def __init__(
        self,
        channels: int,
        heads: int,
        *,
        width: int = 16,
        hidden: int = 128,
        causal: bool = False,
        shortcut: bool = False,
    ) -> None:
        super().__init__()
        self.causal = causal
        widths = [channels, width, 2 * width, 2 * width, 2 * width]
        self.convs = nn.ModuleList(
            TimeConv(a, b, (3, 3), stride=2, causal=causal, bias=False)
            for a, b in itertools.pairwise(widths)
        )
        self.norms = nn.ModuleList(Norm(b) for b in widths[1:])
        left = heads
        for _ in self.convs:
            left = (left + 1) // 2
        self.lstm = Recurrent(2 * width * left, hidden)
        self.shortcut = nn.Linear(2 * width * left, hidden) if shortcut else None
        # each LSTM layer passes on a fifth of what it hears: without norms D2 answers every frame
        # with the mean blink rate for ever
        self.out = nn.Sequential(RowNorm(hidden), nn.Linear(hidden, 1))

    def forward(
        self, image: Tensor, state: State | None = None, trim: slice = slice(None)
    ) -> Tensor:
        return self.read(self.squeezed(image, state)[:, trim], state)

    def squeezed(self, image: Tensor, state: State | None = None) -> Tensor:
        """(B, C, T, H) -> (B, T, D'), what the LSTMs hear."""
        x = image
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(conv(x, state if self.causal else None), relu=True)
        return as_series(x)

    def read(self, x: Tensor, state: State | None = None) -> Tensor:
        """(B, T, D') -> (B, T)."""
        y = self.lstm(x, state)
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return self.out(y)[..., 0]


class OpenEyes(nn.Module):
    """In D2's place where event heads draw the lids: (B, C, T, H) -> the logit (B, T) of eyes that
    never close.
    """

    reach = 0

    def forward(
        self, image: Tensor, state: State | None = None, trim: slice = slice(None)
    ) -> Tensor:
        return self.read(self.squeezed(image, state)[:, trim], state)

    def squeezed(self, image: Tensor, state: State | None = None) -> Tensor:
        return image[:, 0, :, :1]

    def read(self, x: Tensor, state: State | None = None) -> Tensor:
        return x.new_full(x.shape[:2], NEVER)
