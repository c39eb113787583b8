"""Sampling the Base Space on CUDA (chapter "Training").

`sample` is `decoders.encode(table, base_space(logits, tau, noise=gumbel(...)), e)`. At B = 128, H =
128, V = 64 the logits are 52 million numbers; written with tensor operations the noise, the
softmax, the one-hot vectors and their gradients cross the memory some forty times, here four times,
in bfloat16.
"""

# B clip, T frame, H head, V category, C channel of the coding
from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor


# a kernel's arguments bear no types: Triton finds them when it compiles
@triton.jit
def _forward(  # type: ignore[no-untyped-def]
    logits,
    table,
    seed,
    holds,
    image,
    soft,
    index,
    T,
    H,
    V,
    C,
    HT,
    tau,
    BT: tl.constexpr,
    BV: tl.constexpr,
    BC: tl.constexpr,
):
    b, h = tl.program_id(0) // H, tl.program_id(0) % H
    t, v, c = tl.arange(0, BT), tl.arange(0, BV), tl.arange(0, BC)
    row = (b * T + t) * H + h
    place, inside = row[:, None].to(tl.int64) * V + v[None, :], (t[:, None] < T) & (v[None, :] < V)
    hold, number = tl.load(holds + h), tl.load(seed)
    # the draw lasts `hold` frames
    block = (t + (tl.rand(number + 1, tl.program_id(0)) * hold).to(tl.int32)) // hold
    counter = ((b * T + block) * H + h)[:, None] * (BV // 4) + tl.arange(0, BV // 4)[None, :]
    # seven rounds of Philox pass the usual batteries
    one, two, three, four = tl.rand4x(number, counter, n_rounds=7)
    uniform = tl.reshape(tl.join(tl.join(one, two), tl.join(three, four)), (BT, BV))
    noise = -tl.log(tl.maximum(-tl.log(tl.maximum(uniform, 1e-20)), 1e-20))
    scores = tl.load(logits + place, mask=inside, other=0.0).to(tl.float32) + noise
    scores = tl.where(v[None, :] < V, scores / tau, float("-inf"))
    top, chosen = tl.max(scores, 1, return_indices=True)
    power = tl.exp(scores - top[:, None])
    tl.store(soft + place, (power / tl.sum(power, 1)[:, None]).to(tl.bfloat16), mask=inside)
    tl.store(index + row, chosen.to(tl.int16), mask=t < T)
    within = (t[:, None] < T) & (c[None, :] < C)
    vectors = tl.load(
        table + ((b * HT + h % HT) * V + chosen[:, None]) * C + c[None, :], mask=within, other=0.0
    )
    tl.store(image + row[:, None] * C + c[None, :], vectors.to(tl.bfloat16), mask=within)


@triton.jit
def _backward(  # type: ignore[no-untyped-def]
    grad,
    table,
    soft,
    index,
    d_logits,
    d_table,
    T,
    H,
    V,
    C,
    HT,
    tau,
    LEARNED: tl.constexpr,
    BT: tl.constexpr,
    BV: tl.constexpr,
    BC: tl.constexpr,
):
    b, h = tl.program_id(0) // H, tl.program_id(0) % H
    t, v, c = tl.arange(0, BT), tl.arange(0, BV), tl.arange(0, BC)
    row = (b * T + t) * H + h
    place, inside = row[:, None].to(tl.int64) * V + v[None, :], (t[:, None] < T) & (v[None, :] < V)
    words = ((b * HT + h % HT) * V + v[:, None]) * C + c[None, :]
    known = (v[:, None] < V) & (c[None, :] < C)
    g = tl.load(
        grad + row[:, None] * C + c[None, :], mask=(t[:, None] < T) & (c[None, :] < C), other=0.0
    )
    vectors = tl.load(table + words, mask=known, other=0.0).to(tl.bfloat16)
    d_base = tl.dot(g, tl.trans(vectors))
    y = tl.load(soft + place, mask=inside, other=0.0).to(tl.float32)
    product = d_base * y
    result = (product - y * tl.sum(product, 1)[:, None]) / tau
    tl.store(d_logits + place, result.to(tl.bfloat16), mask=inside)
    if LEARNED:
        chosen = tl.load(index + row, mask=t < T, other=-1).to(tl.int32)
        hit = (v[:, None] == chosen[None, :]).to(tl.bfloat16)
        tl.store(d_table + words, tl.dot(hit, g), mask=known)


class _Sample(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, table: Tensor, seed: Tensor, tau: float, holds: Tensor
    ) -> tuple[Tensor, Tensor]:
        B, T, H, V = logits.shape
        HT, C = table.shape[1], table.shape[3]
        image = torch.empty(B, T, H, C, dtype=torch.bfloat16, device=logits.device)
        soft = torch.empty_like(logits)
        index = torch.empty(B, T, H, dtype=torch.int16, device=logits.device)
        blocks = {
            name: max(16, triton.next_power_of_2(size))
            for name, size in (("BT", T), ("BV", V), ("BC", C))
        }
        _forward[(B * H,)](
            logits, table, seed, holds, image, soft, index, T, H, V, C, HT, tau, **blocks
        )
        ctx.save_for_backward(table, soft, index)
        ctx.tau, ctx.blocks = tau, blocks
        ctx.mark_non_differentiable(index)
        return image, index

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        table, soft, index = ctx.saved_tensors
        B, T, H, V = soft.shape
        HT, C = table.shape[1], table.shape[3]
        learned = ctx.needs_input_grad[1]
        d_logits, d_table = torch.empty_like(soft), torch.empty_like(table) if learned else table
        sizes = (T, H, V, C, HT, ctx.tau, learned)
        _backward[(B * H,)](
            grad.contiguous(), table, soft, index, d_logits, d_table, *sizes, **ctx.blocks
        )
        return d_logits, d_table if learned else None, None, None, None


def sample(
    logits: Tensor, table: Tensor, tau: float, generator: torch.Generator | None, holds: Tensor
) -> tuple[Tensor, Tensor]:
    """Gumbel-Softmax sample of every head, read through the emotion's table; gradients are
    straight-through.

    Args:
        logits: (B, T, H, V) bfloat16 on CUDA, contiguous. table: (B, H or 1, V, C) float32, from
            `decoders.mixed`; a table that is shared by all heads must not ask for a gradient.
        tau: temperature of the soft gradient. generator: one number of it seeds the noise. holds:
            (H,) int64, see `space.held`.

    Returns:
        Image (B, C, T, H) bfloat16, channels last in memory, and categories (B, T, H) int16.
    """
    seed = torch.randint(2**31 - 1, (1,), generator=generator, device=logits.device)
    image, index = _Sample.apply(logits.contiguous(), table.float().contiguous(), seed, tau, holds)
    return image.permute(0, 3, 1, 2), index
