"""From activations of named expressions and head angles to β and pose, as a tracker would measure
them.
"""

# T frame, A named activation (28), D expression coefficient
from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from elp.face.model import FaceModel
from elp.motion import Motion
from elp.simulator.processes import Array, drift, smooth

NAMES = FaceModel.default().names  # the named directions, in the order of β
COLUMN = {name: k for k, name in enumerate(NAMES)}
# tracking noise of β in prior deviations: correlated over 0.12 s, and white
TREMOR, JITTER = 0.07, 0.03
# from the head's centre to the joint it turns about: below and behind (cm)
NECK = np.array([0.0, 9.0, 7.0])


@dataclass
class Acting:
    """A face before it is measured: activations (T, 28) in parts of the full movement, head angles
    (T, 3) rad, shift (T, 3) cm.
    """

    frames: int
    face: Array = field(init=False)
    angles: Array = field(init=False)
    shift: Array = field(init=False)

    def __post_init__(self) -> None:
        self.face, self.angles, self.shift = (
            np.zeros((self.frames, len(NAMES))),
            np.zeros((self.frames, 3)),
            np.zeros((self.frames, 3)),
        )

    def add(
        self,
        name: str,
        value: Array | float,
        frames: slice = slice(None),
        left: float = 1.0,
        right: float = 1.0,
    ) -> None:
        """Add to an activation; "smile" means smile_l and smile_r, with their own weights."""
        if name in COLUMN:
            self.face[frames, COLUMN[name]] += value
        else:
            self.face[frames, COLUMN[f"{name}_l"]] += left * np.asarray(value)
            self.face[frames, COLUMN[f"{name}_r"]] += right * np.asarray(value)


@cache
def scale() -> tuple[Array, Array]:
    """Coefficient of every fully active named direction (28,), and prior deviation of every
    coefficient (100,), of the face model.
    """
    model = FaceModel.default()
    return model.full.astype(np.float64), model.deviation.astype(np.float64)


@cache
def _mixing() -> Array:
    """How every coefficient follows the named movements (28, 100): the same in every corpus, as a
    face model is.
    """
    mixing = np.random.default_rng(28).standard_normal((len(NAMES), len(scale()[1])))
    return mixing / np.linalg.norm(mixing, axis=0)


def measure(
    rng: np.random.Generator,
    acting: Acting,
    lids: Array,
    bias: Array,
    noise: float,
    tremble: float,
) -> Motion:
    """What extraction of a video of this acting would give: β, pose and blinks with tracking noise.

    Args:
        rng: source of the noise.
        acting: T frames.
        lids: (T,) eyelid closure in [0, 1].
        bias: (28,) constant offset of this person, in parts of the full movement: identity that
            leaks into expression.
        noise: size of the tracking noise, 1 for a good video.
        tremble: of the head's angles at noise 1, in degrees.
    """
    frames = acting.frames
    full, deviation = scale()
    # a fit shares a movement among neighbouring directions, and nobody's face is ever quite still
    shown = _limit(acting.face)
    beta = deviation * (
        0.7 * (shown - shown.mean(0)) @ _mixing()
        + smooth(drift(rng, frames, 0.6, 0.16, len(deviation)), 0.08)
    )
    face = shown + bias
    face[:, 0] += lids * rng.uniform(0.92, 1.0)
    face[:, 1] += lids * rng.uniform(0.92, 1.0)
    beta[:, : len(full)] += face * full
    beta += (
        noise
        * deviation.clip(max=2)
        * (
            drift(rng, frames, 0.12, TREMOR, len(deviation))
            + JITTER * rng.standard_normal(beta.shape)
        )
    )
    angles = acting.angles + noise * np.deg2rad(drift(rng, frames, 0.1, tremble, 3))
    shift = (
        acting.shift
        + _about_neck(acting.angles)
        + noise * drift(rng, frames, 0.15, 0.03, 3) * [1, 1, 4]
    )
    pose = np.concatenate([angles, shift - np.median(shift, axis=0)], axis=1)
    return Motion(
        beta=beta.astype(np.float32),
        pose=pose.astype(np.float32),
        blink=(lids > 0.5).astype(np.uint8),
    )


def active(motion: Motion, name: str) -> Array:
    """(T,) how far a motion goes in a named direction, in parts of the full movement."""
    return motion.beta[:, COLUMN[name]] / scale()[0][COLUMN[name]]


def _limit(face: Array) -> Array:
    """Activations that grow ever less beyond 0.7 and end at 1.1: a face has limits."""
    return np.where(face > 0.7, 0.7 + 0.4 * np.tanh((face - 0.7) / 0.4), face.clip(min=-0.2))


def _about_neck(angles: Array) -> Array:
    """Shift of the head's centre (T, 3) cm when the head turns about the neck by small rotation
    vectors (T, 3).
    """
    return np.cross(angles, -NECK) + 0.5 * np.cross(angles, np.cross(angles, -NECK))
