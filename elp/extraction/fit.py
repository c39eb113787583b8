"""Robust Gauss-Newton fit of the face model to tracked points (chapter "Parameter extraction").

Least squares over identity α and focal length f, shared by a clip, and pose p and expression β of
each frame (ELP, section 3.1):

    Σ_t Σ_i w_i ρ(‖project(S(α, β_t), p_t, f)_i - x_ti‖ / σ) + Σ_t ‖β_t / d‖² + ‖α‖² + (log f/f₀)² /
    s² + Σ_t ψ(x_t - x_(t-1))

with Cauchy's loss for ρ and ψ, d the model's prior deviations, and the noise σ estimated from the
residuals. Four steps: α and f together with some dozen frames (arrow-shaped normal equations, Schur
complement); every frame by itself (Levenberg-Marquardt, batched); neighbours together, under a
smoothness prior (block-tridiagonal normal equations, solved as a band); the head's path freed of
trembling that no head's mass allows.
"""

# T frame, B frame of a batch, P mesh point, C observed coordinate
# K expression coefficient, Ki identity coefficient, N = 6 + K
from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp.errors import ElpError
from elp.extraction.energy import Energy, landmark_normals, landmark_weights
from elp.extraction.identity import Shared, fit_identity
from elp.extraction.smoothness import smooth_pose, smoothness_prior
from elp.extraction.solve import fit_frames
from elp.face.landmarks import POINTS, check_points
from elp.face.model import FaceModel

# focal length over the image's longer side when nothing is known: a field of view of 37 degrees, a
# talking head's
FOCAL = 1.5
# frames, 3 s, after which a face's expression counts as new: someone who smiles all along is no
# smiling shape
INDEPENDENT = 75
# landmarks err together: a frame's 468 say as much about its motion as a tenth of them would, had
# they erred apart
TOGETHER = 10.0
THREADS = 4  # at most: each holds the matrices of one window
WINDOW, OVERLAP = 128, 8  # frames that are fitted together at most, and beyond both ends
# steps between frames below which a change counts as noise: radians, cm across, cm away, share of a
# direction's deviation
TURN, ACROSS, AWAY, EXPRESSION = math.radians(0.25), 0.05, 0.3, 0.03
# white part of the poses (third differences) in clips of people who sit still: pitch, yaw, roll in
# radians, cm across and down, cm away
TREMBLE = np.array([*np.radians([0.15, 0.12, 0.08]), 0.01, 0.01, 0.1])


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceFit:
    """What `fit` found.

    Attributes:
        alpha: (Ki,) float32, identity in standard deviations.
        beta: (T, K) float32, expression; NaN where the points were NaN.
        pose: (T, 6) float32: rotation vector in radians, 0 facing the camera; position of the
            model's centre in camera coordinates in cm (x right, y down, z away), not yet relative
            to the clip's median: a motion's translation is `pose[:, 3:] - origin`.
        focal: focal length in pixels; the camera looks through the centre of the image.
        origin: (3,) float32, median position in cm.
        rms: (T,) float32, root mean square distance between projected and tracked points, in
            pixels.
        noise: σ in pixels, as the residuals showed it.
        history: mean cost per frame before and after each iteration of each step: "rough" (identity
            with a guessed noise level), "identity", "frames" and "smooth" (cost above the separate
            frames').
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
    """Fit identity, camera, pose and expression to the tracked points of a clip or a picture.

    Args:
        points: (T, 468 or 478, 2 or 3) landmarks in pixels (x right, y down; the third is relative
            depth), NaN in frames without a face; T is 1 for one picture.
        size: (width, height) of the image in pixels.
        model: the face; by default `FaceModel.default()`.
        alpha: (Ki,) identity if it is known already; else it is estimated.
        focal: focal length in pixels if it is known; else it is estimated, with a prior at 1.5
            times the image's longer side.
        smooth: strength of the smoothness prior; 0 fits every frame by itself.
        frames: how many frames identity, camera and noise are estimated from, spread evenly over
            the clip.
        progress: called with the number of frames just finished.

    Raises:
        ElpError: the points have another shape, or no frame shows a face.
    """
    model = model or FaceModel.default()
    observed = Observed(points, size)
    if not len(observed):
        raise ElpError("no face in any frame: use a video that shows one face from the front")
    known = np.zeros(len(model.identity)) if alpha is None else alpha
    most = min(frames, len(observed))
    pick = np.unique(np.linspace(0, len(observed) - 1, most).round().astype(int))
    with cores() as pool:
        energy = _energy(model, observed[pick], focal or FOCAL * max(size))
        people = Shared(
            modes=_columns(model.identity[:, np.asarray(model.landmarks)]),
            focal=energy.focal,
            known=alpha is not None,
            fixed_focal=focal is not None,
            alpha=torch.from_numpy(np.array(known, np.float32)),
        )
        energy, found, beta, history = fit_identity(
            energy, observed[pick], people, 1 + len(observed) / INDEPENDENT, pool
        )
        x, costs = _windows(energy, observed, beta, smooth, pool, progress)
        if smooth > 0:
            x[:, :6] = smooth_pose(x[:, :6], observed.adjacent, TREMBLE * math.sqrt(smooth))
        rms = _rms(energy, observed, x)

    def spread(values: NDArray[np.float32]) -> NDArray[np.float32]:
        out = np.full((len(points), *values.shape[1:]), np.nan, np.float32)
        out[observed.seen] = values
        return out

    return FaceFit(
        alpha=found.numpy(),
        beta=spread(x[:, 6:]),
        pose=spread(x[:, :6]),
        focal=energy.focal,
        origin=np.median(x[:, 3:6], axis=0),
        rms=spread(rms),
        noise=energy.noise,
        history={**history, **costs},
    )


def _rms(energy: Energy, observed: Observed, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T,) root mean square distance of frames x (T, N) from their points, pixels."""
    rms = np.empty(len(x), np.float32)
    for i in range(0, len(x), WINDOW):
        window = slice(i, i + WINDOW)
        pixels = energy.pixels(observed[window], torch.from_numpy(x[window]))
        rms[window] = pixels.square().mean(1).sqrt()
    return rms


