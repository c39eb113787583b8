"""What lasts about a listener: drawn once a conversation (chapter "Training")."""

# C conversation, D coefficient, K trait, N emotion
from __future__ import annotations

import torch
from torch import Tensor, nn

from elp.motion import POSE


class Traits(nn.Module):
    """Who listens: where the head rests, and how the face differs from what its emotion makes of
    everybody's.

    The speaker does not tell, so an answer to the speaker alone is everybody's mean: its spread
    over listeners is far too small. A conversation's mean face, less the mean of its emotion, is
    kept as K principal components; together with the rest of the head these are taken for normally
    distributed over listeners, and drawn. Where one frame of the listener is known, the portrait,
    they are told from it by linear regression.

    Args:
        count: K. beta: D. emotions: N.
    """

    centre: Tensor
    components: Tensor
    mean: Tensor
    factor: Tensor
    shown: Tensor
    gain: Tensor

    def __init__(self, count: int, beta: int, emotions: int) -> None:
        super().__init__()
        self.count, self.width = count, POSE + count
        self.register_buffer("centre", torch.zeros(emotions, beta))
        self.register_buffer("components", torch.zeros(beta, count))
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("factor", torch.zeros(self.width, self.width))
        self.register_buffer("shown", torch.zeros(POSE + beta))
        self.register_buffer("gain", torch.zeros(POSE + beta, self.width))

    @torch.no_grad()
    def calibrate(
        self, face: Tensor, rest: Tensor, e: Tensor, *, beta: Tensor, pose: Tensor
    ) -> None:
        """Learn the distribution from training conversations.

        Args:
            face: (C, D), each one's mean standardised β. rest: (C, 6), of the head, in the corpus's
                units. e: (C, N), rows sum to 1. beta, pose: (C, D) and (C, 6), one frame of each.
        """
        weight = e / e.sum(0).clamp_min(1e-6)
        self.centre.copy_(weight.T @ face)
        apart = face - e @ self.centre
        count = min(self.count, *apart.shape)
        _, spread, directions = torch.linalg.svd(apart.double(), full_matrices=False)
        scale = (spread[:count] / max(1, len(face)) ** 0.5).clamp_min(1e-6)
        self.components[:, :count] = (directions[:count].T / scale).float()
        both = torch.cat([rest, self.of(face, e)], 1).double()
        self.mean.copy_(both.mean(0))
        covariance = torch.cov(both.T, correction=0).reshape(self.width, self.width)
        values, vectors = torch.linalg.eigh(covariance)
        self.factor.copy_(vectors * values.clamp_min(0).sqrt() @ vectors.T)
        frame = torch.cat([pose, beta - e @ self.centre], 1).double()
        self.shown.copy_(frame.mean(0))
        x, y = frame - frame.mean(0), both - both.mean(0)
        self.gain.copy_(torch.linalg.pinv(x, rtol=1e-6) @ y)

    def of(self, face: Tensor, e: Tensor) -> Tensor:
        """Traits of mean faces (..., D) under emotions (..., N): (..., K), of variance 1 each over
        the training conversations.
        """
        return (face - e @ self.centre) @ self.components

    def told(self, beta: Tensor, pose: Tensor, e: Tensor) -> tuple[Tensor, Tensor]:
        """A listener from one frame, standardised β (..., D) and p (..., 6), and an emotion (...,
        N): where the head probably rests (..., 6) and the probable traits (..., K).
        """
        frame = torch.cat([pose, beta - e @ self.centre], -1)
        found = self.mean + (frame - self.shown) @ self.gain
        return found[..., :POSE], found[..., POSE:]

    def draw(self, normal: Tensor) -> tuple[Tensor, Tensor]:
        """A listener from normal numbers (..., 6 + K): where the head rests (..., 6) and the traits
        (..., K).
        """
        drawn = self.mean + normal @ self.factor.T
        return drawn[..., :POSE], drawn[..., POSE:]
