"""Robust Gauss-Newton fit of the face model to tracked points (chapter "Parameter extraction").

Least squares over identity α and focal length f, shared by a clip, and pose p and expression β of each frame (ELP, section 3.1):

    Σ_t Σ_i w_i ρ(‖project(S(α, β_t), p_t, f)_i - x_ti‖ / σ) + Σ_t ‖β_t / d‖² + ‖α‖² + (log f/f₀)² / s² + Σ_t ψ(x_t - x_(t-1))

with Cauchy's loss for ρ and ψ, d the model's prior deviations, and the noise σ estimated from the residuals. Three steps: α and f together with
some dozen frames (arrow-shaped normal equations, Schur complement); every frame by itself (Levenberg-Marquardt, batched); neighbours
tied together (block-tridiagonal normal equations, conjugate gradients).
"""

# T frame, B frame of a batch, P mesh point, C observed coordinate, K expression coefficient, Ki identity coefficient, N = 6 + K
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp.errors import ElpError
from elp.face.energy import Energy, gram, landmark_normals, landmark_weights, start
from elp.face.landmarks import POINTS
from elp.face.model import FaceModel
from elp.face.ties import tie

FOCAL = 1.5  # focal length over the image's longer side when nothing is known: a field of view of 37 degrees, a talking head's
FOCAL_PRIOR = 0.15  # standard deviation of its logarithm
INDEPENDENT = 75  # frames, 3 s, after which a face's expression counts as new: someone who smiles all along is no smiling shape
TOGETHER = 10.0  # landmarks err together: a frame's 468 say as much about its motion as a tenth of them would, had they erred apart
KEY = 8  # every so many frames one is fitted from scratch
BATCH, WINDOW, OVERLAP = 64, 256, 16  # frames per batch of normal equations; frames smoothed together, and beyond both ends
# steps between frames below which a change counts as noise: radians, cm across, cm away, share of a direction's deviation
TURN, ACROSS, AWAY, EXPRESSION = math.radians(0.25), 0.05, 0.3, 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceFit:
    """What `fit` found.

    Attributes:
        alpha: (Ki,) float32, identity in standard deviations.
        beta: (T, K) float32, expression; NaN where the points were NaN.
        pose: (T, 6) float32: rotation vector in radians, 0 facing the camera; position of the model's centre in camera coordinates in
            cm (x right, y down, z away), not yet relative to the clip's median: a motion's translation is `pose[:, 3:] - origin`.
        focal: focal length in pixels; the camera looks through the centre of the image.
        origin: (3,) float32, median position in cm.
        rms: (T,) float32, root mean square distance between projected and tracked points, in pixels.
        noise: σ in pixels, as the residuals showed it.
        history: mean cost per frame before and after each iteration of each step: "rough" (identity with a guessed noise level),
            "identity", "frames" and "smooth" (cost above the untied frames').
    """

    alpha: NDArray[np.float32]
    beta: NDArray[np.float32]
    pose: NDArray[np.float32]
    focal: float
    origin: NDArray[np.float32]
    rms: NDArray[np.float32]
    noise: float
    history: dict[str, list[float]]


