"""All parameters of a model in one tensor (chapter "Training").

The cast to half precision, the all-reduce and the optimiser are then one kernel each instead of two
hundred.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def flatten(model: nn.Module) -> Tensor:
    """Move all parameters into one tensor, which is returned; the model reads its slices."""
    parameters = list(model.parameters())
    flat = parameters[0].new_zeros(sum(map(_room, parameters)))
    for p, part in zip(parameters, flat.split([_room(p) for p in parameters]), strict=True):
        view = part[: p.numel()].view(_rows(p).shape)
        view.copy_(_rows(p.detach()))
        p.data = view.permute(0, 3, 1, 2) if p.dim() == 4 else view
    return flat.detach()


def collect(model: nn.Module, gradient: Tensor) -> None:
    """Copy the parameters' gradients into one tensor, in the order of `flatten`."""
    parameters = list(model.parameters())
    parts = gradient.split([_room(p) for p in parameters])
    views = [part[: p.numel()] for p, part in zip(parameters, parts, strict=True)]
    found = [_rows(p.grad).flatten() for p in parameters if p.grad is not None]
    torch._foreach_copy_(views, found)  # one kernel: all are vectors


def _rows(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x  # convolutions lie channels-last in memory


def _room(x: Tensor) -> int:
    # aligned: cuDNN falls back to kernels five times slower where a parameter starts at an odd
    # address
    return -(-x.numel() // 128) * 128
