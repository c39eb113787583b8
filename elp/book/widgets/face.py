"""The face that the page draws: mesh, movements that are seen, and what is painted where (chapter
"Base, Transformed, U").
"""

# P mesh point, F triangle, D coefficient
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.book.widgets.packing import Levels
from elp.face.landmarks import LIDS, LIPS, OVAL
from elp.face.model import SKIN, FaceModel

# brows of the tracker's landmarks, the subject's right one first: upper and lower edge, from the
# outer to the inner end
BROWS = (
    ((70, 63, 105, 66, 107), (46, 53, 52, 65, 55)),
    ((300, 293, 334, 296, 336), (276, 283, 282, 295, 285)),
)
# what may stand before an eye when the head turns
NOSE = (
    *(168, 6, 197, 195, 5, 4, 1, 122, 351, 196, 419, 3, 248, 51, 281, 45, 275, 220, 440),
    *(115, 344, 48, 278, 64, 294, 98, 327, 2),
)
SEEN = 0.04  # deviation of a coefficient below which nobody sees it move
STEPS = 30  # of a deviation


def arrays(model: FaceModel, deviation: NDArray[Any]) -> dict[str, Any]:
    """Arrays of the face, to be packed; `deviation` (D,) says which coefficients move at all."""
    rows = np.flatnonzero(np.asarray(deviation) > SEEN)
    return {
        "face.mean": model.mean,
        "face.basis": Levels(model.expression[rows], STEPS),
        "face.rows": rows,
        "face.triangles": model.triangles[:SKIN],
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
        "eyes": [[list(LIDS[eye][lid]) for lid in ("upper", "lower")] for eye in "rl"],
        "brows": [[list(edge) for edge in brow] for brow in BROWS],
        "lips": [list(row) for row in LIPS.values()],
        "nose": list(NOSE),
        "lids": lids,
        "blink": [float(model.full[i]) for i in lids],
        "named": named,
    }
