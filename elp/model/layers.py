"""Convolutions and LSTMs over time that run a whole clip, or a stream piece by piece with the same
result.
"""

# B clip, C channel, T frame, H head (1 where a layer sees no heads)
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elp.errors import ElpError

State = dict[nn.Module, Any]  # what a stream carries from one piece to the next, by layer


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """For work on single frames, whose operations are so small that threads would wait for each
    other: on two cores a frame takes a tenth of the time.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class TimeConv(nn.Conv2d):
    """Convolution over (time, heads) that keeps T; (B, C, T, H) -> (B, C', T, H').

    A conv1d is the case H = 1. Tensors stay in channels-last memory, (B, T, H, C), where neither
    the convolution nor the linear layers and LSTMs around it need a transposed copy.

    Args:
        inputs, outputs: channels. kernel: (frames, heads), both odd. dilation: of time. stride: of
            heads, padded by one on each side when the kernel is wider than one head.
        causal: zeros only before the clip instead of on both sides. relu: ReLU follows.
    """

    padding: tuple[int, ...]

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int],
        *,
        dilation: int = 1,
        stride: int = 1,
        causal: bool = False,
        bias: bool = True,
        relu: bool = False,
    ) -> None:
        span = (kernel[0] - 1) * dilation
        self.past = span if causal else 0  # frames before the newest that it sees
        self.centred, self.relu = span > 0 and not causal, relu
        padding = (span // 2 if self.centred else 0, kernel[1] // 2)
        super().__init__(inputs, outputs, kernel, (1, stride), padding, (dilation, 1), bias=bias)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # PyTorch's stubs lack this form

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        if state is not None and self.centred:
            raise ElpError("a centred convolution cannot stream: build the model with causal=True")
        return self.convolve(self._behind_past(x, state) if self.past else x)

    def convolve(self, x: Tensor) -> Tensor:
        """(B, C, past + T, H) -> (B, C', T, H')."""
        y = super().forward(x)
        return F.relu(y) if self.relu else y

    def _behind_past(self, x: Tensor, state: State | None) -> Tensor:
        """(B, C, T, H) -> (B, C, past + T, H): zeros before the clip, in a stream what came."""
        if state is None:
            return F.pad(x, (0, 0, self.past, 0))
        # (B, T, H, C): joined in this order, the pieces stay channels-last
        new = x.permute(0, 2, 3, 1)
        before = state.get(self)
        if before is None:
            before = new.new_zeros(len(new), self.past, *new.shape[2:])
        recent = torch.cat([before, new], 1)
        state[self] = recent[:, recent.shape[1] - self.past :]
        return recent.permute(0, 3, 1, 2)


class RowNorm(nn.LayerNorm):
    """Layer normalisation over the last axis, plus `skip`, then ReLU if `relu`; (..., C) -> the
    same.
    """

    def forward(self, x: Tensor, skip: Tensor | None = None, *, relu: bool = False) -> Tensor:
        y = super().forward(x) if skip is None else super().forward(x) + skip
        return F.relu(y) if relu else y


class Norm(RowNorm):
    """The same over channels, frame by frame and head by head; (B, C, T, H) -> the same.

    Batch normalisation, ResNet's own, would make a frame depend on the rest of its batch, and cost
    a step a millisecond more.
    """

    def forward(self, x: Tensor, skip: Tensor | None = None, *, relu: bool = False) -> Tensor:
        skip = None if skip is None else skip.permute(0, 2, 3, 1)
        return super().forward(x.permute(0, 2, 3, 1), skip, relu=relu).permute(0, 3, 1, 2)


class ConvBlock(nn.Module):
    """Convolution over time, normalisation, ReLU; (B, C, T, 1) -> (B, C', T, 1)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, dilation: int = 1, causal: bool = False
    ) -> None:
        super().__init__()
        self.conv = TimeConv(
            inputs, outputs, (kernel, 1), dilation=dilation, causal=causal, bias=False
        )
        self.norm = Norm(outputs)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        return self.norm(self.conv(x, state), relu=True)


class Recurrent(nn.LSTM):
    """Three stacked one-way LSTMs; (B, T, D) -> (B, T, hidden).

    One-way also offline: the state at a seam is then all that a long input needs to run in pieces
    without a trace.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden, num_layers=3, batch_first=True)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:  # type: ignore[override]  # nn.LSTM also returns its state
        y, carried = super().forward(x, None if state is None else state.get(self))
        if state is not None:
            state[self] = carried
        return y


def as_image(x: Tensor) -> Tensor:
    """(B, T, D) -> (B, D, T, 1), the same memory, with strides by which cuDNN knows it for
    channels-last.
    """
    return x.unsqueeze(2).permute(0, 3, 1, 2)


def as_series(x: Tensor) -> Tensor:
    """(B, C, T, H) -> (B, T, H C), heads outermost: no copy of a channels-last tensor."""
    return x.permute(0, 2, 3, 1).flatten(2)


def exchange(model: nn.Module, forms: Mapping[type[nn.Module], type[nn.Module]]) -> None:
    """Give the layers of a model other forms: subclasses that compute the same from the same
    parameters.

    Args:
        model: changed in place: give a copy.
        forms: a layer's class -> the subclass that takes its place.
    """
    for layer in model.modules():
        layer.__class__ = forms.get(type(layer), type(layer))
