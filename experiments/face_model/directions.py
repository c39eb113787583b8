"""The 28 named expression directions, as smooth displacement fields in cm at full activation.

Chapter "Parameter extraction".

Amounts follow what faces do: a lid closes onto the other one, a broad smile moves a mouth corner
about 0.8 cm, a wide-open jaw the lower lip 2.7 cm. `_l` directions are written for the subject's
left (x > 0) and mirrored for `_r`.
"""

# x right in the image, y down, z away from the camera
from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from elp.face.landmarks import CORNERS_L, LIDS_L, LIPS
from elp.face.mesh import Array, Triangles, field

NAMES = (
    "blink_l",
    "blink_r",
    "smile_l",
    "smile_r",
    "frown_l",
    "frown_r",
    "jaw_open",
    "jaw_side",
    "brow_inner_up",
    "brow_outer_up_l",
    "brow_outer_up_r",
    "brow_down_l",
    "brow_down_r",
    "squint_l",
    "squint_r",
    "nose_wrinkle",
    "upper_lip_raise",
    "lower_lip_drop",
    "pucker",
    "funnel",
    "stretch",
    "press",
    "lip_roll",
    "mouth_shift",
    "chin_raise",
    "cheek_puff",
    "dimple_l",
    "dimple_r",
)
# towards the subject's left; their mirror images are their opposites
ODD = ("jaw_side", "mouth_shift")
# importance in the symmetric orthogonalisation: a heavy direction keeps its own shape, its light
# neighbours give way
WEIGHTS = {"blink": 8.0, "smile": 4.0, "jaw_open": 2.0, "frown": 3.0, "brow": 2.0}

Move = tuple[float, float, float]
UPPER = ("upper_outer", "upper_middle", "upper_edge", "upper_inner")
LOWER = ("lower_outer", "lower_middle", "lower_edge", "lower_inner")


def directions(points: Array, triangles: Triangles, mirror: NDArray[np.int64]) -> Array:
    """(28, P, 3) displacement of each named direction at full activation, in cm, exactly mirrored
    or self-mirrored.
    """

    def flip(u: Array) -> Array:
        return u[mirror] * [-1, 1, 1]

    out: dict[str, Array] = {}
    for name, make in MAKERS.items():
        handles, radius = make(points)
        u = field(points, triangles, handles, radius)
        if name + "_l" in NAMES:
            out[name + "_l"], out[name + "_r"] = u, flip(u)
        else:
            out[name] = (u - flip(u)) / 2 if name in ODD else (u + flip(u)) / 2
    return np.stack([out[name] for name in NAMES])


def _lips(
    rows: tuple[str, ...], move: Callable[[float], Move], columns: range = range(11)
) -> dict[int, Move]:
    """Handles for lip columns.

    `move` takes the column's place, -1 (right corner) ... 1 (left corner).
    """
    return {LIPS[row][c]: move(c / 5 - 1) for row in rows for c in columns}


def blink(p: Array) -> tuple[dict[int, Move], float]:
    h: dict[int, Move] = dict.fromkeys(CORNERS_L, (0, 0, 0))
    columns = zip(
        *(LIDS_L[row] for row in ("crease", "skin", "upper", "lower", "under")), strict=True
    )
    for crease, skin, upper, lower, under in columns:
        gap = p[lower] - p[upper]
        bulge = np.array([0, 0, -0.06 * gap[1]])  # the lid slides over the eyeball
        h[upper], h[lower] = tuple(0.87 * gap + bulge), tuple(-0.13 * gap)
        h[skin], h[crease], h[under] = (
            tuple(0.5 * gap + bulge),
            tuple(0.12 * gap),
            tuple(-0.08 * gap),
        )
    return h, 1.2


