"""Layer normalisation of few channels on CUDA, for which PyTorch's own kernel takes ten times as
long (chapter "Training").
"""

# R row, C channel
from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor


# a kernel's arguments bear no types: Triton finds them when it compiles
@triton.jit
def _standard(x, place, inside, C, eps):  # type: ignore[no-untyped-def]
    """Rows of x with mean 0 and variance 1, and one over their deviations."""
    v = tl.load(x + place, mask=inside, other=0.0).to(tl.float32)
    v = tl.where(inside, v - (tl.sum(v, 1) / C)[:, None], 0.0)
    scale = 1 / tl.sqrt(tl.sum(v * v, 1) / C + eps)
    return v * scale[:, None], scale


@triton.jit
def _norm_forward(  # type: ignore[no-untyped-def]
    x,
    weight,
    bias,
    skip,
    y,
    R,
    C,
    eps,
    RELU: tl.constexpr,
    SKIP: tl.constexpr,
    BR: tl.constexpr,
    BC: tl.constexpr,
):
    r, c = tl.program_id(0) * BR + tl.arange(0, BR), tl.arange(0, BC)
    place, inside = r[:, None].to(tl.int64) * C + c[None, :], (r[:, None] < R) & (c[None, :] < C)
    w = tl.load(weight + c, mask=c < C, other=0.0).to(tl.float32)
    b = tl.load(bias + c, mask=c < C, other=0.0).to(tl.float32)
    z = _standard(x, place, inside, C, eps)[0] * w[None, :] + b[None, :]
    if SKIP:
        z += tl.load(skip + place, mask=inside, other=0.0).to(tl.float32)
    tl.store(y + place, (tl.maximum(z, 0.0) if RELU else z).to(tl.bfloat16), mask=inside)


@triton.jit
def _norm_backward(  # type: ignore[no-untyped-def]
    grad,
    x,
    y,
    weight,
    d_x,
    d_skip,
    partial,
    R,
    C,
    eps,
    RELU: tl.constexpr,
    SKIP: tl.constexpr,
    BR: tl.constexpr,
    BC: tl.constexpr,
):
    c = tl.arange(0, BC)
    w = tl.load(weight + c, mask=c < C, other=0.0).to(tl.float32)
    d_weight, d_bias = tl.zeros((BC,), tl.float32), tl.zeros((BC,), tl.float32)
    for block in range(tl.program_id(0), tl.cdiv(R, BR), tl.num_programs(0)):
        r = block * BR + tl.arange(0, BR)
        place, inside = (
            r[:, None].to(tl.int64) * C + c[None, :],
            (r[:, None] < R) & (c[None, :] < C),
        )
        hat, scale = _standard(x, place, inside, C, eps)
        g = tl.load(grad + place, mask=inside, other=0.0).to(tl.float32)
        if RELU:
            g = tl.where(tl.load(y + place, mask=inside, other=0.0) > 0, g, 0.0)
        if SKIP:
            tl.store(d_skip + place, g.to(tl.bfloat16), mask=inside)
        d_weight += tl.sum(g * hat, 0)
        d_bias += tl.sum(g, 0)
        g *= w[None, :]
        d = g - (tl.sum(g, 1) / C)[:, None] - hat * (tl.sum(g * hat, 1) / C)[:, None]
        tl.store(d_x + place, (d * scale[:, None]).to(tl.bfloat16), mask=inside)
    row = partial + tl.program_id(0) * 2 * BC
    tl.store(row + c, d_weight)
    tl.store(row + BC + c, d_bias)


@triton.jit
def _norm_sum(partial, d_both, P, C, BP: tl.constexpr, BC: tl.constexpr):  # type: ignore[no-untyped-def]
    p, c = tl.arange(0, BP), tl.program_id(0) * 16 + tl.arange(0, 16)
    parts = tl.load(partial + p[:, None] * 2 * BC + c[None, :], mask=p[:, None] < P, other=0.0)
    tl.store(d_both + c, tl.sum(parts, 0).to(tl.bfloat16))


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        skip: Tensor | None,
        eps: float,
        relu: bool,
    ) -> Tensor:
        columns = max(16, triton.next_power_of_2(x.shape[-1]))
        blocks = {
            "RELU": relu,
            "SKIP": skip is not None,
            "BR": max(1, 2048 // columns),
            "BC": columns,
        }
        y, rows = torch.empty_like(x), x.numel() // x.shape[-1]
        _norm_forward[(triton.cdiv(rows, blocks["BR"]),)](
            x, weight, bias, x if skip is None else skip, y, rows, x.shape[-1], eps, **blocks
        )
        ctx.save_for_backward(x, y, weight)
        ctx.eps, ctx.blocks = eps, blocks
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, y, weight = ctx.saved_tensors
        rows, channels, columns = x.numel() // x.shape[-1], x.shape[-1], ctx.blocks["BC"]
        programs = min(triton.cdiv(rows, ctx.blocks["BR"]), 1024)
        d_x, partial = torch.empty_like(x), torch.empty(programs, 2, columns, device=x.device)
        d_skip = torch.empty_like(x) if ctx.blocks["SKIP"] else None
        d_both = torch.empty(2, columns, dtype=weight.dtype, device=x.device)
        args = (
            grad.contiguous(),
            x,
            y,
            weight,
            d_x,
            d_x if d_skip is None else d_skip,
            partial,
            rows,
            channels,
            ctx.eps,
        )
        _norm_backward[(programs,)](*args, **ctx.blocks)
        _norm_sum[(columns // 8,)](
            partial, d_both, programs, channels, BP=triton.next_power_of_2(programs), BC=columns
        )
        return d_x, d_both[0, :channels], d_both[1, :channels], d_skip, None, None


def normalised(
    x: Tensor, weight: Tensor, bias: Tensor, skip: Tensor | None, eps: float, relu: bool
) -> Tensor:
    """Layer normalisation over the last axis, plus `skip`, then ReLU if `relu`; for sixteen
    channels PyTorch's own takes ten times as long.

    Args:
        x: (..., C) bfloat16 on CUDA. weight, bias: (C,) bfloat16. skip: like x, or None.

    Returns:
        (..., C) bfloat16, contiguous.
    """
    return _Normalised.apply(
        x.contiguous(), weight, bias, None if skip is None else skip.contiguous(), eps, relu
    )
