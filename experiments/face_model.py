"""Builds default_face.npz, the face model that ships: `python -m experiments.face_model` (chapter
"Parameter extraction").

1. Mean: MediaPipe's landmarks of one public-domain photograph (scikit-image's astronaut, NASA) and
   of its mirror image, averaged, made symmetric, scaled to an interpupillary distance of 6.3 cm,
   turned upright; its smile is then undone and its lips closed by the proportions of Farkas
   (Anthropometry of the Head and Face, 1994): mouth 4.8 cm wide, nose to lips 2.1 cm, lips to chin
   4.2 cm; lids, brows and mouth corners are settled by shares of the named directions.
2. Expression: the 28 directions of `elp.face.directions`, free of the skull's rigid motion and
   scale, made orthonormal symmetrically (Löwdin), then the 72 strongest modes of a smooth random
   field on the mesh's Laplacian eigenfunctions in what the named ones leave over.
3. Identity: the 80 strongest modes of smooth random fields over the whole face and of what passes
for a resting expression.
"""

# P point, K coefficient
from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment

from elp import face
from elp.face.directions import NAMES, UPPER, WEIGHTS, directions
from elp.face.landmarks import CORNERS_L, CORNERS_R, LIPS, POINTS
from elp.face.mesh import Array, Triangles, distances, field, laplacian, openings, triangles_of
from elp.face.skull import rigid, skull
from elp.records import atomic

MODES, IDENTITIES = 100, 80
# what still looks like an expression when other people's resting faces are fitted, as shares of
# fully active directions
SETTLE = {
    "stretch": -0.5,
    "squint": -0.5,
    "brow_outer_up": -0.3,
    "upper_lip_raise": -0.3,
    "dimple": 0.35,
    "frown": 0.2,
}
# share of a fully active direction by which neutral faces differ (standard deviation); 0.5 for
# directions not named here
RESTING = {
    "blink": 0.2,
    "smile": 0.15,
    "frown": 0.25,
    "jaw": 0.03,
    "pucker": 0.1,
    "stretch": 0.15,
    "mouth": 0.1,
    "funnel": 0.2,
}
PUPILS = 6.3  # cm
# degrees that a head is bowed, in the frame where the chin stands below the glabella, when it looks
# into a camera
TILT = 9.0


