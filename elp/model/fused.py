"""What PyTorch's own kernels are slow at, on CUDA (chapter "Training"): sampling the Base Space,
normalising few channels, waiting for weights.

`sample` is `decoders.encode(table, base_space(logits, tau, noise=gumbel(...)), e)`. At B = 128, H =
128, V = 64 the logits are 52 million numbers; written with tensor operations the noise, the
softmax, the one-hot vectors and their gradients cross the memory some forty times, here four times,
in bfloat16.
"""

# B clip, T frame, H head, V category, C channel of the coding
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from elp.model import streams


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


class _Convolved(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        parameters: tuple[Tensor, ...],
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
        ctx.parameters, ctx.options, ctx.pairs = parameters, options, pairs
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, kernel, *y = ctx.saved_tensors
        if y:
            grad = torch.ops.aten.threshold_backward(grad, y[0], 0)
        sizes = [len(kernel)] if len(ctx.parameters) > 1 else None
        gradients = lambda *which: torch.ops.aten.convolution_backward(  # noqa: E731
            grad, x, kernel, sizes, *ctx.options, False, [0, 0], 1, which
        )
        with aside(x, grad):
            found = gradients(False, True, sizes is not None)[1:]
            weight = _unpaired(found[0]) if ctx.pairs else found[0]
            ctx.parameters[0].grad = weight.contiguous(memory_format=torch.channels_last)
            if sizes:
                ctx.parameters[1].grad = found[1]
        return (
            gradients(True, False, False)[0] if ctx.needs_input_grad[0] else None,
            None,
            None,
            None,
            None,
            None,
            None,
        )


def _paired(weight: Tensor) -> Tensor:
    """(C', C, T, 3) of stride 2 over the heads -> (C', 2 C, T, 3) of stride 1 over pairs of heads:
    places -1, 0, 1 are then 1 to 3 of six.
    """
    pairs = (
        torch.nn.functional.pad(weight, (1, 2))
        .unflatten(3, (3, 2))
        .permute(0, 4, 1, 2, 3)
        .flatten(1, 2)
    )
    return pairs.contiguous(memory_format=torch.channels_last)


def _unpaired(grad: Tensor) -> Tensor:
    return grad.unflatten(1, (2, -1)).permute(0, 2, 3, 4, 1).flatten(3)[..., 1:4]


class _Mapped(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, parameters: tuple[Tensor, Tensor]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.parameters = parameters
        return torch.nn.functional.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        with aside(x, grad):
            rows = grad.flatten(0, -2)
            ctx.parameters[0].grad, ctx.parameters[1].grad = rows.T @ x.flatten(0, -2), rows.sum(0)
        return grad @ weight, None, None, None


@contextlib.contextmanager
def aside(*used: Tensor) -> Iterator[None]:
    """Within a backward pass: what is computed here runs on streams of its own, and is there when
    the pass ends.

    The chain from the loss to the first layer needs no gradient of any weight. `used` are the
    tensors that the block reads.
    """
    device = used[0].device
    side = next(streams.of(device).weights)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        yield
    for x in used:
        x.record_stream(side)
    torch.autograd.Variable._execution_engine.queue_callback(
        lambda: torch.cuda.current_stream(device).wait_stream(side)
    )


def convolved(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *options: Sequence[int],
    pairs: bool = False,
    relu: bool = False,
) -> Tensor:
    """`torch.conv2d`, whose gradients of weight and bias are computed beside the backward pass,
    which needs none of them.

    They replace what the parameters' `grad` held, so that each parameter may be used once between
    two calls of `zero_grad`.

    Args:
        x, weight, bias: on CUDA, the last two parameters. options: stride, padding, dilation.
        pairs: x holds heads in pairs, as channels, where the weight has stride 2: the gradient of a
            stride is slow in cuDNN.
        relu: ReLU follows.
    """
    return _Convolved.apply(
        x, weight, bias, (weight,) if bias is None else (weight, bias), options, pairs, relu
    )


def mapped(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`linear` under the same terms."""
    return _Mapped.apply(x, weight, bias, (weight, bias))