def smile(p: Array) -> tuple[dict[int, Move], float]:
    def pull(s: float) -> float:
        return max(0.0, (s + 0.25) / 1.25) ** 1.6

    def lip(s: float) -> Move:
        return 0.62 * pull(s), 0.04 - 0.62 * pull(s) ** 1.6, 0.4 * pull(s)

    h = _lips(UPPER + LOWER, lip)
    h |= {
        425: (0.12, -0.38, -0.22),
        280: (0.06, -0.26, -0.16),
        330: (0.02, -0.2, -0.1),
        411: (0.3, -0.35, 0.0),
        287: (0.5, -0.5, 0.2),
    }
    h |= {
        374: (0, -0.08, 0),
        253: (0, -0.14, -0.02),
        294: (0.1, -0.06, 0.0),
        432: (0.28, -0.3, 0.12),
        431: (0.0, -0.02, 0.02),
    }
    h |= {386: (0, 0, 0), 133: (0, 0, 0), 362: (0, 0, 0), 263: (0, -0.03, 0), 199: (0, 0, 0)}
    return h, 4.0


def frown(p: Array) -> tuple[dict[int, Move], float]:
    def pull(s: float) -> float:
        return max(0.0, s) ** 2

    h = _lips(UPPER + LOWER, lambda s: (0.02 * pull(s), 0.55 * pull(s), 0.06 * pull(s)))
    return h | {
        432: (0, 0.3, 0),
        430: (0, 0.18, 0.0),
        425: (0, 0.06, 0),
        199: (0, 0, 0),
        2: (0, 0, 0),
    }, 3.0


def jaw_open(p: Array) -> tuple[dict[int, Move], float]:
    jaw = {
        152: (1.25, 1.2),
        148: (1.25, 1.2),
        176: (1.15, 1.15),
        149: (0.85, 1.1),
        150: (0.6, 1.0),
        136: (0.33, 0.75),
        172: (0.17, 0.5),
        58: (0.05, 0.2),
        132: (0, 0),
        175: (1.5, 1.2),
        199: (1.75, 1.2),
        200: (1.8, 1.1),
        18: (2.1, 0.85),
        171: (1.4, 1.2),
        208: (1.7, 1.1),
        201: (1.9, 1.0),
        83: (2.1, 0.85),
        57: (0.6, 0.3),
    }
    # of the right side: the left follows by symmetry
    h: dict[int, Move] = {k: (0, y, z) for k, (y, z) in jaw.items()}
    h |= {
        k: (0, y, z)
        for k, (y, z) in zip(
            (377, 400, 378, 379, 365, 397, 288, 361), list(jaw.values())[1:9], strict=True
        )
    }
    h |= {
        396: (0, 1.4, 1.2),
        428: (0, 1.7, 1.1),
        421: (0, 1.9, 1.0),
        313: (0, 2.1, 0.85),
        287: (0, 0.6, 0.3),
    }
    h |= _lips(UPPER, lambda s: (-0.15 * s * abs(s), 0.8 * s**4, 0.3 * s**4))
    h |= _lips(
        LOWER,
        lambda s: (-0.15 * s * abs(s), 0.8 + 1.9 * (1 - abs(s) ** 3), 0.3 + 0.2 * (1 - s * s)),
    )
    return h | {2: (0, 0, 0), 50: (0, 0, 0), 280: (0, 0, 0), 98: (0, 0, 0), 327: (0, 0, 0)}, 2.4


def jaw_side(p: Array) -> tuple[dict[int, Move], float]:
    h: dict[int, Move] = dict.fromkeys(
        (152, 148, 377, 176, 400, 175, 199, 200, 18, 208, 428), (0.7, 0, 0)
    )
    h |= dict.fromkeys((149, 378, 150, 379), (0.45, 0, 0)) | dict.fromkeys((136, 365), (0.25, 0, 0))
    h |= _lips(LOWER, lambda s: (0.55 - 0.35 * s * s, 0, 0.0), range(1, 10))
    return h | _lips(UPPER, lambda s: (0.1 + 0.1 * s * s, 0, 0)), 4.0


def brow_inner_up(p: Array) -> tuple[dict[int, Move], float]:
    h: dict[int, Move] = {}
    for k in (55, 107, 285, 336, 65, 66, 295, 296):
        inner = 1.0 if k in (55, 107, 285, 336) else 0.75
        h[k] = (0.0, -0.5 * inner, -0.02)
    h |= {
        52: (0, -0.3, 0),
        282: (0, -0.3, 0),
        105: (0, -0.3, 0),
        334: (0, -0.3, 0),
        9: (0, -0.32, 0),
        8: (0, -0.22, 0),
        151: (0, -0.2, 0),
    }
    h |= {108: (0, -0.25, 0), 337: (0, -0.25, 0), 70: (0, 0, 0), 300: (0, 0, 0), 168: (0, -0.05, 0)}
    h |= dict.fromkeys((LIDS_L["crease"][4], LIDS_L["crease"][5], 221, 222), (0, -0.08, 0))
    return h | dict.fromkeys((159, 386, 133, 362, 33, 263), (0, 0, 0)), 3.0