def photograph() -> tuple[Array, Array]:
    """Landmarks (468, 3) in pixels of the astronaut's face, enlarged three times, and of its mirror
    image.
    """
    import cv2
    import skimage.data

    from elp.media.track import landmarks

    image = cv2.resize(
        skimage.data.astronaut()[:300, 80:380], (900, 900), interpolation=cv2.INTER_CUBIC
    )
    seen = landmarks([image, np.ascontiguousarray(image[:, ::-1])], still=True)
    return seen[0, :POINTS].astype(float), seen[1, :POINTS].astype(float)


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
    """Where the 80 lip points go: columns across, rows from the upper border through the closed
    line to the lower border.
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


def _base(name: str) -> str:
    return name.removesuffix("_l").removesuffix("_r")


def lowdin(rows: Array, weights: Array) -> Array:
    """Orthonormal rows closest to the normalised given ones in the weighted least-squares sense
    (Löwdin; Carlson and Keller 1957).
    """
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    values, vectors = np.linalg.eigh((unit * weights[:, None]) @ (unit * weights[:, None]).T)
    return (vectors / np.sqrt(values)) @ vectors.T @ (unit * weights[:, None])


def smooth_field(
    face: Array,
    triangles: Triangles,
    mirror: NDArray[np.int64],
    amount: Array,
    wavelength: float,
    count: int = 90,
) -> Array:
    """Covariance (P*3, P*3) of a random displacement, smooth on the mesh, `amount` (P, 3) cm
    strong; even and odd parts uncorrelated.
    """
    lap, mass = laplacian(face, triangles)
    values, modes = eigh(
        lap.toarray(), np.diag(np.maximum(mass, 1e-3)), subset_by_index=[0, count - 1]
    )
    spectrum = 1 / (1 + values * (wavelength / (2 * np.pi)) ** 2) ** 2
    kernel = (modes * spectrum) @ modes.T
    kernel /= np.sqrt(np.outer(np.diag(kernel), np.diag(kernel)))
    n = len(face)
    cov = np.zeros((n, 3, n, 3))
    for axis in range(3):
        cov[:, axis, :, axis] = kernel * np.outer(amount[:, axis], amount[:, axis])
    sign = np.array([-1, 1, 1])
    flipped = cov[mirror][:, :, mirror] * sign[:, None, None] * sign
    return ((cov + flipped) / 2).reshape(3 * n, 3 * n)


def strongest(cov: Array, without: Array, count: int) -> tuple[Array, Array]:
    """The `count` strongest orthonormal modes (count, P*3) of a covariance outside the span of
    `without`, and their deviations.
    """
    keep = np.eye(len(cov)) - without.T @ without
    values, vectors = eigh(keep @ cov @ keep, subset_by_index=[len(cov) - count, len(cov) - 1])
    modes = vectors.T[::-1]
    modes *= np.sign(modes[np.arange(count), np.abs(modes).argmax(1)])[:, None]
    return modes, np.sqrt(values[::-1])


def people(
    face: Array, triangles: Triangles, mirror: NDArray[np.int64], raw: Array, still: Array
) -> tuple[Array, Array]:
    """Identity modes (IDENTITIES, P*3) and deviations: broad and fine proportions, and, within
    limits, what looks like a resting expression.

    Brows, lids and lips rest differently in different people, so identity may hold a share of each
    named direction (`RESTING`); smiles and open mouths are left to expression. Lips touch in every
    neutral face.
    """
    opening = np.zeros((9, POINTS, 3))
    for c in range(9):
        opening[c, LIPS["upper_inner"][c + 1], 1], opening[c, LIPS["lower_inner"][c + 1], 1] = -1, 1
    shut = np.vstack([still, opening.reshape(9, -1)])
    moving = [
        raw[k]
        for k, name in enumerate(NAMES)
        if name.startswith(("smile", "frown", "jaw", "pucker", "stretch", "mouth"))
    ]
    keep = np.eye(raw.shape[1]) - (q := np.linalg.qr(np.vstack([shut, moving]).T)[0]) @ q.T
    broad = smooth_field(face, triangles, mirror, np.full((POINTS, 3), 0.35), 14.0)
    fine = smooth_field(face, triangles, mirror, np.full((POINTS, 3), 0.14), 4.0)
    share = np.array(
        [next((v for key, v in RESTING.items() if name.startswith(key)), 0.5) for name in NAMES]
    )
    resting = raw * share[:, None]
    return strongest(
        keep @ (broad + fine) @ keep + resting.T @ resting, np.linalg.qr(shut.T)[0].T, IDENTITIES
    )


def expressive(face: Array, triangles: Triangles) -> Array:
    """(P, 3) how many cm the smooth expression modes may move a point: lips most, then brows and
    lids, the skull hardly.
    """
    lips = distances(face, triangles, {k for row in LIPS.values() for k in row})
    brows = distances(face, triangles, (105, 334, 66, 296, 70, 300, 159, 386, 145, 374))
    chin = distances(face, triangles, (199, 200, 152))
    amount = (
        0.015
        + 0.25 * np.exp(-((lips / 1.6) ** 2))
        + 0.07 * np.exp(-((brows / 1.4) ** 2))
        + 0.08 * np.exp(-((chin / 2.2) ** 2))
    )
    return amount[:, None] * [1, 1, 0.8]


def build() -> dict[str, NDArray[np.generic]]:
    """All arrays of the model file, from the photograph on."""
    import mediapipe as mp

    skin = triangles_of(mp.solutions.face_mesh.FACEMESH_TESSELATION)
    mean, mirror = mirrored(*photograph())
    mean = neutralise(upright(mean), skin, mirror)
    mean = touch(
        mean
        + np.tensordot(
            [SETTLE.get(_base(name), 0.0) for name in NAMES], directions(mean, skin, mirror), 1
        ),
        skin,
    )
    mean = (mean + mean[mirror] * [-1, 1, 1]) / 2
    mean -= [0, mean[:, 1].mean(), mean[:, 2].mean()]
    a, b, c = mean[skin].transpose(1, 0, 2)
    if np.cross(b - a, c - a)[:, 2].sum() > 0:  # normals towards the camera
        skin = skin[:, ::-1]

    still = rigid(mean)
    # a mode orthogonal to these turns, moves or scales no skull
    anchored = still * np.repeat(skull(POINTS), 3)
    raw = directions(mean, skin, mirror).reshape(len(NAMES), -1)
    moving = raw - raw @ anchored.T @ np.linalg.inv(anchored @ still.T).T @ still
    weights = np.array(
        [next((w for key, w in WEIGHTS.items() if name.startswith(key)), 1.0) for name in NAMES]
    )
    # a wide movement stays itself, small ones give way
    named = lowdin(moving, weights * np.linalg.norm(moving, axis=1))
    cov = smooth_field(mean, skin, mirror, expressive(mean, skin), 3.0)
    smooth, deviation = strongest(
        cov, np.linalg.qr(np.vstack([anchored, named]).T)[0].T, MODES - len(NAMES)
    )
    full = (moving * named).sum(1)

    modes, spread = people(mean, skin, mirror, raw, still)

    c, s = np.cos(np.radians(TILT)), np.sin(np.radians(TILT))
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    mean, (named, smooth, modes) = (
        mean @ turn.T,
        (rows.reshape(len(rows), -1, 3) @ turn.T for rows in (named, smooth, modes)),
    )
    f4 = np.float32
    return {
        "mean": mean.astype(f4),
        "triangles": np.vstack([skin, openings(mirror)]).astype(np.int32),
        "mirror": mirror.astype(np.int32),
        "expression": np.concatenate([named, smooth]).astype(f4),
        "full": full.astype(f4),
        "names": np.array(NAMES),
        "deviation": np.concatenate([0.4 * full, deviation]).astype(f4),
        "identity": (modes * spread[:, None, None]).astype(f4),
    }


def main() -> None:
    target = Path(face.__file__).with_name("default_face.npz")
    with atomic(target) as partial:
        np.savez_compressed(partial, allow_pickle=False, **build())
    print(f"{target.name}: {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
