"""Heads whose identity, expression, pose and camera are known: what the fit is tested on (chapter
"Parameter extraction").
"""

# T frame, P landmark
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from elp.face.camera import project
from elp.face.landmarks import POINTS
from elp.face.model import FaceModel
from elp.motion import FPS

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """A synthetic clip and the truth behind it.

    Attributes:
        points: (T, 468, 3) float32, what a tracker would see: pixels and relative depth, with
            noise.
        alpha: (Ki,) float32, beta: (T, K) float32, pose: (T, 6) float32 (radians; position in
            camera coordinates in cm).
        blink: (T,) uint8, 1 where both lids are more than half closed.
        focal: pixels; size: (width, height) in pixels.
        events: what happens, as (name, first frame, frame after the last).
    """

    points: Floats
    alpha: Floats
    beta: Floats
    pose: Floats
    blink: NDArray[np.uint8]
    focal: float
    size: tuple[int, int]
    events: tuple[tuple[str, int, int], ...]


def bump(frames: int, first: int, last: int) -> Floats:
    """(T,) a smooth hump from 0 over 1 at the middle back to 0, between two frames."""
    t = np.clip((np.arange(frames) - first) / (last - first), 0, 1)
    return np.sin(np.pi * t).astype(np.float32) ** 2


def conversation(
    model: FaceModel, *, frames: int = 75, noise: float = 0.5, seed: int = 0, turn: float = 8.0
) -> Scene:
    """A person who nods twice, smiles, talks a little, raises the brows and blinks, 150 pixels
    between the eyes' outer corners at 512 × 512.

    Args:
        model: the face to move.
        frames: T; the events spread over them.
        noise: standard deviation in pixels of every coordinate, independent.
        seed: of identity, noise and the times of the blinks.
        turn: degrees to which the head turns slowly to both sides.
    """
    rng = np.random.default_rng(seed)
    beta = np.zeros((frames, len(model.expression)), np.float32)
    pose = np.zeros((frames, 6), np.float32)
    events: list[tuple[str, int, int]] = []

    def act(name: str, names: tuple[str, ...], first: float, last: float, amount: float) -> None:
        span = int(first * frames), int(last * frames)
        for each in names:
            k = model.index(each)
            beta[:, k] += amount * model.full[k] * bump(frames, *span)
        events.append((name, *span))

    act("smile", ("smile_l", "smile_r"), 0.35, 0.8, 1.0)
    act("brows up", ("brow_inner_up", "brow_outer_up_l", "brow_outer_up_r"), 0.1, 0.35, 0.8)
    for k, amount in enumerate(0.15 + 0.2 * rng.random(4)):
        act("speech", ("jaw_open",), 0.03 + 0.07 * k, 0.11 + 0.07 * k, amount)
    act("lips pressed", ("press", "frown_l", "frown_r"), 0.8, 0.97, 0.6)
    for centre in (0.25 + 0.04 * rng.random(), 0.6 + 0.1 * rng.random()):
        middle = int(centre * frames)
        events.append(("blink", middle - 2, middle + 4))
        for name in ("blink_l", "blink_r"):
            k = model.index(name)
            beta[:, k] = np.maximum(
                beta[:, k],
                model.full[k] * np.interp(np.arange(frames) - middle, [-3, 0, 1, 4], [0, 1, 1, 0]),
            )
    for first in (0.38, 0.52):
        pose[:, 0] += np.radians(10) * bump(
            frames, int(first * frames), int((first + 0.14) * frames)
        )
        events.append(("nod", int(first * frames), int((first + 0.14) * frames)))
    pose[:, 1] = np.radians(turn) * np.sin(2 * np.pi * np.arange(frames) / frames)
    pose[:, 2] = np.radians(2) * np.sin(2 * np.pi * np.arange(frames) / 60)
    pose[:, 3:] = np.array([0.5, -0.5, 47.0]) + np.stack(
        [pose[:, 1] * 2, pose[:, 0] * 3, np.sin(np.arange(frames) / 25)], 1
    )
    alpha = rng.normal(size=len(model.identity)).astype(np.float32) * 0.7
    points = observe(model, alpha, beta, pose, 768.0, (512, 512)) + noise * rng.normal(
        size=(frames, POINTS, 3)
    )
    lid = beta[:, model.index("blink_l")] / model.full[model.index("blink_l")]
    return Scene(
        points=points.astype(np.float32),
        alpha=alpha,
        beta=beta,
        pose=pose,
        blink=(lid > 0.5).astype(np.uint8),
        focal=768.0,
        size=(512, 512),
        events=tuple(sorted(events, key=lambda event: event[1])),
    )


def observe(
    model: FaceModel, alpha: Floats, beta: Floats, pose: Floats, focal: float, size: tuple[int, int]
) -> Floats:
    """(T, 468, 3) landmarks in pixels, with relative depth, of a posed face: the forward model that
    the fit inverts.
    """
    shape = torch.as_tensor(model.shape(alpha, beta)[..., model.landmarks, :])
    image = project(shape, torch.as_tensor(pose), focal, depth=True).numpy()
    return image + np.array([size[0] / 2, size[1] / 2, 0.0], np.float32)


def minutes_of_blinks(
    seconds: float, *, seed: int, fps: float = FPS
) -> tuple[Floats, NDArray[np.uint8]]:
    """Eyelid closure (T,) from 0 (open) to 1 and the frames (T,) that count as a blink (more than
    half shut), at 12 to 30 blinks a minute.

    Lids close within 2 to 3 frames, stay for 0 to 3 and open more slowly; half-closed squints and
    slow droops come between, which are no blinks.
    """
    rng = np.random.default_rng(seed)
    frames = int(seconds * fps)
    closure, truth = np.zeros(frames, np.float32), np.zeros(frames, np.uint8)
    at = 15
    while at < frames - 40:
        down, stay, up = rng.integers(2, 4), rng.integers(0, 4), rng.integers(3, 6)
        corners = np.cumsum([0, down, stay, up]).astype(float)
        shape = np.interp(
            np.arange(down + stay + up + 1), corners, [0.0, 1.0, 1.0, 0.0]
        ) * rng.uniform(0.85, 1.0)
        closure[at : at + len(shape)] = shape
        truth[at : at + len(shape)] = shape > 0.5
        if rng.random() < 0.3:
            low = at + len(shape) + 8
            closure[low : low + 20] = np.maximum(
                closure[low : low + 20], 0.3 * bump(20, 0, 20)[: max(0, frames - low)]
            )
        at += int(rng.uniform(2.0, 5.0) * fps)
    return closure, truth