def brow_outer_up(p: Array) -> tuple[dict[int, Move], float]:
    h: dict[int, Move] = dict.fromkeys((300, 293, 334, 283, 282, 276), (0.02, -0.5, 0.03))
    h |= {
        296: (0, -0.28, 0),
        295: (0, -0.25, 0),
        333: (0, -0.35, 0.02),
        298: (0, -0.3, 0.03),
        383: (0, -0.2, 0),
        353: (0, -0.28, 0),
    }
    h |= {336: (0, -0.05, 0), 285: (0, -0.05, 0), 299: (0, -0.2, 0)}
    h |= dict.fromkeys(LIDS_L["crease"][:4], (0, -0.14, 0)) | dict.fromkeys(
        LIDS_L["skin"], (0, -0.03, 0)
    )
    return h | dict.fromkeys((*LIDS_L["upper"], *CORNERS_L), (0, 0, 0)), 2.6


def brow_down(p: Array) -> tuple[dict[int, Move], float]:
    h: dict[int, Move] = {
        285: (-0.16, 0.36, -0.05),
        336: (-0.18, 0.4, -0.05),
        295: (-0.1, 0.38, -0.02),
        296: (-0.12, 0.4, -0.02),
    }
    h |= {
        282: (-0.04, 0.3, 0),
        334: (-0.05, 0.3, 0),
        283: (0, 0.16, 0),
        293: (0, 0.16, 0),
        276: (0, 0.08, 0),
        300: (0, 0.08, 0),
    }
    h |= {9: (0, 0.14, -0.02), 8: (0, 0.16, -0.02), 337: (-0.06, 0.2, 0), 299: (-0.05, 0.16, 0)}
    h |= dict.fromkeys(LIDS_L["crease"][2:6], (0, 0.14, 0)) | dict.fromkeys(
        LIDS_L["skin"], (0, 0.04, 0)
    )
    return h | dict.fromkeys((*LIDS_L["upper"], *CORNERS_L), (0, 0.0, 0)), 2.6


def squint(p: Array) -> tuple[dict[int, Move], float]:
    bell = (0.35, 0.7, 0.95, 1.0, 0.9, 0.7, 0.35)
    h: dict[int, Move] = dict.fromkeys(CORNERS_L, (0, 0, 0))
    h |= {k: (0, -0.2 * b, -0.02) for k, b in zip(LIDS_L["lower"], bell, strict=True)}
    h |= {k: (0, -0.24 * b, -0.04) for k, b in zip(LIDS_L["under"], bell, strict=True)}
    h |= {k: (0, 0.04 * b, 0) for k, b in zip(LIDS_L["upper"], bell, strict=True)}
    return h | {
        330: (0, -0.2, -0.06),
        280: (0, -0.16, -0.05),
        347: (0, -0.2, -0.06),
        346: (-0.02, -0.2, -0.05),
        340: (-0.04, -0.12, 0),
    }, 2.4


def nose_wrinkle(p: Array) -> tuple[dict[int, Move], float]:
    h: dict[int, Move] = {}
    for k, s in ((64, 1), (294, -1), (129, 1), (358, -1), (98, 1), (327, -1)):
        h[k] = (-0.06 * s, -0.28, 0.03)
    h |= dict.fromkeys((126, 355, 198, 420), (0, -0.3, -0.05)) | dict.fromkeys(
        (217, 437, 114, 343), (0, -0.2, -0.05)
    )
    h |= {
        6: (0, 0.0, 0),
        168: (0, 0.12, -0.02),
        8: (0, 0.2, -0.02),
        55: (0.06, 0.2, 0),
        285: (-0.06, 0.2, 0),
        4: (0, -0.06, 0),
    }
    h |= {36: (0, -0.28, -0.06), 266: (0, -0.28, -0.06), 203: (0, -0.3, 0), 423: (0, -0.3, 0)}
    return h | _lips(UPPER, lambda s: (0, -0.16 * (1 - s * s), 0), range(1, 10)), 2.4


