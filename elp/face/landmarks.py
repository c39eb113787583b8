"""Where the parts of a face are among MediaPipe's landmarks (chapter "Parameter extraction").

The first 468 points are the skin of the mesh; 468-477 are the two irises. Left and right are the
subject's own. Lips and lids are rows of columns that run from the subject's right to the left, so
that equal columns of two rows face each other.
"""

from __future__ import annotations

from typing import Any

from elp.errors import ElpError

POINTS = 468  # points of the face model
TRACKED = 478  # points of the tracker: the model's, then five for each iris

# eleven columns each, corner to corner, from the skin above the mouth to the skin below it
LIPS = {
    "upper_outer": (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    "upper_middle": (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    "upper_edge": (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
    "upper_inner": (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    "lower_inner": (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
    "lower_edge": (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
    "lower_middle": (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    "lower_outer": (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
}
# nine columns each, from the outer to the inner corner of an eye: rows from the crease of the upper
# lid down to its margin, then from the margin of the lower lid down to the cheek
LIDS = {
    "r": {
        "crease": (226, 113, 225, 224, 223, 222, 221, 189, 244),
        "skin": (130, 247, 30, 29, 27, 28, 56, 190, 243),
        "upper": (33, 246, 161, 160, 159, 158, 157, 173, 133),
        "lower": (33, 7, 163, 144, 145, 153, 154, 155, 133),
        "under": (130, 25, 110, 24, 23, 22, 26, 112, 243),
        "cheek": (226, 31, 228, 229, 230, 231, 232, 233, 244),
    },
    "l": {
        "crease": (446, 342, 445, 444, 443, 442, 441, 413, 464),
        "skin": (359, 467, 260, 259, 257, 258, 286, 414, 463),
        "upper": (263, 466, 388, 387, 386, 385, 384, 398, 362),
        "lower": (263, 249, 390, 373, 374, 380, 381, 382, 362),
        "under": (359, 255, 339, 254, 253, 252, 256, 341, 463),
        "cheek": (446, 261, 448, 449, 450, 451, 452, 453, 464),
    },
}
LIDS_L = {row: ring[1:-1] for row, ring in LIDS["l"].items()}  # between the corners
CORNERS_L = (263, 362)  # outer and inner corner of the left eye
CORNERS_R = (33, 133)
# p1 ... p6 of the eye aspect ratio: outer corner, two of the upper lid, inner corner, two of the
# lower lid
EAR_R = (33, 160, 158, 133, 153, 144)
EAR_L = (263, 387, 385, 362, 380, 373)
IRIS_R = (468, 469, 470, 471, 472)  # centre, then the four ends of its diameters
IRIS_L = (473, 474, 475, 476, 477)
# the outline of the face, from the top of the forehead over the subject's left
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip


def check_points(points: Any, least: int) -> None:
    """Raise ElpError unless points, an array or what has its shape, are (T, least or more, 2|3)."""
    if len(points.shape) == 3 and points.shape[1] >= least and points.shape[2] in (2, 3):
        return
    count = f"{POINTS} or {TRACKED}" if least == POINTS else f"{least}"
    raise ElpError(
        f"points: expected (T, {count}, 2 or 3), got {points.shape}: pass the tracker's landmarks"
    )
