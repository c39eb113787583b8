"""FaceModel: a face as a linear function of identity and expression.

Chapter "Parameter extraction".

S(α, β) = S̄ + B_id α + B_exp β  (ELP, section 3.1), in cm; axes x right in the image, y down, z
away from the camera.
"""

# P mesh point, F triangle, Ki identity, K expression coefficient
from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp import bounded
from elp.errors import ElpError

# triangles of the skin in the default model; then 28 that close the eyes and 18 that close the
# mouth
SKIN = 852


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceModel:
    """A linear face model.

    Attributes:
        mean: (P, 3) float32, the neutral mean face S̄ in cm, centred on its points.
        identity: (Ki, P, 3) float32, B_id: each row is one standard deviation, so that α ~ N(0, I).
        expression: (K, P, 3) float32, B_exp: rows orthonormal over the flattened points; none of
            them turns, moves or scales the skull (nose bridge, eye corners, temples), so that head
            pose stays in the pose.
        names: names of the first rows of `expression`; `_l` and `_r` are the subject's left and
            right.
        full: (len(names),) float32, coefficient at which a named direction is fully active.
        deviation: (K,) float32, prior standard deviation of each β.
        triangles: (F, 3) int32, normals towards the camera; the last 46 close the eyes (28) and the
            mouth (18).
        mirror: (P,) int32, each point's partner on the other side of the face.
        landmarks: (468,) int32, the point that stands for each MediaPipe landmark.
    """

    mean: NDArray[np.float32]
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    names: tuple[str, ...]
    full: NDArray[np.float32]
    deviation: NDArray[np.float32]
    triangles: NDArray[np.int32]
    mirror: NDArray[np.int32]
    landmarks: NDArray[np.int32]

    @classmethod
    def default(cls) -> FaceModel:
        """The model that ships: 468 points of MediaPipe's topology, 80 identity and 100 expression
        modes (`experiments.face_model`).
        """
        return _default()

    def index(self, name: str) -> int:
        """Row of a named direction, e.g. `model.index("smile_l")`.

        Raises ElpError for an unknown name.
        """
        if name not in self.names:
            raise ElpError(
                f"no expression direction {name!r}: choose one of {', '.join(self.names)}"
            )
        return self.names.index(name)

    def beta(self, **shares: float) -> NDArray[np.float32]:
        """(K,) coefficients of named directions by share of full activation.

        For example `model.beta(smile_l=1, smile_r=1, jaw_open=0.2)`.
        """
        out = np.zeros(len(self.expression), np.float32)
        for name, share in shares.items():
            out[self.index(name)] = share * self.full[self.index(name)]
        return out

    def shape(self, alpha: Any = None, beta: Any = None) -> NDArray[np.float32]:
        """Points S(α, β).

        Args:
            alpha: (..., Ki) identity coefficients in standard deviations; None is the mean face.
            beta: (..., K) expression coefficients; None is neutral.

        Returns:
            (..., P, 3) float32 in cm, leading axes broadcast.
        """
        out = self.mean
        if alpha is not None:
            out = out + np.tensordot(np.asarray(alpha, np.float32), self.identity, 1)
        if beta is not None:
            out = out + np.tensordot(np.asarray(beta, np.float32), self.expression, 1)
        return out


@cache
def _default() -> FaceModel:
    return load(Path(__file__).with_name("default_face.npz"))


def load(path: str | Path) -> FaceModel:
    """A FaceModel from an .npz of its arrays.

    Raises ElpError where the file is missing or not one.
    """
    try:
        arrays = bounded.arrays(path)
        names = tuple(str(name) for name in arrays.pop("names"))
        arrays.setdefault("landmarks", np.arange(len(arrays["mean"]), dtype=np.int32))
        return FaceModel(names=names, **arrays)
    except (ElpError, KeyError, TypeError) as error:
        raise ElpError(
            f"{path}: not a face model: "
            "reinstall elp, or build it with 'python -m experiments.face_model'"
        ) from error