def upper_lip_raise(p: Array) -> tuple[dict[int, Move], float]:
    h = _lips(UPPER, lambda s: (0, -0.42 * (1 - s**4) * (0.85 + 0.3 * s * s), -0.03), range(1, 10))
    h |= {
        164: (0, -0.2, -0.02),
        2: (0, -0.03, 0),
        98: (0, -0.1, 0),
        327: (0, -0.1, 0),
        165: (0, -0.26, 0),
        391: (0, -0.26, 0),
    }
    return h | {
        92: (0, -0.28, 0),
        322: (0, -0.28, 0),
        61: (0, -0.03, 0),
        291: (0, -0.03, 0),
        14: (0, 0, 0),
    }, 2.2


def lower_lip_drop(p: Array) -> tuple[dict[int, Move], float]:
    h = _lips(LOWER, lambda s: (0, 0.45 * (1 - s**4), 0.02), range(1, 10))
    h |= {
        18: (0, 0.26, -0.02),
        83: (0, 0.26, -0.02),
        313: (0, 0.26, -0.02),
        200: (0, 0.06, 0),
        199: (0, 0, 0),
    }
    return h | {61: (0, 0.04, 0), 291: (0, 0.04, 0), 13: (0, 0, 0)}, 2.0


def pucker(p: Array) -> tuple[dict[int, Move], float]:
    def towards(up: float) -> Callable[[float], Move]:
        return lambda s: (-0.85 * s * (0.6 + 0.4 * s * s), up * (1 - s * s), -0.55 + 0.2 * s * s)

    h = _lips(("upper_outer",), towards(-0.1)) | _lips(("lower_outer",), towards(0.1))
    h |= _lips(("upper_middle", "upper_edge", "lower_edge", "lower_middle"), towards(0.0)) | _lips(
        ("upper_inner", "lower_inner"), towards(0)
    )
    return h | {
        18: (0, 0, -0.12),
        164: (0, 0, -0.22),
        2: (0, 0, -0.02),
        425: (-0.1, 0, 0),
        205: (0.1, 0, 0),
    }, 2.6


def funnel(p: Array) -> tuple[dict[int, Move], float]:
    def towards(up: float) -> Callable[[float], Move]:
        return lambda s: (-0.4 * s * abs(s), up * (1 - s**4), -0.35 + 0.25 * s * s)

    h = _lips(LOWER, towards(0.38)) | _lips(UPPER, towards(-0.28))
    return h | {18: (0, 0.16, -0.05), 164: (0, -0.1, -0.12), 199: (0, 0.0, 0), 2: (0, 0, 0)}, 2.4


def stretch(p: Array) -> tuple[dict[int, Move], float]:
    h = _lips(UPPER + LOWER, lambda s: (0.55 * s * abs(s), 0.12 * s * s, 0.22 * s * s + 0.03))
    return h | {
        432: (0.3, 0.15, 0.1),
        212: (-0.3, 0.15, 0.1),
        425: (0.1, 0.03, 0),
        205: (-0.1, 0.03, 0),
        199: (0, 0, 0),
    }, 3.0


def press(p: Array) -> tuple[dict[int, Move], float]:
    h = _lips(("upper_outer",), lambda s: (0, 0.16 * (1 - s * s), 0.08)) | _lips(
        ("lower_outer",), lambda s: (0, -0.18 * (1 - s * s), 0.08)
    )
    h |= _lips(("upper_middle",), lambda s: (0, 0.09 * (1 - s * s), 0.12)) | _lips(
        ("lower_middle",), lambda s: (0, -0.1 * (1 - s * s), 0.12)
    )
    rest = ("upper_edge", "upper_inner", "lower_edge", "lower_inner")
    return h | _lips(rest, lambda s: (0, 0, 0.12), range(1, 10)) | {
        18: (0, -0.16, -0.02),
        199: (0, -0.06, -0.05),
        164: (0, 0.04, 0),
    }, 2.0


