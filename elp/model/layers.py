"""Convolutions and LSTMs over time that run a whole clip, or a stream piece by piece with the same
result.
"""

# B clip, C channel, T frame, H head (1 where a layer sees no heads)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

State = dict[Any, Any]  # what a stream carries from one piece to the next, by layer


def trains(x: Tensor) -> bool:
    """Whether this is the half-precision copy that trains on CUDA, where layers take the faster
    forms of `elp.model.fused`.
    """
    return x.is_cuda and x.dtype == torch.bfloat16


class TimeConv(nn.Conv2d):
    """Convolution over (time, heads) that keeps T; (B, C, T, H) -> (B, C', T, H').

    A conv1d is the case H = 1. Tensors stay in channels-last memory, (B, T, H, C), where neither
    the convolution nor the linear layers and LSTMs around it need a transposed copy.

    Args:
        inputs, outputs: channels. kernel: (frames, heads). dilation: of time. stride: of heads,
            padded by one on each side when the kernel is wider than one head.
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
        self.before, self.after = (span, 0) if causal else (span // 2, span - span // 2)
        self.relu = relu
        centred = span // 2 if self.before == self.after else 0
        super().__init__(
            inputs,
            outputs,
            kernel,
            (1, stride),
            (centred, kernel[1] // 2),
            (dilation, 1),
            bias=bias,
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # PyTorch's stubs lack this form

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        if self.before == self.after and not (state is not None and self.before):
            return super().forward(x)
        if self.after:
            raise RuntimeError(
                "a centred convolution cannot stream: build the model with causal=True"
            )
        if state is None:
            return super().forward(F.pad(x, (0, 0, self.before, 0)))
        # (B, T, H, C): joined in this order, the pieces stay channels-last
        new = x.permute(0, 2, 3, 1)
        past = state.get(self)
        recent = torch.cat(
            [
                new.new_zeros(new.shape[0], self.before, *new.shape[2:]) if past is None else past,
                new,
            ],
            1,
        )
        state[self] = recent[:, recent.shape[1] - self.before :]
        if new.shape[1] * self.kernel_size[1] == 1 and not x.is_cuda:
            return self._frame(recent, state)
        return super().forward(recent.permute(0, 3, 1, 2))

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        stride = self.stride[1]
        if not trains(x) or x.shape[3] % stride:
            return self._end(super()._conv_forward(x, weight, bias))
        from elp.model.fused import convolved

        if stride == 2:
            x = x.permute(0, 2, 3, 1).unflatten(2, (-1, 2)).flatten(3).permute(0, 3, 1, 2)
        return convolved(
            x, weight, bias, (1, 1), self.padding, self.dilation, pairs=stride == 2, relu=self.relu
        )

    def _end(self, y: Tensor) -> Tensor:
        return F.relu(y) if self.relu else y

    def _frame(self, recent: Tensor, state: State) -> Tensor:
        """(B, before + 1, 1, C) -> the newest frame (B, C', 1, 1) as one product: on a CPU,
        convolving takes three times as long.
        """
        weight = _packed(self, state, lambda: self.weight.permute(0, 2, 3, 1).flatten(1))
        if self.dilation[0] > 1:
            recent = recent[:, :: self.dilation[0]]
        return self._end(F.linear(recent.flatten(1), weight, self.bias).view(len(recent), -1, 1, 1))


class RowNorm(nn.LayerNorm):
    """Layer normalisation over the last axis, plus `skip`, then ReLU if `relu`; (..., C) -> the
    same.
    """

    def forward(self, x: Tensor, skip: Tensor | None = None, *, relu: bool = False) -> Tensor:
        if trains(x):
            from elp.model.fused import normalised

            return normalised(x, self.weight, self.bias, skip, self.eps, relu)
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
        if state is not None and x.shape[1] == 1 and not x.is_cuda:
            return self._frame(x[:, 0], state)[:, None]
        # float16, not bfloat16: only there cuDNN has kernels that keep the weights on the chip
        # between frames
        half = x.is_cuda and x.dtype == torch.bfloat16
        with torch.autocast("cuda", torch.float16, enabled=half, cache_enabled=False):
            y, carried = super().forward(x, None if state is None else state.get(self))
        if state is not None:
            state[self] = carried
        return y.to(x.dtype)

    def _frame(self, x: Tensor, state: State) -> Tensor:
        """(B, D) -> (B, hidden) by the textbook's formula; the kernel for sequences packs all
        weights anew at every call.
        """
        packed = _packed(
            self,
            state,
            lambda: [
                (torch.cat([w, u], 1).T.contiguous(), a + b) for w, u, a, b in self.all_weights
            ],
        )
        zeros = x.new_zeros(self.num_layers, len(x), self.hidden_size)
        before, found = state.get(self, (zeros, zeros)), []
        for (weight, bias), hidden, cell in zip(packed, *before, strict=True):
            i, f, g, o = torch.addmm(bias, torch.cat([x, hidden], 1), weight).chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            x = o.sigmoid() * cell.tanh()
            found.append((x, cell))
        state[self] = tuple(torch.stack(part) for part in zip(*found, strict=True))
        return x


class Wide(nn.Linear):
    """Linear layer with many more outputs than inputs; (B, T, D) -> (B, T, D').

    With one frame, reading the weights is all the work, and a CPU reads the transposed ones nearly
    twice as fast.
    """

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        if trains(x):
            from elp.model.fused import mapped

            return mapped(x, self.weight, self.bias)
        if state is None or x.shape[1] > 1 or x.is_cuda:
            return super().forward(x)
        return torch.addmm(
            self.bias, x[:, 0], _packed(self, state, lambda: self.weight.T.contiguous())
        )[:, None]


def _packed(layer: nn.Module, state: State, make: Callable[[], Any]) -> Any:
    """A layer's weights as a stream wants them, made at its first frame."""
    if (layer, "packed") not in state:
        state[layer, "packed"] = make()
    return state[layer, "packed"]


def as_image(x: Tensor) -> Tensor:
    """(B, T, D) -> (B, D, T, 1), the same memory, with strides by which cuDNN knows it for
    channels-last.
    """
    return x[:, :, None].permute(0, 3, 1, 2)


def as_series(x: Tensor) -> Tensor:
    """(B, C, T, H) -> (B, T, H C), heads outermost: no copy of a channels-last tensor."""
    return x.permute(0, 2, 3, 1).flatten(2)
