"""How far one portrait may be moved, and the smooth way there (chapter "The renderer")."""

# D expression coefficient
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elp.face.model import FaceModel

Floats = NDArray[np.floating]
Limit = Floats | float
LINEAR = 0.6  # share of a limit up to which motion passes unchanged
TURN = np.deg2rad([20.0, 20.0, 18.0])  # pitch, yaw, roll from a portrait that faces the camera
TRAVEL = np.array([2.5, 2.0, 6.0])  # cm: right, down, away; the shoulders stay
# pitch, yaw, roll from the camera beyond which the far side folds
ASIDE = np.deg2rad([32.0, 34.0, 35.0])
LEAST = np.deg2rad([6.0, 4.0, 10.0])  # but this much is always left
STRONGEST = 14.0  # length of β in prior deviations: stronger faces are not of this world
SPARE = 0.5  # share of a direction that is left to a portrait that already shows it in full


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


def expression_limits(own: Floats, model: FaceModel) -> tuple[Floats, Floats]:
    """Lowest and highest β that may be added to a portrait, (D,) each.

    A named direction stops where the portrait's `own` expression (D,) and the motion together are
    fully active; a portrait that shows it in full already keeps `SPARE` of it. Smooth modes stop at
    three prior deviations.
    """
    share = np.clip(own[: len(model.full)] / model.full, -1, 1)
    high, low = 3.0 * model.deviation.astype(float), -3.0 * model.deviation.astype(float)
    high[: len(model.full)] = model.full * np.clip(1 - share, SPARE, 1)
    low[: len(model.full)] = -model.full * np.clip(1 + share, SPARE, 1)
    return low, high


@dataclass(frozen=True, kw_only=True, eq=False)
class Limits:
    """What one portrait may do: `limits(beta, pose)` bends a motion into it.

    Attributes:
        beta: lowest and highest β, (D,) each.
        turn: lowest and highest rotation about each axis, (3,) radians each.
        deviation: (D,) prior standard deviations of β.
    """

    beta: tuple[Floats, Floats]
    turn: tuple[Floats, Floats]
    deviation: Floats

    @classmethod
    def of(cls, rotation: Floats, beta: Floats, model: FaceModel) -> Limits:
        """Of a portrait whose head is turned by `rotation` (3,) and whose expression is `beta`
        (D,).
        """
        return cls(
            beta=expression_limits(beta, model),
            turn=pose_limits(rotation),
            deviation=model.deviation,
        )

    def __call__(self, beta: Floats, pose: Floats) -> tuple[Floats, Floats]:
        """β (D,), each coefficient and all together (their length in prior deviations), and the
        pose (6,), within the limits.
        """
        bent = saturate(beta, *self.beta)
        length = max(float(np.linalg.norm(bent / self.deviation)), 1e-9)
        bent = bent * float(saturate(np.array(length), 0.0, STRONGEST)) / length
        return bent, np.concatenate(
            [saturate(pose[:3], *self.turn), saturate(pose[3:], -TRAVEL, TRAVEL)]
        )