def lip_roll(p: Array) -> tuple[dict[int, Move], float]:
    h = _lips(("upper_outer",), lambda s: (0, 0.1 * (1 - s * s), 0.05)) | _lips(
        ("lower_outer",), lambda s: (0, -0.1 * (1 - s * s), 0.05)
    )
    h |= _lips(("upper_middle",), lambda s: (0, 0.2 * (1 - s * s), 0.22)) | _lips(
        ("lower_middle",), lambda s: (0, -0.24 * (1 - s * s), 0.22)
    )
    h |= _lips(("upper_edge",), lambda s: (0, 0.08 * (1 - s * s), 0.3)) | _lips(
        ("lower_edge",), lambda s: (0, -0.1 * (1 - s * s), 0.3)
    )
    return h | _lips(("upper_inner", "lower_inner"), lambda s: (0, 0, 0.25), range(1, 10)) | {
        18: (0, 0, 0),
        164: (0, 0, 0),
    }, 1.6


def mouth_shift(p: Array) -> tuple[dict[int, Move], float]:
    h = _lips(UPPER + LOWER, lambda s: (0.5, 0, 0.12 * s))
    return h | {
        164: (0.2, 0, 0),
        18: (0.25, 0, 0),
        199: (0.05, 0, 0),
        2: (0.03, 0, 0),
        425: (0.15, 0, 0),
        205: (0.15, 0, 0),
    }, 2.8


def chin_raise(p: Array) -> tuple[dict[int, Move], float]:
    h = _lips(LOWER, lambda s: (0, -0.3 * (1 - s * s), -0.08 * (1 - s * s)), range(1, 10))
    h |= _lips(UPPER, lambda s: (0, -0.14 * (1 - s * s), -0.03 * (1 - s * s)), range(1, 10))
    h |= {
        18: (0, -0.4, -0.1),
        200: (0, -0.45, -0.12),
        199: (0, -0.38, -0.12),
        175: (0, -0.2, -0.02),
        152: (0, -0.08, 0),
    }
    return h | {61: (0, 0.05, 0), 291: (0, 0.05, 0), 2: (0, 0, 0)}, 2.4


def cheek_puff(p: Array) -> tuple[dict[int, Move], float]:
    h: dict[int, Move] = {
        425: (0.3, 0.0, -0.35),
        205: (-0.3, 0.0, -0.35),
        411: (0.42, 0, -0.3),
        187: (-0.42, 0, -0.3),
    }
    h |= {
        432: (0.38, 0.05, -0.35),
        212: (-0.38, 0.05, -0.35),
        427: (0.45, 0, -0.3),
        207: (-0.45, 0, -0.3),
        416: (0.35, 0, -0.15),
    }
    h |= {192: (-0.35, 0, -0.15), 280: (0.12, 0, -0.12), 50: (-0.12, 0, -0.12)}
    return h | _lips(UPPER + LOWER, lambda s: (-0.08 * s, 0, -0.12 * s * s - 0.04)), 3.4


def dimple(p: Array) -> tuple[dict[int, Move], float]:
    def pull(s: float) -> float:
        return max(0.0, s) ** 2

    h = _lips(UPPER + LOWER, lambda s: (0.34 * pull(s), 0.04 * pull(s), 0.34 * pull(s)))
    return h | {
        287: (0.3, 0.0, 0.32),
        432: (0.16, 0, 0.12),
        411: (0.06, 0, -0.08),
        425: (0, 0, -0.05),
        2: (0, 0, 0),
        199: (0, 0, 0),
    }, 2.6


MAKERS: dict[str, Callable[[Array], tuple[dict[int, Move], float]]] = {
    "blink": blink,
    "smile": smile,
    "frown": frown,
    "jaw_open": jaw_open,
    "jaw_side": jaw_side,
    "brow_inner_up": brow_inner_up,
    "brow_outer_up": brow_outer_up,
    "brow_down": brow_down,
    "squint": squint,
    "nose_wrinkle": nose_wrinkle,
    "upper_lip_raise": upper_lip_raise,
    "lower_lip_drop": lower_lip_drop,
    "pucker": pucker,
    "funnel": funnel,
    "stretch": stretch,
    "press": press,
    "lip_roll": lip_roll,
    "mouth_shift": mouth_shift,
    "chin_raise": chin_raise,
    "cheek_puff": cheek_puff,
    "dimple": dimple,
}
