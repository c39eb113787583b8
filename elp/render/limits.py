"""How far one portrait may be moved, and the smooth way there (chapter "The renderer")."""

# D expression coefficient, G measure of a face
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elp.face.landmarks import CORNERS_L, CORNERS_R
from elp.face.model import FaceModel

Floats = NDArray[np.floating]
Limit = Floats | float
LINEAR = 0.75  # share of a limit up to which motion passes unchanged
TURN = np.deg2rad([30.0, 32.0, 30.0])  # pitch, yaw, roll from a portrait that faces the camera
ROUND = np.deg2rad(32.0)  # of all three together: a head turned down and aside shows half a face
TRAVEL = np.array([2.5, 2.0, 6.0])  # cm: right, down, away; beyond, the shoulders come along
LEAN = np.array([12.0, 7.0, 8.0])  # cm: how far the whole person goes at most
# pitch, yaw, roll from the camera beyond which the far side folds
ASIDE = np.deg2rad([38.0, 39.0, 42.0])
LEAST = np.deg2rad([6.0, 6.0, 10.0])  # but this much is always left
STRONGEST = 16.0  # length of β in prior deviations: stronger faces are not of this world
FULLEST = 2.5  # of a named direction's full value: the widest real smiles reach 1.8
SPREAD = 6.0  # prior deviations of a smooth mode
SPARE = 0.25  # share of a measure's range that is left to a portrait that is beyond it already
# what a face measures, over the distance of its outer eye corners: points below minus points above,
# and the least and the most that people show
MEASURES: dict[str, tuple[tuple[int, ...], tuple[int, ...], float, float]] = {
    "lips apart": ((14,), (13,), -0.01, 0.40),
    "corners below the nose": ((61, 291), (1,), 0.14, 0.46),
    "upper lip below the nose": ((0,), (1,), 0.10, 0.36),
    "right brow above the eye": (CORNERS_R, (105,), 0.11, 0.38),
    "left brow above the eye": (CORNERS_L, (334,), 0.11, 0.38),
    "inner brows above the eyes": (CORNERS_R + CORNERS_L, (107, 336), 0.09, 0.38),
}
WIDTH = (0.34, 0.78)  # of the mouth, in the same unit


def saturate(x: Floats, low: Limit, high: Limit) -> Floats:
    """`x`, smoothly bent so that it never passes low <= 0 <= high.

    It is unchanged within `LINEAR` of the limits, increasing, and has a
    continuous slope: motion that leaves the sound range slows down instead
    of stopping dead.
    """
    limit = np.maximum(np.where(x < 0, -np.asarray(low), high), 1e-9)
    size = np.abs(x) / limit
    bent = LINEAR + (1 - LINEAR) * np.tanh((size - LINEAR) / (1 - LINEAR))
    return np.sign(x) * limit * np.where(size <= LINEAR, size, bent)


def pose_limits(rest: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest rotation about each of the head's axes, (3,) radians each.

    Args:
        rest: (3,) rotation vector of the head in the portrait. A head that looks aside may turn
            back less far, for the picture does not show its far cheek, and hardly any farther
            aside, for that cheek would fold.
    """
    most = TURN - 0.2 * np.abs(rest)
    return -np.clip(ASIDE + rest, LEAST, most), np.clip(ASIDE - rest, LEAST, most)


def measures(points: Floats) -> Floats:
    """(..., G) measures of faces (..., 468, 3) in the head's own axes (x to the subject's left, y
    down), in distances of the outer eye corners: the mouth's width, then `MEASURES`.
    """
    x, y = points[..., 0], points[..., 1]
    unit = x[..., CORNERS_L[0]] - x[..., CORNERS_R[0]]
    wide = x[..., 291] - x[..., 61]
    rows = [
        y[..., list(below)].mean(-1) - y[..., list(above)].mean(-1)
        for below, above, _, _ in MEASURES.values()
    ]
    return np.stack([wide, *rows], -1) / unit[..., None]


def expression_limits(model: FaceModel) -> tuple[Floats, Floats]:
    """Lowest and highest β that may be added to a portrait, (D,) each: wide, for what a face can
    bear is told by its measures.
    """
    high = SPREAD * model.deviation.astype(float)
    high[: len(model.full)] = FULLEST * model.full
    return -high, high


@dataclass(frozen=True, kw_only=True, eq=False)
class Limits:
    """What one portrait may do: `limits(beta, pose)` bends a motion into it.

    Attributes:
        beta: lowest and highest β, (D,) each.
        turn: lowest and highest rotation about each axis, (3,) radians each.
        deviation: (D,) prior standard deviations of β.
        gain: (G, D) change of the face's measures by β.
        room: lowest and highest change of each measure, (G,) each.
    """

    beta: tuple[Floats, Floats]
    turn: tuple[Floats, Floats]
    deviation: Floats
    gain: Floats
    room: tuple[Floats, Floats]

    @classmethod
    def of(cls, rotation: Floats, face: Floats, model: FaceModel) -> Limits:
        """Of a portrait whose head is turned by `rotation` (3,) and whose face points are `face`
        (468, 3), in the head's own axes and in any unit.
        """
        neutral = model.mean[model.landmarks].astype(float)
        step = 0.01 * model.expression[:, model.landmarks]
        own, (low, high) = measures(face), ranges()
        spare = SPARE * (high - low)
        return cls(
            beta=expression_limits(model),
            turn=pose_limits(rotation),
            deviation=model.deviation,
            gain=((measures(neutral + step) - measures(neutral)) / 0.01).T,
            room=(np.minimum(low - own, -spare), np.maximum(high - own, spare)),
        )

    def __call__(self, beta: Floats, pose: Floats) -> tuple[Floats, Floats, Floats]:
        """What is shown of β (D,) and of a pose (6,).

        Returns:
            beta (D,): each coefficient, all together (their length in prior deviations), and the
            lips' and brows' measures within the limits; pose (6,) of the head against the
            shoulders; lean (3,) in cm, the way of the whole person: travel that no neck allows.
        """
        bent = saturate(beta, *self.beta)
        bent = self._measured(_shortened(bent / self.deviation, STRONGEST) * self.deviation)
        travel = saturate(pose[3:], -TRAVEL, TRAVEL)
        lean = saturate(pose[3:] - travel, -LEAN, LEAN)
        turn = _shortened(saturate(pose[:3], *self.turn), ROUND)
        return bent, np.concatenate([turn, travel]), lean

    def _measured(self, beta: Floats) -> Floats:
        """The likeliest change of β that brings every measure into its room."""
        asked = self.gain @ beta
        lack = saturate(asked, *self.room) - asked
        if not np.abs(lack).max() > 1e-6:
            return beta
        likely = self.deviation.astype(float)[:, None] ** 2 * self.gain.T
        return beta + likely @ np.linalg.solve(self.gain @ likely, lack)


def _shortened(vector: Floats, longest: float) -> Floats:
    """The vector, bent so that it is never longer than that."""
    length = max(float(np.linalg.norm(vector)), 1e-9)
    return vector * float(saturate(np.array(length), 0.0, longest)) / length


def ranges() -> tuple[Floats, Floats]:
    """The least and the most of each measure, (G,) each."""
    rows = [WIDTH, *((low, high) for _, _, low, high in MEASURES.values())]
    low, high = np.array(rows, float).T
    return low, high
