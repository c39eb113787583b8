"""All arrays of default_face.npz, from the photograph on."""

# P point, K coefficient
from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from elp.face.landmarks import POINTS
from elp.face.model import SKIN, FaceModel
from elp.face.skull import rigid, skull
from experiments.face_model.directions import NAMES, WEIGHTS, directions
from experiments.face_model.mean import mirrored, neutralise, photograph, touch, upright
from experiments.face_model.modes import expressive, lowdin, people, smooth_field, strongest
from experiments.face_model.topology import openings, triangles_of

MODES = 100
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
# degrees that a head is bowed, in the frame where the chin stands below the glabella, when it looks
# into a camera
TILT = 9.0


def build() -> dict[str, NDArray[np.generic]]:
    """All arrays of the model file, from the photograph on."""
    shipped = FaceModel.default().triangles[:SKIN].tolist()
    skin = triangles_of(edge for triangle in shipped for edge in combinations(triangle, 2))
    mean, mirror = mirrored(*photograph())
    mean = neutralise(upright(mean), skin, mirror)
    settle = [SETTLE.get(name.removesuffix("_l").removesuffix("_r"), 0.0) for name in NAMES]
    mean = touch(mean + np.tensordot(settle, directions(mean, skin, mirror), 1), skin)
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
