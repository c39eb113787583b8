"""Eq 2 and Figure 3: Base Space -> Transformed Space -> U (chapter "Base, Transformed, U")."""

# B clip, T frame, H head, V category, N emotion; n counts emotions from 0, codewords count from 1
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def gumbel(like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Gumbel(0, 1) noise of `like`'s shape and device, float32."""
    uniform = torch.rand(like.shape, generator=generator, device=like.device)
    return -(-uniform.clamp_min(1e-20).log()).clamp_min(1e-20).log()


def held(
    noise: Tensor,
    holds: Tensor,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Noise that stays for some frames: (B, T, H, V) and holds (H,) in
    frames -> the same shape, blocks of random phase.

    Every frame's distribution is as before. Draws that last let a head say
    something slow (a smile, a way of sitting), which noise that changes
    every frame averages away.
    """
    if bool((holds == 1).all()):
        return noise
    size, device = (len(noise), 1, len(holds)), noise.device
    phase = torch.rand(size, generator=generator, device=device) * holds
    frame = torch.arange(noise.shape[1], device=device)[None, :, None]
    block = (frame + phase.long()) // holds
    return noise.gather(1, block[..., None].expand_as(noise))


class _StraightThrough(torch.autograd.Function):
    """Forward: one-hot of the largest. Backward: the gradient of softmax(scores / τ).

    Written out because autograd's own graph of the same formula keeps four (B, T, H, V) arrays
    instead of one.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, tau: float) -> Tensor:
        soft = (scores / tau).softmax(-1)
        ctx.save_for_backward(soft)
        ctx.tau = tau
        return torch.zeros_like(soft).scatter_(-1, soft.argmax(-1, keepdim=True), 1.0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (soft,) = ctx.saved_tensors
        product = grad * soft
        return (product - soft * product.sum(-1, keepdim=True)) / ctx.tau, None


def base_space(
    logits: Tensor,
    tau: float = 1.0,
    *,
    noise: Tensor | None = None,
) -> Tensor:
    """Eq 2: one-hot vectors sampled by Gumbel-Softmax, hard forwards, soft
    backwards (straight-through).

    Args:
        logits: (..., H, V) unnormalised log-probabilities.
        tau: temperature of the soft sample whose gradient is used; the
            hard sample does not depend on it.
        noise: Gumbel noise of the same shape, from `gumbel`; None takes
            the most probable category.

    Returns:
        (..., H, V) one-hot, dtype of the scores.
    """
    scores = logits if noise is None else logits + noise
    return _StraightThrough.apply(scores, tau)


def transformed_space(base: Tensor, e: Tensor) -> Tensor:
    """Split and rearrange: blocks e_n · Base, concatenated. For reading and
    testing; the model never builds it.

    Args:
        base: (B, T, H, V) one-hot.
        e: (B, N) emotion vector, one-hot or a mixture.

    Returns:
        (B, T, H, N V); only the blocks of active emotions are non-zero.
    """
    blocks = e[:, None, None, :, None] * base[..., None, :]
    return blocks.flatten(-2)


def rearrange(base: Tensor, e: Tensor) -> Tensor:
    """U: the argmax of the Transformed Space, without building it.

    Args:
        base: (B, T, H, V) one-hot.
        e: (B, N) emotion vector; of a mixture the strongest decides.

    Returns:
        (B, T, H) int64; emotion n takes values in [n V + 1, (n + 1) V]:
            the ranges are disjoint, the shape has not grown.
    """
    block = e.argmax(-1)[:, None, None] * base.shape[-1]
    return block + base.argmax(-1) + 1


def codeword_values(emotions: int, categories: int) -> Tensor:
    """The integers 1 ... N V of U scaled to [-1, 1]: (N, V) float32, the "value" coding's whole
    table.
    """
    return torch.linspace(-1, 1, emotions * categories).reshape(emotions, categories)


def one_hot(scores: Tensor) -> Tensor:
    """(..., N) -> one-hot of the largest, float32."""
    return torch.nn.functional.one_hot(scores.argmax(-1), scores.shape[-1]).float()
