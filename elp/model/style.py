"""Eq 1: the speaker's style, s_sty(t) = a(t) ⊕ σ(β(t)) ⊕ σ(∂β/∂t) ⊕ σ(∂p/∂t) (chapter "Style
features").
"""

# B clip, T frame, D coefficient; "..." any leading axes
from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from elp.errors import ElpError
from elp.motion import FPS

Window = int | Literal["clip"]
SECOND = 25  # frames


def derivative(x: Tensor, fps: float = FPS) -> Tensor:
    """∂x/∂t by backward differences, per second; 0 in the first frame.

    Backward, so that a stream can compute it too. (..., T, D) -> the
    same.
    """
    return F.pad(x.diff(dim=-2) * fps, (0, 0, 1, 0))


def sigma(
    x: Tensor,
    window: Window = SECOND,
    *,
    causal: bool = False,
) -> Tensor:
    """Standard deviation over time around each frame.

    Args:
        x: (..., T, D) float.
        window: number of frames (odd unless causal), the clip's ends
            replicated; or "clip": all of the clip.
        causal: use only frames up to t: the last `window` ones, or with
            "clip" all since the start.

    Returns:
        (..., T, D), at least 0, in x's unit and dtype. Sums run in
            float64: a slow drift must not drown a small tremor.

    Raises:
        ElpError: window is no positive (odd) number of frames or "clip".
    """
    wide = x.double()
    if window == "clip":
        if not causal:
            whole = wide.std(-2, correction=0, keepdim=True)
            return whole.expand_as(wide).to(x.dtype)
        count = torch.arange(1, x.shape[-2] + 1, device=x.device)[:, None]
        mean = wide.cumsum(-2) / count
        square = wide.square().cumsum(-2) / count
    else:
        mean = _running(wide, window, causal)
        square = _running(wide.square(), window, causal)
    return (square - mean.square()).clamp_min(0).sqrt().to(x.dtype)


def _running(x: Tensor, window: int, causal: bool) -> Tensor:
    """Mean over the window's frames, edges replicated; (..., T, D) -> (..., T, D)."""
    if not isinstance(window, int) or window < 1 or (window % 2 == 0 and not causal):
        raise ElpError(
            f"style window {window!r}: give an odd number of frames (25 is one second) or 'clip'"
        )
    before = window - 1 if causal else window // 2
    flat = x.reshape(-1, *x.shape[-2:]).mT
    padded = F.pad(flat, (before, window - 1 - before), mode="replicate")
    return F.avg_pool1d(padded, window, stride=1).mT.reshape(x.shape)


def motion_style(
    beta: Tensor,
    pose: Tensor,
    window: Window = SECOND,
    *,
    causal: bool = False,
    raw_motion: bool = False,
    fps: float = FPS,
) -> Tensor:
    """The part of Eq 1 that needs no learning: σ(β) ⊕ σ(∂β/∂t) ⊕ σ(∂p/∂t).

    Args:
        beta: (..., T, D) expression coefficients.
        pose: (..., T, 6) rotation and translation.
        window, causal: see `sigma`. The paper says "frame by frame" and
            leaves the window open.
        raw_motion: append β and p themselves, which Eq 1 leaves out.
        fps: frames per second.

    Returns:
        (..., T, 2 D + 6): 206 numbers a frame at the paper's D = 100;
            with `raw_motion` (..., T, 3 D + 12).
    """
    parts = (beta, derivative(beta, fps), derivative(pose, fps))
    deviations = [sigma(part, window, causal=causal) for part in parts]
    return torch.cat(deviations + ([beta, pose] if raw_motion else []), -1)


class StyleStream:
    """`motion_style` of a speaker who is still moving, equal to the causal one of the whole.

    Args:
        window: frames of σ. raw_motion: append β and p themselves.
    """

    def __init__(self, window: int, *, raw_motion: bool = False, fps: float = FPS) -> None:
        self.window, self.raw_motion, self.fps = window, raw_motion, fps
        self.last: Tensor | None = None  # frame, (..., 1, D + 6)
        self.past: Tensor  # β and speeds of the frames that σ still sees

    def push(self, beta: Tensor, pose: Tensor) -> Tensor:
        """The next frames, (..., T, D) and (..., T, 6) -> (..., T, 2 D + 6), with `raw_motion`
        (..., T, 3 D + 12).
        """
        new, width = torch.cat([beta, pose], -1), beta.shape[-1]
        if self.last is None:  # a face that was still before the first frame
            self.last = new[..., :1, :]
            still = torch.cat([self.last[..., :width], torch.zeros_like(self.last)], -1).double()
            self.past = still.expand(*new.shape[:-2], self.window - 1, -1)
        recent = torch.cat([self.last, new], -2)
        self.last, speed = recent[..., -1:, :], recent.diff(dim=-2) * self.fps
        values = torch.cat([self.past, torch.cat([beta, speed], -1).double()], -2)
        self.past = values[..., new.shape[-2] :, :]
        seen = values.unfold(-2, self.window, 1)
        # for one frame, PyTorch's own deviation takes twice as long
        apart = seen - seen.mean(-1, keepdim=True)
        style = apart.square().mean(-1).sqrt().to(beta.dtype)
        return torch.cat([style, new], -1) if self.raw_motion else style


def speaker_style(audio: Tensor, motion: Tensor) -> Tensor:
    """s_sty(t) = a(t) ⊕ motion style: (..., T, 128) and (..., T, 206) -> (..., T, 334)."""
    return torch.cat([audio, motion], dim=-1)
