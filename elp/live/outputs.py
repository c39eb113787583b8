"""Where a frame goes, and what is in it (chapter "Live")."""

# K expression coefficient, S shape
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from elp.exports.arkit import SHAPES, blendshapes
from elp.exports.gltf import scales, targets
from elp.face.model import FaceModel
from elp.motion import Motion
from elp.render.blink import LIDS

# shape names as Apple writes them
NAMES = tuple(name[0].lower() + name[1:] for name in SHAPES)
MORPHS = targets(FaceModel.default()), scales(FaceModel.default())
CLOSING, OPENING = 2, 3  # frames in which lids close and open


class Lids:
    """The lids' course while φ is being drawn: how long a blink will last is not known.

    They close within two frames, stay shut while φ is 1, and open within three.
    """

    def __init__(self) -> None:
        self.share = 0.0
        model = FaceModel.default()
        self.columns = [model.index(name) for name in LIDS]
        self.shut = model.full[self.columns]

    def close(self, beta: NDArray[np.float32], blink: int) -> NDArray[np.float32]:
        """β (K,) of the next frame with its lids where they are by now."""
        self.share += 1 / CLOSING if blink else -1 / OPENING
        self.share = min(max(self.share, 0.0), 1.0)
        out = beta.copy()
        out[self.columns] = (1 - self.share) * beta[self.columns] + self.share * self.shut
        return out


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One frame of the listener.

    Attributes:
        number: of the frame, 25 a second from 0; numbers that a slow machine left out are missing.
        time: when its picture was taken, `time.monotonic()`.
        beta: (K,) float32, lids closed where it blinks. pose: (6,). blink: φ.
        state: see `Listener.state`.
        picture: (256, 256, 3) uint8 RGB, None without a portrait.
        sound: (640 n,) float32 of the speaker since the last frame, n frames of it.
    """

    number: int
    time: float
    beta: NDArray[np.float32]
    pose: NDArray[np.float32]
    blink: int
    state: str
    picture: NDArray[Any] | None
    sound: NDArray[np.float32]

    @property
    def motion(self) -> Motion:
        """The same as a motion of one frame, its blink already in β."""
        return Motion(beta=self.beta[None], pose=self.pose[None], blink=np.zeros(1, np.uint8))

    @cached_property
    def shapes(self) -> dict[str, float]:
        """ARKit's 52 blendshapes by Apple's names."""
        return dict(zip(NAMES, blendshapes(self.motion)[0].tolist(), strict=True))

    @cached_property
    def weights(self) -> dict[str, float]:
        """Weights of the morph targets of the mesh that `elp respond --glb` writes, by name."""
        names, full = MORPHS
        return dict(zip(names, (self.beta / full).tolist(), strict=True))

    @cached_property
    def quaternion(self) -> list[float]:
        """The head's rotation (x, y, z, w) as Unity counts: x to the head's right, y up, z ahead.

        All three of our axes point the other way, which leaves a rotation's numbers as they are.
        """
        found: list[float] = Rotation.from_rotvec(self.pose[:3]).as_quat().tolist()
        return found


class Output(Protocol):
    """Takes frames as they are made; never waits for whoever reads them."""

    def send(self, frame: Frame) -> None:
        """Hand out the next frame."""
        ...

    def close(self) -> None:
        """The last frame was sent: finish what is being written."""
        ...
