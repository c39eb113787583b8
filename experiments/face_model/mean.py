"""The mean face: one photograph and its mirror image, made symmetric, upright and neutral."""

# P point
from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from elp.face.landmarks import CORNERS_L, CORNERS_R, LIPS, POINTS
from elp.face.mesh import Array, Triangles, field
from experiments.face_model.directions import UPPER

PUPILS = 6.3  # cm


def photograph() -> tuple[Array, Array]:
    """Landmarks (468, 3) in pixels of a photograph's face and of its mirror image.

    The photograph is scikit-image's astronaut (NASA, public domain), rows 0 to 300 and columns 80
    to 380, enlarged three times. The points are those that MediaPipe 0.10.14 found. Today's tracker
    puts them elsewhere by 1.3 % of the eyes' distance on average; they are kept so that the model,
    and with it the meaning of every β and of every checkpoint, stays what it is.
    """
    with np.load(Path(__file__).with_name("photograph.npz")) as file:
        return file["seen"].astype(float), file["mirrored"].astype(float)


def align(points: Array, target: Array) -> Array:
    """`points` (P, 3) after the similarity (Procrustes) that brings them closest to `target`."""
    a, b = points - points.mean(0), target - target.mean(0)
    u, s, vt = np.linalg.svd(a.T @ b)
    d = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    return a @ (u * d @ vt) * ((s * d).sum() / (a**2).sum()) + target.mean(0)


def mirrored(seen: Array, seen_mirrored: Array) -> tuple[Array, NDArray[np.int64]]:
    """Symmetric mean of a face and its mirror image, and the (P,) index of each point's partner
    across the face.
    """
    back = seen_mirrored * [-1, 1, 1]
    moved = back - back.mean(0) + seen.mean(0)
    for _ in range(5):  # closest points, as in ICP
        cost = ((moved[:, None] - seen[None]) ** 2).sum(-1)
        partner = linear_sum_assignment(cost)[1]
        moved = align(back, seen[partner])
    if not (partner[partner] == np.arange(POINTS)).all():
        raise RuntimeError("left-right correspondence is not its own inverse")
    face = (seen + moved[np.argsort(partner)]) / 2
    face = (face + align(face[partner] * [-1, 1, 1], face)) / 2
    across = np.linalg.svd(face - face[partner], full_matrices=False)[2][0]
    x = across * np.sign(across[0])
    y = np.array([0.0, 1.0, 0.0]) - x * x[1]
    y /= np.linalg.norm(y)
    face = (face - face.mean(0)) @ np.stack([x, y, np.cross(x, y)], 1)
    return (face + face[partner] * [-1, 1, 1]) / 2, partner


def upright(face: Array) -> Array:
    """Scale to cm, then turn about x until the chin (199) lies 0.5 cm behind the glabella (9)."""
    pupils = [face[list(c)].mean(0) for c in (CORNERS_L, CORNERS_R)]
    face = face * (PUPILS / np.linalg.norm(pupils[0] - pupils[1]))
    line = face[199] - face[9]
    angle = np.arctan2(line[2], line[1]) - np.arcsin(0.5 / np.hypot(line[1], line[2]))
    c, s = np.cos(angle), np.sin(angle)
    return face @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]]).T


def neutralise(face: Array, triangles: Triangles, mirror: NDArray[np.int64]) -> Array:
    """Take the smile off: jaw closed by 0.8 cm, cheeks lowered, nostrils narrowed, lips closed and
    4.8 cm wide.
    """
    jaw = dict.fromkeys((152, 148, 377, 176, 400, 149, 378, 175, 199, 200), (0.0, -0.8, -0.08))
    cheeks: dict[int, tuple[float, float, float]] = {}
    for k, (x, y, z) in {
        425: (-0.12, 0.4, 0.3),
        280: (-0.05, 0.2, 0.2),
        411: (-0.3, 0.3, 0.1),
        358: (-0.4, 0.02, 0.02),
        294: (-0.38, 0.02, 0),
        327: (-0.3, 0.02, 0),
        374: (0, 0.1, 0.03),
        253: (0, 0.1, 0.03),
    }.items():
        cheeks |= {k: (x, y, z), int(mirror[k]): (-x, y, z)}
    face = face + field(face, triangles, jaw | cheeks, 4.5)
    target = closed_lips(face)
    keep = dict.fromkeys((2, 425, 205, 199, 358, 129), (0.0, 0.0, 0.0))
    return face + field(
        face, triangles, {k: tuple(v - face[k]) for k, v in target.items()} | keep, 4.5
    )


def closed_lips(face: Array) -> dict[int, Array]:
    """Where the 80 lip points go.

    Columns across, rows from the upper border through the closed line to the lower border.
    """
    across = np.array([0, 0.48, 0.98, 1.5, 1.99, 2.4])
    above = np.array([0.66, 0.74, 0.62, 0.42, 0.2, 0.0])
    below = np.array([0.95, 0.91, 0.76, 0.53, 0.26, 0.0])
    back = 0.15 * across**2  # the arch of the teeth
    rows = {
        "upper_outer": (1, 0.0),
        "upper_middle": (0.62, -0.24),
        "upper_edge": (0.26, -0.22),
        "upper_inner": (0.03, 0.02),
        "lower_inner": (0.03, 0.02),
        "lower_edge": (0.26, -0.14),
        "lower_middle": (0.62, -0.12),
        "lower_outer": (1, 0.14),
    }
    out: dict[int, Array] = {}
    line, front = face[2, 1] + 2.1, face[164, 2] - 0.08
    for row, (share, depth) in rows.items():
        height = -above * share if row in UPPER else below * share
        inner = 0.13 * {"inner": 1.0, "edge": 0.66, "middle": 0.33, "outer": 0.0}[row.split("_")[1]]
        taper = 1 - (across / across[-1]) ** 4
        for c, k in enumerate(LIPS[row]):
            n, side = abs(c - 5), np.sign(c - 5)
            x = across[n] * (1 - inner / across[-1])
            out[k] = np.array(
                [
                    side * x,
                    line + height[n] + 0.14 * (n / 5) ** 2,
                    front + back[n] + depth * taper[n],
                ]
            )
    return out


def touch(face: Array, triangles: Triangles) -> Array:
    """Close what gap is left between the lips, half from above and half from below."""
    handles: dict[int, tuple[float, float, float]] = {}
    for upper, lower in zip(LIPS["upper_inner"][1:-1], LIPS["lower_inner"][1:-1], strict=True):
        _, y, z = face[lower] - face[upper] - [0, 0.04, 0]
        handles |= {upper: (0, y / 2, z / 2), lower: (0, -y / 2, -z / 2)}
    return face + field(face, triangles, handles, 0.9)