def fit(
    points: NDArray[np.floating],
    size: tuple[int, int],
    model: FaceModel | None = None,
    *,
    alpha: NDArray[np.floating] | None = None,
    focal: float | None = None,
    smooth: float = 1.0,
    frames: int = 24,
    progress: Callable[[int], object] | None = None,
) -> FaceFit:
    """Fit identity, camera, pose and expression to a clip of tracked points, or to one picture (T = 1).

    Args:
        points: (T, 468 or 478, 2 or 3) landmarks in pixels (x right, y down; the third is relative depth), NaN in frames without a face.
        size: (width, height) of the image in pixels.
        model: the face; by default `FaceModel.default()`.
        alpha: (Ki,) identity if it is known already; else it is estimated.
        focal: focal length in pixels if it is known; else it is estimated, with a prior at 1.5 times the image's longer side.
        smooth: strength of the ties between neighbouring frames; 0 fits every frame by itself.
        frames: how many frames identity, camera and noise are estimated from, spread evenly over the clip.
        progress: called with the number of frames just finished.

    Raises:
        ElpError: the points have another shape, or no frame shows a face.
    """
    model = model or FaceModel.default()
    observed = Observed(points, size)
    if not len(observed):
        raise ElpError("no face in any frame: use a video that shows one face from the front")
    pick = np.unique(np.linspace(0, len(observed) - 1, min(frames, len(observed))).round().astype(int))
    energy = _energy(model, observed[pick], focal or FOCAL * max(size))
    independent = min(1 + len(observed) / INDEPENDENT, float(len(pick)))
    energy, found, history = _shared(energy, observed[pick], model, alpha, fixed_focal=focal is not None, independent=independent)
    x, costs = _frames(energy, observed, progress)
    history["frames"] = costs
    if smooth > 0 and len(x) > 1:
        x, history["smooth"] = _smooth(energy, observed, x, smooth)
    rms = torch.cat([energy.pixels(observed[i : i + BATCH], x[i : i + BATCH]).square().mean(1).sqrt() for i in range(0, len(x), BATCH)])

    def spread(values: Tensor) -> NDArray[np.float32]:
        out = np.full((len(points), *values.shape[1:]), np.nan, np.float32)
        out[observed.seen] = values.numpy()
        return out

    return FaceFit(
        alpha=found.numpy(), beta=spread(x[:, 6:]), pose=spread(x[:, :6]), focal=energy.focal,
        origin=np.median(x[:, 3:6].numpy(), axis=0).astype(np.float32), rms=spread(rms), noise=energy.noise, history=history,
    )  # fmt: skip


class Observed:
    """The frames that show a face, read when asked for, as float32 tensors (B, 468, C) about the picture's centre."""

    def __init__(self, points: NDArray[np.floating], size: tuple[int, int]) -> None:
        if len(points.shape) != 3 or points.shape[1] < POINTS or points.shape[2] not in (2, 3):
            raise ElpError(f"points: expected (T, 468 or 478, 2 or 3), got {points.shape}: pass the tracker's landmarks")
        self.points = points
        self.centre = torch.tensor([size[0] / 2, size[1] / 2, 0.0])[: points.shape[2]]
        known = [np.isfinite(points[i : i + WINDOW][:, :POINTS]).all((1, 2)) for i in range(0, len(points), WINDOW)]
        self.seen = np.flatnonzero(np.concatenate(known)) if known else np.zeros(0, int)

    def __len__(self) -> int:
        return len(self.seen)

    def __getitem__(self, which: slice | NDArray[np.integer]) -> Tensor:
        return torch.as_tensor(self.points[self.seen[which]][:, :POINTS].astype(np.float32)) - self.centre


def _energy(model: FaceModel, observed: Tensor, focal: float) -> Energy:
    pick = np.asarray(model.landmarks)
    topology = FaceModel.default()
    modes, products = _expression(model)
    return Energy(
        mean=torch.as_tensor(model.mean[pick]), modes=modes, gram=products, deviation=torch.as_tensor(model.deviation),
        normals=landmark_normals(topology), weight=landmark_weights(topology), noise=0.03 * _spread(observed), focal=float(focal),
        depth=observed.shape[2] == 3,
    )  # fmt: skip


@lru_cache(maxsize=1)
def _expression(model: FaceModel) -> tuple[Tensor, Tensor]:
    modes = _columns(model.expression[:, np.asarray(model.landmarks)])
    return modes, gram(modes)


def _columns(modes: NDArray[np.float32]) -> Tensor:
    return torch.as_tensor(modes).permute(1, 2, 0).contiguous()


def _spread(observed: Tensor) -> float:
    """Size of the face in pixels: standard deviation of its points about their centre, about 0.4 of the distance between the eyes' outer corners."""
    return observed[:, :, :2].std(1).mean().item()


