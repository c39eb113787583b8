"""The face that the page draws: mesh, movements that are seen, and what is painted where (chapter
"Base, Transformed, U").
"""

# P mesh point, F triangle, D coefficient
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.book.widgets.packing import Levels
from elp.face.landmarks import CORNERS_L, CORNERS_R, LIPS, OVAL
from elp.face.model import SKIN, FaceModel

# MediaPipe's brows, the subject's right one first
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
PAINTED = {"skin": 0, "lip": 1, "brow": 2, "eye": 3, "mouth": 4}  # as in face.js
EYES = 28  # triangles that close them, after the skin's
SEEN = 0.04  # deviation of a coefficient below which nobody sees it move
STEPS = 30  # of a deviation


def arrays(model: FaceModel, deviation: NDArray[Any]) -> dict[str, Any]:
    """Arrays of the face, to be packed; `deviation` (D,) says which coefficients move at all."""
    rows = np.flatnonzero(np.asarray(deviation) > SEEN)
    return {
        "face.mean": model.mean,
        "face.basis": Levels(model.expression[rows], STEPS),
        "face.rows": rows,
        "face.triangles": model.triangles,
        "face.kinds": painted(model.triangles),
    }


def facts(model: FaceModel) -> dict[str, Any]:
    """What else the page must know of the face, as JSON."""
    lids = [model.index(name) for name in ("blink_l", "blink_r")]
    named = {
        name: [
            [model.index(f"{name}_{side}"), float(model.full[model.index(f"{name}_{side}")])]
            for side in "lr"
        ]
        for name in ("smile", "frown")
    }
    return {
        "oval": list(OVAL),
        "eyes": [list(CORNERS_R), list(CORNERS_L)],
        "lids": lids,
        "blink": [float(model.full[i]) for i in lids],
        "named": named,
    }


def painted(triangles: NDArray[Any]) -> NDArray[np.int64]:
    """(F,) what each triangle is painted as, a value of `PAINTED`."""
    rows = list(LIPS.values())
    lips = [set(sum(rows[:4], ())), set(sum(rows[4:], ()))]
    areas = [(PAINTED["lip"], area) for area in lips]
    areas += [(PAINTED["brow"], set(brow)) for brow in BROWS]
    kinds = np.zeros(len(triangles), np.int64)
    for kind, area in areas:
        kinds[[set(map(int, t)) <= area for t in triangles]] = kind
    kinds[SKIN:] = PAINTED["mouth"]
    kinds[SKIN : SKIN + EYES] = PAINTED["eye"]
    return kinds
