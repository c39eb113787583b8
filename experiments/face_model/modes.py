"""Smooth random modes of expression and identity, and Löwdin's orthonormal rows."""

# P point
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from elp.face.landmarks import LIPS, POINTS
from elp.face.mesh import Array, Triangles, distances, laplacian
from experiments.face_model.directions import NAMES

IDENTITIES = 80
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
    """Identity modes (IDENTITIES, P*3) and deviations.

    Broad and fine proportions, and, within limits, what looks like a resting expression.

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
    """(P, 3) how many cm the smooth expression modes may move a point.

    Lips most, then brows and lids, the skull hardly.
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