@contextlib.contextmanager
def cores() -> Iterator[Executor]:
    """As many threads as torch would split one operation over, each doing whole operations.

    So none waits for another, whatever else runs, and no sum depends on how many there are.
    """
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            threadpool_limits(1, "blas"),
            ThreadPoolExecutor(
                min(threads, THREADS), initializer=torch.set_num_threads, initargs=(1,)
            ) as pool,
        ):
            yield pool
    finally:
        torch.set_num_threads(threads)


class Observed:
    """The frames that show a face, read when asked for.

    They come as float32 tensors (B, 468, C) about the picture's centre.
    `seen` holds their numbers, `adjacent` (len - 1,) whether one and the next are neighbours in
    time.
    """

    def __init__(self, points: NDArray[np.floating], size: tuple[int, int]) -> None:
        check_points(points, POINTS)
        # points may be a file, which has one position
        self.points, self.lock = points, threading.Lock()
        self.centre = torch.tensor([size[0] / 2, size[1] / 2, 0.0])[: points.shape[2]]
        known = [
            np.isfinite(points[i : i + WINDOW][:, :POINTS]).all((1, 2))
            for i in range(0, len(points), WINDOW)
        ]
        self.seen = np.flatnonzero(np.concatenate(known)) if known else np.zeros(0, int)
        self.adjacent = np.diff(self.seen) == 1

    def __len__(self) -> int:
        return len(self.seen)

    def __getitem__(self, which: slice | NDArray[np.integer]) -> Tensor:
        with self.lock:
            return (
                torch.as_tensor(self.points[self.seen[which]][:, :POINTS].astype(np.float32))
                - self.centre
            )


