"""Convolutions and LSTMs over time that can run a whole clip, or a stream piece by piece with the same result."""

# B clip, C channel, T frame, H head
from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

State = dict[nn.Module, Any]  # what a stream carries from one piece to the next, by layer


class TimeConv1d(nn.Conv1d):
    """Conv1d that keeps T: zero-padded centred, or on the left only when causal; (B, C, T) -> (B, C', T)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, dilation: int = 1, causal: bool = False) -> None:
        super().__init__(inputs, outputs, kernel, dilation=dilation)
        span = (kernel - 1) * dilation
        self.before, self.after = (span, 0) if causal else (span // 2, span - span // 2)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        return super().forward(_extend(self, x, state, -1))


class TimeConv2d(nn.Conv2d):
    """Conv2d over (time, heads) that keeps T; padding in time as in `TimeConv1d`; (B, C, T, H) -> (B, C', T, H')."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], *, stride: int = 1, pad: int = 0, causal: bool = False) -> None:
        super().__init__(inputs, outputs, kernel, stride=(1, stride), padding=(0, pad))
        span = kernel[0] - 1
        self.before, self.after = (span, 0) if causal else (span // 2, span - span // 2)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        return super().forward(_extend(self, x, state, -2))


def _extend(layer: TimeConv1d | TimeConv2d, x: Tensor, state: State | None, axis: int) -> Tensor:
    """x with the frames that the kernel needs around it: zeros at the ends of a clip, the past in a stream."""
    if state is None:
        last = x.dim() + axis
        return F.pad(x, [0, 0] * (x.dim() - 1 - last) + [layer.before, layer.after])
    if layer.after:
        raise RuntimeError("a centred convolution cannot stream: build the model with causal=True")
    past = state.get(layer)
    if past is None:
        shape = list(x.shape)
        shape[axis] = layer.before
        past = x.new_zeros(shape)
    joined = torch.cat([past, x], axis)
    state[layer] = joined.narrow(axis, joined.shape[axis] - layer.before, layer.before)
    return joined


class ConvBlock(nn.Module):
    """Convolution, batch normalisation, ReLU; (B, C, T) -> (B, C', T)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, dilation: int = 1, causal: bool = False) -> None:
        super().__init__()
        self.conv = TimeConv1d(inputs, outputs, kernel, dilation=dilation, causal=causal)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        return F.relu(self.norm(self.conv(x, state)))


class Recurrent(nn.Module):
    """Stacked one-way LSTMs; (B, T, D) -> (B, T, hidden).

    One-way also offline: the state at a seam is then all that a long input needs to run in pieces without a trace.
    One module a layer, in half precision on CUDA: only there does cuDNN keep the weights on the chip between frames
    (chapter "Training" measures it).
    """

    def __init__(self, inputs: int, hidden: int, layers: int = 3) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.LSTM(inputs if n == 0 else hidden, hidden, batch_first=True) for n in range(layers))

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        half = x.is_cuda and torch.is_autocast_enabled("cuda")
        with torch.autocast("cuda", torch.float16, enabled=half):
            for layer in self.layers:
                x, carried = layer(x, None if state is None else state.get(layer))
                if state is not None:
                    state[layer] = carried
        return x
