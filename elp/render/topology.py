"""Where the eyes, the lips and the outline lie among MediaPipe's 478 points (chapter "The
renderer").

l and r are the subject's left and right. A lid runs from the outer to the inner corner.
"""

from __future__ import annotations

import numpy as np

from elp.face import landmarks
from elp.face.landmarks import POINTS

OVAL = np.array(landmarks.OVAL)
# per eye and lid: the margin, then the rings around it, outwards; nine points each
UPPER = {
    "r": np.array(
        [
            [33, 246, 161, 160, 159, 158, 157, 173, 133],
            [130, 247, 30, 29, 27, 28, 56, 190, 243],
            [226, 113, 225, 224, 223, 222, 221, 189, 244],
        ]
    ),
    "l": np.array(
        [
            [263, 466, 388, 387, 386, 385, 384, 398, 362],
            [359, 467, 260, 259, 257, 258, 286, 414, 463],
            [446, 342, 445, 444, 443, 442, 441, 413, 464],
        ]
    ),
}
LOWER = {
    "r": np.array(
        [
            [33, 7, 163, 144, 145, 153, 154, 155, 133],
            [130, 25, 110, 24, 23, 22, 26, 112, 243],
            [226, 31, 228, 229, 230, 231, 232, 233, 244],
        ]
    ),
    "l": np.array(
        [
            [263, 249, 390, 373, 374, 380, 381, 382, 362],
            [359, 255, 339, 254, 253, 252, 256, 341, 463],
            [446, 261, 448, 449, 450, 451, 452, 453, 464],
        ]
    ),
}
# centre; the four after it lie on the rim
IRIS = {"r": landmarks.IRIS_R[0], "l": landmarks.IRIS_L[0]}
LIP_UPPER, LIP_LOWER = (
    np.array(landmarks.LIPS["upper_inner"]),
    np.array(landmarks.LIPS["lower_inner"]),
)  # right corner to left corner

__all__ = ["IRIS", "LIP_LOWER", "LIP_UPPER", "LOWER", "OVAL", "POINTS", "UPPER"]