def _shared(
    energy: Energy, observed: Tensor, model: FaceModel, alpha: NDArray[np.floating] | None, *, fixed_focal: bool, independent: float,
    iterations: int = 8,
) -> tuple[Energy, Tensor, dict[str, list[float]]]:
    """Estimate α, f and σ from a few frames: twice Levenberg-Marquardt, the second time with the noise that the first one's residuals show."""
    modes, prior_focal = _columns(model.identity[:, np.asarray(model.landmarks)]), energy.focal
    known = alpha is not None
    found = torch.zeros(modes.shape[-1]) if alpha is None else torch.as_tensor(np.asarray(alpha, np.float32))
    mean = energy.mean
    energy = replace(energy, mean=mean + modes @ found)
    x, history = start(energy, observed), {}
    caution = len(observed) / independent  # frames are alike: they speak for fewer than they are

    def total(e: Energy, a: Tensor, y: Tensor) -> float:
        priors = caution * (0 if known else a.square().sum()) + (math.log(e.focal / prior_focal) / FOCAL_PRIOR) ** 2
        return float(e.cost(observed, static, y).sum() + priors)

    for step_name, enough in (("rough", 1e-2), ("identity", 1e-3)):
        static = energy.static(x)
        damping, best = 1e-3, total(energy, found, x)
        costs = history[step_name] = [best / len(x)]
        for _ in range(iterations):
            h, g = energy.normal_shared(observed, static, x, modes)
            n = x.shape[1]
            shared_g = g[:, n:].sum(0)
            prior = torch.cat([torch.full((len(found),), caution), torch.tensor([FOCAL_PRIOR**-2])])
            shared_g = shared_g + prior * torch.cat([found, torch.tensor([math.log(energy.focal / prior_focal)])])
            free = torch.tensor([not known] * len(found) + [not fixed_focal])
            while damping < 1e6:
                step, shared = _arrow(h, g[:, :n], shared_g, prior, free, damping)
                trial_focal = energy.focal * math.exp(float(shared[-1].clamp(-0.3, 0.3)))
                trial = replace(energy, mean=mean + modes @ (found + shared[:-1]), focal=trial_focal)
                moved = x + step
                moved[:, 5] = moved[:, 5].clamp(min=5)  # the head stays before the camera
                if (now := total(trial, found + shared[:-1], moved)) < best:
                    break
                damping *= 8
            else:
                break
            energy, found, x, damping = trial, found + shared[:-1], moved, damping / 8
            costs.append(now / len(x))
            if best - now < enough * best:
                break
            best = now
        distance = energy.pixels(observed, x)
        energy = replace(energy, noise=max(float(distance.median()) / 1.177, 0.002 * _spread(observed)))  # 1.177: a Rayleigh median
    return energy, found, history


def _arrow(h: Tensor, g: Tensor, shared_g: Tensor, prior: Tensor, free: Tensor, damping: float) -> tuple[Tensor, Tensor]:
    """Damped step of frames (B, N) and of what they share (S,), by the Schur complement of the frames' blocks."""
    n = g.shape[1]
    own, cross, common = h[:, :n, :n].double(), h[:, :n, n:].double(), h[:, n:, n:].double().sum(0) + torch.diag(prior).double()
    own = own + damping * torch.diag_embed(own.diagonal(dim1=1, dim2=2))
    common = common + damping * torch.diag(common.diagonal())
    factor = torch.linalg.cholesky(own)
    solved = torch.cholesky_solve(torch.cat([cross, g[..., None].double()], -1), factor)
    schur = (common - (cross.mT @ solved[..., :-1]).sum(0))[free][:, free]
    right = (shared_g.double() - (cross.mT @ solved[..., -1:]).sum(0)[:, 0])[free]
    shared = torch.zeros(len(prior), dtype=torch.float64)
    shared[free] = -torch.linalg.solve(schur, right)
    step = -(solved[..., -1] + (solved[..., :-1] @ shared))
    return step.float(), shared.float()


