"""Eq 3-7: what training minimises (chapter "Training")."""

# B clip, T frame, D coefficient, N emotion
from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from elp.errors import ElpError

LAGS = (2, 12)  # frames: a nod's stroke, half a second


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """λ1, λ2, λ3 of Eq 7 and the reduction, which the paper leaves open (chapter "Training").

    `reduction="mean"` averages over frames and over each vector's coefficients; "sum" adds both up,
    as Eq 3-5 are printed, and 106 coefficients then outweigh one blink a hundredfold. Both average
    over the clips of a batch.

    `score="l2"` is Eq 3. Its best answer is the mean of all good answers, which stands almost
    still; `score="energy"` puts a proper score in its place (`energy`), whose best answer is to be
    as various as the listeners are; it compares `draws` of the codes.
    """

    motion: float = 1.0
    blink: float = 5.0
    emotion: float = 5.0
    smooth: float = 0.01
    reduction: Literal["mean", "sum"] = "mean"
    score: Literal["l2", "energy"] = "l2"
    draws: int = 2

    def __post_init__(self) -> None:
        if self.score == "energy" and self.draws < 2:
            raise ElpError(
                f"loss option draws={self.draws}: the energy score compares draws: choose 2 or more"
            )

    @property
    def samples(self) -> int:
        """Draws of the codes that a clip needs: Eq 3 asks for one, the energy score compares
        several.
        """
        return self.draws if self.score == "energy" else 1


class Target(NamedTuple):
    """The true listener: beta (B, T, D) and pose (B, T, 6) standardised, blink (B, T) in {0, 1}, e
    (B, N), valid (B, T) bool.
    """

    beta: Tensor
    pose: Tensor
    blink: Tensor
    e: Tensor
    valid: Tensor


def motion_l2(
    beta: Tensor,
    pose: Tensor,
    true_beta: Tensor,
    true_pose: Tensor,
    importance: Tensor | float = 1.0,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Eq 3 of each frame, |β - β'|² + |p - p'|², over D and over 6 when reduction is "mean".

    Args:
        beta, true_beta: (B, T, D) standardised. pose, true_pose: (B, T, 6) standardised.
        importance: (D,) of each squared error of β; var(β_d) over its mean makes this the face
            model's own |β - β'|², a movement of the mesh, up to one factor. Head pose mixes radians
            and centimetres and stays standardised.

    Returns:
        (B, T) float32.
    """
    of_beta = (beta.float() - true_beta).square() * importance
    of_pose = (pose.float() - true_pose).square()
    if reduction == "sum":
        return of_beta.sum(-1) + of_pose.sum(-1)
    return of_beta.mean(-1) + of_pose.mean(-1)


def energy(x: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """Energy score of K draws, mean |a - y| - ½ mean |a - b|, of positions
    and of changes over `LAGS` frames; not in the paper.

    In expectation it is least where the draws have the truth's own
    distribution (Gneiting & Raftery 2007, section 4.3).

    Args:
        x: (K B, T, D) predictions, K at least 2, all clips' first draws
            first. truth: (B, T, D). valid: (B, T) bool.

    Returns:
        Scalar, the mean over frames and statistics, each in units of its
            own root mean square.
    """
    found = []
    for lag in (0, *LAGS):
        y, seen = _change(truth, lag), valid[:, lag:]
        seen = seen & valid[:, : valid.shape[1] - lag]
        draws = _change(x, lag).chunk(len(x) // len(truth))
        pairs = itertools.combinations(draws, 2)
        apart = [_length(a - b) for a, b in pairs]
        off = sum(_length(a - y) for a in draws) / len(draws)
        score = off - 0.5 * sum(apart) / len(apart)
        count = seen.sum().clamp_min(1)
        scale = ((y.square().sum(-1) * seen).sum() / count).sqrt()
        mean = (score * seen).sum() / count / scale.clamp_min(1e-3)
        # what never moves, such as the head in a corpus without poses,
        # has no unit and teaches nothing
        found.append(torch.where(scale > 1e-3, mean, 0.0))
    return torch.stack(found).mean()


def _length(x: Tensor) -> Tensor:
    return (x.square().sum(-1) + 1e-6).sqrt()  # its gradient at zero is finite


def _change(x: Tensor, lag: int) -> Tensor:
    return x[:, lag:] - x[:, : x.shape[1] - lag] if lag else x


def blink_cross_entropy(logit: Tensor, blink: Tensor) -> Tensor:
    """Eq 4 of each frame: two-sided cross-entropy of the blink decision; (B, T) logits and {0, 1}
    -> (B, T).
    """
    return F.binary_cross_entropy_with_logits(logit.float(), blink.float(), reduction="none")


def blink_smoothness(logit: Tensor) -> Tensor:
    """Eq 5 of each frame: |φ(t) - φ(t-1)| of the predicted probabilities, 0 in the first; (B, T) ->
    (B, T).
    """
    return F.pad(logit.float().sigmoid().diff(dim=-1).abs(), (1, 0))


def emotion_cross_entropy(logits: Tensor, e: Tensor) -> Tensor:
    """Eq 6 of each clip: two-sided cross-entropy, one binary decision an emotion; (B, N) logits and
    targets -> (B,).

    A clip whose emotion is unknown has e = 0 everywhere and costs nothing.
    """
    each = F.binary_cross_entropy_with_logits(logits.float(), e.float(), reduction="none").sum(-1)
    return each * (e.sum(-1) > 0)


def total(
    beta: Tensor,
    pose: Tensor,
    blink: Tensor,
    emotion: Tensor,
    target: Target,
    weights: LossWeights,
    importance: Tensor | float = 1.0,
) -> dict[str, Tensor]:
    """Eq 7: the weighted sum and its terms.

    Args:
        beta, pose, blink, emotion: what `ASE.forward` predicts.
        target: the true listener; frames that are not valid cost nothing.
        weights: λ and the reduction.
        importance: of β's coefficients, see `motion_l2`.

    Returns:
        Scalars "loss" and, each before its λ, "motion", "blink", "smooth",
            "emotion".
    """
    one, valid = target, target.valid
    if (draws := len(beta) // len(one.beta)) > 1:
        target = Target(*(torch.cat([x] * draws) for x in one))
        emotion = emotion.repeat(draws, 1)
    how = weights.reduction
    truth = target.beta, target.pose
    frames = {
        "motion": motion_l2(beta, pose, *truth, importance, reduction=how),
        "blink": blink_cross_entropy(blink, target.blink),
        "smooth": blink_smoothness(blink),
    }
    seen = target.valid
    count = seen.sum().clamp_min(1) if how == "mean" else len(beta)
    terms = {k: (x * seen).sum() / count for k, x in frames.items()}
    terms["emotion"] = emotion_cross_entropy(emotion, target.e).mean()
    if weights.score == "energy":
        root = torch.as_tensor(importance).sqrt()
        of_beta = energy(beta.float() * root, one.beta * root, valid)
        terms["motion"] = of_beta + energy(pose.float(), one.pose, valid)
    loss = sum(getattr(weights, k) * x for k, x in terms.items())
    return terms | {"loss": loss}
