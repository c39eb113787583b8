"""ICT-FaceKit as a FaceModel, from the user's own download (chapter "Parameter extraction").

Li et al., Learning Formation of Physically-Based Face Attributes, CVPR 2020. We ship none of it: 57
named shapes, 100 identities, MIT licence, from its authors' repository.
"""

# V vertex, F triangle
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp import bounded
from elp.errors import ElpError
from elp.face.model import FaceModel

FACE = 9409  # vertices of the face region, which come first
# MediaPipe's landmarks where the 68 of iBUG lie (jaw 0-16, brows 17-26, nose 27-35, eyes 36-47,
# lips 48-67)
IBUG = (
    127, 234, 93, 132, 58, 172, 136, 150, 152, 379, 365, 397, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
AXES = np.array([1, -1, -1], np.float32)  # theirs: y up, z towards the camera


def from_ict(path: str | Path, identities: int = 100) -> FaceModel:
    """Read ICT-FaceKit's face region.

    Args:
        path: the repository's folder `FaceXModel` (with generic_neutral_mesh.obj, identity*.obj,
            one .obj for each expression and vertex_indices.json), or an .npz with arrays neutral
            (V, 3), expr (57, V, 3), expr_names, ident (100, V, 3), tri (F, 3), landmark68 (68,).
        identities: how many identity modes to keep.

    Returns:
        A FaceModel in cm with the shapes' own names and `full` 1: its β are blend weights, its rows
        are not orthonormal (some shapes share movements; 55 of 57 are independent). `landmarks`
        holds, for each of MediaPipe's 468 landmarks, the vertex that stands for it: found by
        warping our mean face onto theirs (thin-plate spline through the 68 common landmarks) and
        taking the nearest vertex.

    Raises:
        ElpError: nothing there, or not ICT-FaceKit.
    """
    path = Path(path)
    try:
        data = _folder(path, identities) if path.is_dir() else _packed(path)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ElpError(
            f"{path}: not ICT-FaceKit: give its folder FaceXModel, downloaded from its authors"
        ) from error
    origin = (data["neutral"] * AXES).mean(0)
    mean = data["neutral"] * AXES - origin
    names = tuple(str(name) for name in data["expr_names"])
    ones = np.ones(len(names), np.float32)
    return FaceModel(
        mean=mean,
        identity=data["ident"][:identities] * AXES,
        expression=data["expr"] * AXES,
        names=names,
        full=ones,
        deviation=0.3 * ones,
        triangles=data["tri"].astype(np.int32),
        mirror=_nearest(mean * [-1, 1, 1], mean),
        landmarks=correspondences(mean, data["landmark68"]),
    )


def correspondences(
    mean: NDArray[np.floating], landmark68: NDArray[np.integer]
) -> NDArray[np.int32]:
    """(468,) vertex of a face mesh (V, 3) for each MediaPipe landmark, from the mesh's 68 iBUG
    landmarks.
    """
    from scipy.interpolate import RBFInterpolator

    ours = FaceModel.default().mean
    source, target = ours[list(IBUG)].astype(float), mean[landmark68].astype(float)
    warp = RBFInterpolator(source, target, kernel="thin_plate_spline", smoothing=1e-3)
    return _nearest(warp(ours), mean)


def _nearest(points: NDArray[np.floating], vertices: NDArray[np.floating]) -> NDArray[np.int32]:
    from scipy.spatial import cKDTree

    return cKDTree(vertices).query(points)[1].astype(np.int32)


def _packed(path: Path) -> dict[str, Any]:
    return {
        name: value.astype(np.float32) if name in ("neutral", "expr", "ident") else value
        for name, value in bounded.arrays(path).items()
    }


def _folder(path: Path, identities: int) -> dict[str, Any]:
    neutral, faces = _obj(path / "generic_neutral_mesh.obj")
    shapes = sorted(
        f
        for f in path.glob("*.obj")
        if f.stem != "generic_neutral_mesh" and not f.stem.startswith("identity")
    )
    people = sorted(path.glob("identity*.obj"))[:identities]
    indices = json.loads((path / "vertex_indices.json").read_text())
    if not shapes or not people:
        raise ValueError("no shapes")
    quads = [(q[0], q[k], q[k + 1]) for q in faces for k in range(1, len(q) - 1) if max(q) < FACE]
    return {
        "neutral": neutral[:FACE],
        "tri": np.array(quads),
        "expr_names": [f.stem for f in shapes],
        "expr": np.stack([_obj(f)[0][:FACE] - neutral[:FACE] for f in shapes]),
        "ident": np.stack([_obj(f)[0][:FACE] - neutral[:FACE] for f in people]),
        "landmark68": np.array(indices["idx_to_landmark_verts"]),
    }


def _obj(path: Path) -> tuple[NDArray[np.float32], list[list[int]]]:
    vertices, faces = [], []
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(x) for x in rest.split()[:3]])
        elif kind == "f":
            faces.append([int(corner.split("/")[0]) - 1 for corner in rest.split()])
    return np.array(vertices, np.float32), faces