def _frames(energy: Energy, observed: Observed, progress: Callable[[int], object] | None, iterations: int = 12) -> tuple[Tensor, list[float]]:
    """Every frame by itself: (T, N) and the mean cost after each iteration. Every eighth frame goes first, the others start between them."""
    out, costs, beta = [], torch.zeros(iterations + 1), None
    for first in range(0, len(observed), BATCH):
        batch = observed[first : first + BATCH]
        guess = start(energy, batch)
        if beta is not None:
            guess[:, 6:] = beta
        keys = torch.arange(0, len(batch), KEY)
        solved, _ = levenberg_marquardt(energy, batch[keys], guess[keys], iterations)
        moved = _between(solved - guess[keys], keys, len(batch))  # correction of the weak-perspective guess
        x, trace = levenberg_marquardt(energy, batch, guess + moved, iterations)
        costs += trace * len(batch)
        beta = x[:, 6:].median(0).values
        out.append(x)
        if progress:
            progress(len(batch))
    mean = (costs / len(observed)).tolist()
    last = next((i for i in range(1, len(mean)) if mean[i] == mean[-1]), len(mean) - 1)
    return torch.cat(out), mean[: last + 1]


def _between(values: Tensor, keys: Tensor, count: int) -> Tensor:
    """(count, N) linear interpolation of values (keys, N); the last key's value after it."""
    at = torch.arange(count)
    low = (at // KEY).clamp(max=len(keys) - 1)
    high = (low + 1).clamp(max=len(keys) - 1)
    share = ((at - keys[low]) / KEY).clamp(max=1.0)[:, None]
    return values[low] * (1 - share) + values[high] * share


def levenberg_marquardt(energy: Energy, observed: Tensor, x: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Minimise each frame's cost from x (B, N); frames that have converged rest. Returns x and the mean cost after 0, 1, ... iterations."""
    static = energy.static(x)
    x, best = x.clone(), energy.cost(observed, static, x)
    damping, active = torch.full_like(best, 1e-3), torch.ones_like(best, dtype=torch.bool)
    trace = [best.mean()]
    for _ in range(iterations):
        i = active.nonzero()[:, 0]
        if len(i):
            h, g = energy.normal(observed[i], static[i], x[i])
            h.diagonal(dim1=1, dim2=2).mul_(1 + damping[i, None])
            trial = x[i] - torch.cholesky_solve(g[..., None], torch.linalg.cholesky(h))[..., 0]
            trial[:, 5] = trial[:, 5].clamp(min=5)
            now = energy.cost(observed[i], static[i], trial)
            better = now < best[i]
            active[i[better & (best[i] - now < 2e-3 * best[i])]] = False
            x[i[better]], best[i[better]] = trial[better], now[better]
            damping[i] = torch.where(better, damping[i] / 10, damping[i] * 10)
            active &= damping < 1e4
        trace.append(best.mean())
    return x, torch.stack(trace)


def _smooth(energy: Energy, observed: Observed, x: Tensor, strength: float) -> tuple[Tensor, list[float]]:
    """Tie neighbours: windows of frames with some beyond both ends, whose own answers are thrown away."""
    scale = torch.cat([torch.tensor([TURN] * 3 + [ACROSS] * 2 + [AWAY]), EXPRESSION * energy.deviation])
    out, costs, tied = x.clone(), [], torch.as_tensor(np.diff(observed.seen) == 1)
    for first in range(0, len(x), WINDOW):
        low, high = max(first - OVERLAP, 0), min(first + WINDOW + OVERLAP, len(x))
        window = [energy.normal(o, energy.static(y), y) for o, y in zip(observed[low:high].split(BATCH), x[low:high].split(BATCH), strict=True)]
        h, g = (torch.cat(parts) for parts in zip(*window, strict=True))
        moved, trace = tie(h, g, x[low:high], tied[low : high - 1], scale, TOGETHER * strength)
        out[first : first + WINDOW] = moved[first - low : first - low + WINDOW]
        costs.append(trace)
    return out, torch.stack(costs).mean(0).tolist()