def _energy(model: FaceModel, observed: Tensor, focal: float) -> Energy:
    pick = np.asarray(model.landmarks)
    topology = FaceModel.default()
    return Energy(
        mean=torch.as_tensor(model.mean[pick]),
        modes=_columns(model.expression[:, pick]),
        deviation=torch.as_tensor(model.deviation),
        normals=landmark_normals(topology),
        weight=landmark_weights(topology),
        noise=0.03 * _spread(observed),
        focal=float(focal),
        depth=observed.shape[2] == 3,
    )


def face_energy(model: FaceModel, found: FaceFit) -> Energy:
    """What further frames of a fitted person minimise: identity, camera and noise stay."""
    pick = np.asarray(model.landmarks)
    nobody = torch.zeros(1, POINTS, 3)
    return replace(
        _energy(model, nobody, found.focal),
        mean=torch.as_tensor(model.shape(found.alpha)[pick]),
        noise=found.noise,
    )


def _columns(modes: NDArray[np.float32]) -> Tensor:
    return torch.as_tensor(modes).permute(1, 2, 0).contiguous()


def _spread(observed: Tensor) -> float:
    """Size of the face in pixels: standard deviation of its points about their centre.

    It is about 0.4 of the distance between the eyes' outer corners.
    """
    return observed[:, :, :2].std(1).mean().item()


def _windows(
    energy: Energy,
    observed: Observed,
    beta: Tensor,
    strength: float,
    pool: Executor,
    progress: Callable[[int], object] | None,
) -> tuple[NDArray[np.float32], dict[str, list[float]]]:
    """All frames (T, N), in windows of equal length, and the mean cost after each iteration.

    Nothing that a thread has allocated outlives its window: what it found is copied into one array.
    Tensors kept would be scattered over the threads' heaps, which could then never shrink, and
    memory would grow with the clip.
    """
    count = 2 * math.ceil(len(observed) / (2 * WINDOW))
    edges = np.linspace(0, len(observed), count + 1).round().astype(int).tolist()
    spans = [(low, high) for low, high in pairwise(edges) if low < high]
    out = np.empty((len(observed), 6 + len(beta)), np.float32)
    costs: dict[str, list[list[float]]] = {"frames": [], "smooth": []}
    fitted = pool.map(lambda span: _window(energy, observed, span, beta, strength, out), spans)
    for (low, high), (alone, smooth) in zip(spans, fitted, strict=True):
        costs["frames"].append(alone)
        costs["smooth"] += [smooth] if smooth else []
        if progress:
            progress(high - low)
    means = {name: np.mean(traces, axis=0).tolist() for name, traces in costs.items() if traces}
    last = next(i for i, cost in enumerate(means["frames"]) if cost == means["frames"][-1])
    return out, {**means, "frames": means["frames"][: last + 1]}


def _window(
    energy: Energy,
    observed: Observed,
    span: tuple[int, int],
    beta: Tensor,
    strength: float,
    out: NDArray[np.float32],
) -> tuple[list[float], list[float]]:
    """Fit frames first ... last - 1 into `out`, each alone, then smoothly with its neighbours.

    Some frames beyond both ends are fitted too, whose own answers are thrown away.

    Returns:
        the mean cost after each iteration of both steps.
    """
    first, last = span
    low, high = max(first - OVERLAP, 0), min(last + OVERLAP, len(observed))
    x, alone, h, g = fit_frames(energy, observed[low:high], beta)
    smooth = torch.zeros(0)
    if strength > 0 and len(x) > 1:
        scale = torch.cat(
            [torch.tensor([TURN] * 3 + [ACROSS] * 2 + [AWAY]), EXPRESSION * energy.deviation]
        )
        adjacent = torch.as_tensor(observed.adjacent[low : high - 1])
        x, smooth = smoothness_prior(h, g, x, adjacent, scale, TOGETHER * strength)
    out[first:last] = x[first - low : last - low]
    return alone.tolist(), smooth.tolist()
