"""Where the eyes, the lips and the outline lie among MediaPipe's 478 points.

Chapter "The renderer".

l and r are the subject's left and right. A lid runs from the outer to the inner corner.
"""

from __future__ import annotations

import numpy as np

from elp.face import landmarks
from elp.face.landmarks import POINTS

OVAL = np.array(landmarks.OVAL)
# per eye and lid: the margin, then the rings around it, outwards; nine points each
UPPER, LOWER = (
    {eye: np.array([landmarks.LIDS[eye][row] for row in rows]) for eye in "rl"}
    for rows in (("upper", "skin", "crease"), ("lower", "under", "cheek"))
)
# centre; the four after it lie on the rim
IRIS = {"r": landmarks.IRIS_R[0], "l": landmarks.IRIS_L[0]}
# the lower edge of each brow, from the temple to the nose
BROW = {"r": np.array([46, 53, 52, 65, 55]), "l": np.array([276, 283, 282, 295, 285])}
LIP_UPPER, LIP_LOWER = (
    np.array(landmarks.LIPS["upper_inner"]),
    np.array(landmarks.LIPS["lower_inner"]),
)  # right corner to left corner

__all__ = ["BROW", "IRIS", "LIP_LOWER", "LIP_UPPER", "LOWER", "OVAL", "POINTS", "UPPER"]
