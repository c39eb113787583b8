"""Convolutions and linear layers on CUDA whose parameters' gradients are computed beside the
backward pass, which needs none of them (chapter "Training").

These gradients replace what the parameters' `grad` held, so that each parameter may be used once
between two calls of `zero_grad`.
"""

# B clip, C channel, T frame, H head
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from elp.training.cuda.streams import Streams


class _Convolved(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        parameters: tuple[Tensor, ...],
        streams: Streams,
        options: tuple[Any, ...],
        pairs: bool,
        relu: bool,
    ) -> Tensor:
        kernel = _paired(weight) if pairs else weight
        # with the ReLU in the same kernel, bias and ReLU cross the memory no second and third time
        stride, padding, dilation = options
        whole = torch.cudnn_convolution_relu if relu else torch.conv2d
        y = whole(x, kernel, bias, stride, padding, dilation, 1)
        ctx.save_for_backward(x, kernel, *([y] if relu else []))
        ctx.parameters, ctx.streams, ctx.options, ctx.pairs = parameters, streams, options, pairs
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, kernel, *y = ctx.saved_tensors
        if y:
            grad = torch.ops.aten.threshold_backward(grad, y[0], 0)
        weight, *bias = ctx.parameters
        sizes = [len(kernel)] if bias else None

        def gradients(*which: bool) -> tuple[Any, ...]:
            return torch.ops.aten.convolution_backward(
                grad, x, kernel, sizes, *ctx.options, False, [0, 0], 1, which
            )

        with ctx.streams.gradients(x, grad):
            _, found, of_bias = gradients(False, True, bool(bias))
            found = _unpaired(found) if ctx.pairs else found
            weight.grad = found.contiguous(memory_format=torch.channels_last)
            if bias:
                bias[0].grad = of_bias
        of_input = gradients(True, False, False)[0] if ctx.needs_input_grad[0] else None
        return of_input, None, None, None, None, None, None, None


def convolved(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    streams: Streams,
    *,
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    pairs: bool = False,
    relu: bool = False,
) -> Tensor:
    """`torch.conv2d` of stride 1.

    Args:
        x, weight, bias: on CUDA, the last two parameters.
        streams: of the training.
        pairs: x holds heads in pairs, as channels, where the weight has stride 2: the gradient of a
            stride is slow in cuDNN.
        relu: ReLU follows.
    """
    parameters = (weight,) if bias is None else (weight, bias)
    options = ((1, 1), padding, dilation)
    return _Convolved.apply(x, weight, bias, parameters, streams, options, pairs, relu)


def in_pairs(x: Tensor) -> Tensor:
    """(B, C, T, H) -> (B, 2 C, T, H / 2): neighbouring heads as channels of one."""
    return x.permute(0, 2, 3, 1).unflatten(2, (-1, 2)).flatten(3).permute(0, 3, 1, 2)


def _paired(weight: Tensor) -> Tensor:
    """(C', C, T, 3) of stride 2 over the heads -> (C', 2 C, T, 3) of stride 1 over pairs of heads:
    places -1, 0, 1 are then 1 to 3 of six.
    """
    six = torch.nn.functional.pad(weight, (1, 2)).unflatten(3, (3, 2))
    pairs = six.permute(0, 4, 1, 2, 3).flatten(1, 2)
    return pairs.contiguous(memory_format=torch.channels_last)


def _unpaired(grad: Tensor) -> Tensor:
    return grad.unflatten(1, (2, -1)).permute(0, 2, 3, 4, 1).flatten(3)[..., 1:4]


class _Mapped(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        parameters: tuple[Tensor, Tensor],
        streams: Streams,
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.parameters, ctx.streams = parameters, streams
        return torch.nn.functional.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        with ctx.streams.gradients(x, grad):
            rows = grad.flatten(0, -2)
            ctx.parameters[0].grad, ctx.parameters[1].grad = rows.T @ x.flatten(0, -2), rows.sum(0)
        return grad @ weight, None, None, None, None


def mapped(x: Tensor, weight: Tensor, bias: Tensor, streams: Streams) -> Tensor:
    """`torch.nn.functional.linear` under the same terms."""
    return _Mapped.apply(x, weight, bias, (weight, bias), streams)
