"""The last mile from a motion to somebody who is there (chapter "The renderer").

Coming in from the portrait, letting its own expression go, breathing, and looking.
"""

# T frame, D expression coefficient
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.spatial.transform import Rotation

from elp.errors import ElpError
from elp.face.landmarks import CORNERS_L, CORNERS_R, IRIS_L, IRIS_R
from elp.face.model import FaceModel
from elp.motion import FPS, Motion
from elp.render import gaze
from elp.render.limits import pose_limits, saturate
from elp.render.portrait import Portrait
from elp.render.rig import smooth

Floats = NDArray[np.floating]
UNSURE = 0.5  # share of a direction that a picture of a neutral face may be fitted with
BREATHS = 0.25  # a second
NECK = 0.3  # share of the shoulders' breath that the head takes part in
DELAY = 0.35  # s: shoulders follow the head
FOLLOW = 0.25  # share of the head's travel that they take
EYEBALL = 1.2  # cm, radius
SOCKET = 0.6  # cm from an eye's centre forward to its corners
FAINT = 5.0  # lowered brows, of which a tracker finds least once they are drawn: `vivid` to that
MEANT = 0.25  # share of lowered brows from which on they are meant: less is strengthened less
MOOD = 51  # frames over which that is looked at: a mood, not a twitch
KNIT = 1.0  # share that inner brows rise less where brows are lowered by a full share more
# shares that come with a full share more: a frown of the whole upper face, not a slant of the brows
ALONG = {"squint": 0.8, "brow_outer_up": -0.3}
AWAKE = 0.2  # share that lids close by at most between blinks: φ shuts eyes, a droop is none


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How somebody comes to life. `Manner()` is what `elp respond` shows.

    Attributes:
        relax: share of the portrait's own strong expression that is let go, 0 to 1: an open mouth
            closes, a frown lifts.
        vivid: by how much expression is strengthened, lids excepted: a warp makes no new folds, and
            a tracker finds of it less than was drawn, least of lowered brows, which are
            strengthened more (`experiments/portraits.py`). 1 leaves β as it is, lids excepted.
        ease: seconds in which the motion comes in from the portrait's own face and pose.
        breath: cm that the shoulders rise.
        gaze: move the eyes over the partner's face and sometimes off it; else they stay as they
            are in the portrait.
        attend: turn head and eyes of a portrait that looks aside to the viewer.
        seed: of the eyes' path.

    Raises:
        ElpError: a number is not in its range.
    """

    relax: float = 0.5
    vivid: float = 1.5
    ease: float = 0.5
    breath: float = 0.12
    gaze: bool = True
    attend: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.relax <= 1:
            raise ElpError(f"relax {self.relax}: choose a share from 0 to 1")
        if not 0 <= self.vivid <= 3:
            raise ElpError(f"vivid {self.vivid}: choose a factor from 0 to 3")
        if not (0 <= self.ease <= 10 and 0 <= self.breath <= 1):
            raise ElpError(
                f"ease {self.ease} s and breath {self.breath} cm: choose 0 to 10 s and 0 to 1 cm"
            )

    def motion(self, motion: Motion, portrait: Portrait) -> Motion:
        """The motion that starts at the portrait and leaves its strong expression behind."""
        came = self._came(len(motion))[:, None]
        shown = awake(stressed(motion.beta, portrait.model, self.vivid), portrait.model)
        beta = came * (shown - self.relax * surplus(portrait))
        pose = came * motion.pose
        if self.attend:
            low, high = pose_limits(portrait.rotation)
            back = saturate(-0.6 * portrait.rotation, low, high)
            pose[:, :3] += came * back
        pose[:, 4] += NECK * self._breath(len(motion))
        return replace(motion, beta=beta.astype(np.float32), pose=pose.astype(np.float32))

    def looks(self, frames: int, portrait: Portrait) -> NDArray[np.float32]:
        """(T, 2) float32, how far the eyes turn from where they look in the portrait: radians to
        the right and down in the picture.
        """
        out = np.zeros((frames, 2))
        if self.gaze:
            out += gaze.path(frames, self.seed)
        if self.attend:
            out -= own_gaze(portrait)
        return np.asarray(self._came(frames)[:, None] * out, np.float32)

    def sway(self, motion: Motion) -> NDArray[np.float32]:
        """(T, 3) float32, cm: how the shoulders breathe, and follow the head after a while."""
        out, follow = np.zeros((len(motion), 3)), 1 - np.exp(-1 / (FPS * DELAY))
        travel = np.where(motion.valid[:, None], motion.pose[:, 3:], 0)
        for t in range(1, len(motion)):
            out[t] = out[t - 1] + follow * (FOLLOW * travel[t] - out[t - 1])
        out[:, 1] += self._breath(len(motion))
        return out.astype(np.float32)

    def _came(self, frames: int) -> Floats:
        """(T,) 0 in the first frame, 1 once the motion has come in."""
        if self.ease == 0:
            return np.ones(frames)
        return smooth(np.arange(frames) / (FPS * self.ease))

    def _breath(self, frames: int) -> Floats:
        """(T,) cm down, 0 in the first frame."""
        phase = 2 * np.pi * BREATHS * np.arange(frames) / FPS
        return -self.breath * (1 - np.cos(phase)) / 2


def stressed(beta: Floats, model: FaceModel, vivid: float) -> Floats:
    """Expression (T, D), `vivid` times as strong; lids as they are, for shut is shut.

    Lowered brows are strengthened more (`FAINT`), the more the longer they last, both sides alike;
    inner brows rise less where that draws brows together, and what goes `ALONG` comes with it.
    """
    out = vivid * beta
    out[:, _lids(model)] = beta[:, _lids(model)]
    brows = _sides(model, "brow_down")
    share = (beta[:, brows] / model.full[brows]).mean(1, keepdims=True)
    meant = smooth(uniform_filter1d(share, MOOD, 0, mode="nearest") / MEANT)
    out[:, brows] = vivid ** (1 + (FAINT - 1) * meant) * beta[:, brows]
    more = ((out - beta)[:, brows] / model.full[brows]).mean(1, keepdims=True).clip(0)
    inner = model.index("brow_inner_up")
    out[:, inner] *= np.where(out[:, inner] > 0, np.clip(1 - KNIT * more[:, 0], 0, 1), 1)
    for name, along in ALONG.items():
        rows = _sides(model, name)
        out[:, rows] += along * more * model.full[rows]
    return out


def awake(beta: Floats, model: FaceModel) -> Floats:
    """Expression (T, D) whose lids, blinks apart, close by `AWAKE` at most, softly."""
    out, lids = beta.copy(), _lids(model)
    out[:, lids] = model.full[lids] * saturate(beta[:, lids] / model.full[lids], -1.0, AWAKE)
    return out


def surplus(portrait: Portrait) -> NDArray[np.float32]:
    """(D,) what a portrait shows beyond doubt: its own expression beyond `UNSURE`.

    Lids are left out: they are this person's.
    """
    model = portrait.model
    out = np.zeros(len(portrait.beta), np.float32)
    share = portrait.beta[: len(model.full)] / model.full
    out[: len(model.full)] = np.sign(share) * np.maximum(np.abs(share) - UNSURE, 0) * model.full
    jaw = model.index("jaw_open")
    out[jaw] = max(float(portrait.beta[jaw]), 0.0)  # a mouth is open or it is not
    out[_lids(model)] = 0
    return out


def _lids(model: FaceModel) -> list[int]:
    return _sides(model, "blink")


def _sides(model: FaceModel, name: str) -> list[int]:
    """Rows of a direction of the left and of the right."""
    return [model.index(f"{name}_{side}") for side in "lr"]


def own_gaze(portrait: Portrait) -> NDArray[np.float64]:
    """(2,) where the eyes of a portrait look: radians to the right and down from the camera, of
    the irises between the corners of the eyes and the head's own turn.
    """
    ahead = Rotation.from_rotvec(portrait.rotation).apply([0.0, 0.0, -1.0])[:2]
    out = []
    for iris, corners in ((IRIS_R[0], CORNERS_R), (IRIS_L[0], CORNERS_L)):
        shift = portrait.points[iris] - portrait.points[list(corners)].mean(0)
        out.append((shift / portrait.focal * portrait.origin[2] + SOCKET * ahead) / EYEBALL)
    return np.clip(np.mean(out, 0), -0.5, 0.5)
