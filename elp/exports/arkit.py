"""A motion as the 52 blendshapes that avatars know, in Live Link Face's layout (chapter "Live").

Each shape is read from the face model's direction of the same meaning. How far that can be trusted
was measured on four filmed people, against what Face Landmarker v2's own blendshape network reads
from the same pictures (`experiments/arkit.py`, `book/results/arkit.json`). Over the clips in which
that network sees a shape move, two or more, the mean correlation is

- good, 0.75 and more: JawOpen 0.93, EyeBlink 0.90, MouthSmile 0.95, MouthUpperUp 0.76. The lids of
  a listener follow φ, which is known and not measured.
- fair, 0.5 and more: MouthLowerDown 0.58, BrowOuterUp 0.64, MouthRollUpper 0.69.
- poor: below that, or moved in fewer than two clips, for all others that have a direction, both
  brows' inner ends (BrowInnerUp 0.40, BrowDown 0.21), EyeSquint and MouthPucker among them. They
  move when the mesh does: good enough to look alive, no measurement.
- none: EyeLook, JawForward, MouthClose, CheekSquint and TongueOut are always 0. The model has no
  such direction, and a motion holds no gaze.

Least squares on ICT-FaceKit's shapes, measured in the same run, agree less nearly everywhere.
"""

# T frame, D coefficient
from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.face.model import FaceModel
from elp.files import atomic
from elp.motion import Motion

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float32]
# in the order of Live Link Face's files
SHAPES = tuple(
    """EyeBlinkLeft EyeLookDownLeft EyeLookInLeft EyeLookOutLeft EyeLookUpLeft EyeSquintLeft
    EyeWideLeft EyeBlinkRight EyeLookDownRight EyeLookInRight EyeLookOutRight EyeLookUpRight
    EyeSquintRight EyeWideRight JawForward JawRight JawLeft JawOpen MouthClose MouthFunnel
    MouthPucker MouthRight MouthLeft MouthSmileLeft MouthSmileRight MouthFrownLeft MouthFrownRight
    MouthDimpleLeft MouthDimpleRight MouthStretchLeft MouthStretchRight MouthRollLower
    MouthRollUpper MouthShrugLower MouthShrugUpper MouthPressLeft MouthPressRight
    MouthLowerDownLeft MouthLowerDownRight MouthUpperUpLeft MouthUpperUpRight BrowDownLeft
    BrowDownRight BrowInnerUp BrowOuterUpLeft BrowOuterUpRight CheekPuff CheekSquintLeft
    CheekSquintRight NoseSneerLeft NoseSneerRight TongueOut""".split()
)
ROTATIONS = tuple(
    """HeadYaw HeadPitch HeadRoll LeftEyeYaw LeftEyePitch LeftEyeRoll RightEyeYaw RightEyePitch
    RightEyeRoll""".split()
)
Reliability = Literal["good", "fair", "poor", "none"]
# shape without its side -> direction of the face model; "*" becomes _l or _r, and a minus means
# that the shape is the direction's other end
DIRECTIONS = {
    "EyeBlink": "blink*",
    "EyeWide": "-blink*",
    "EyeSquint": "squint*",
    "JawLeft": "jaw_side",
    "JawRight": "-jaw_side",
    "JawOpen": "jaw_open",
    "MouthFunnel": "funnel",
    "MouthPucker": "pucker",
    "MouthLeft": "mouth_shift",
    "MouthRight": "-mouth_shift",
    "MouthSmile": "smile*",
    "MouthFrown": "frown*",
    "MouthDimple": "dimple*",
    "MouthStretch": "stretch",
    "MouthRollLower": "lip_roll",
    "MouthRollUpper": "lip_roll",
    "MouthShrugLower": "chin_raise",
    "MouthShrugUpper": "chin_raise",
    "MouthPress": "press",
    "MouthLowerDown": "lower_lip_drop",
    "MouthUpperUp": "upper_lip_raise",
    "BrowDown": "brow_down*",
    "BrowInnerUp": "brow_inner_up",
    "BrowOuterUp": "brow_outer_up*",
    "CheekPuff": "cheek_puff",
    "NoseSneer": "nose_wrinkle",
}
# as measured; the rest is poor
GOOD = ("JawOpen", "EyeBlink", "MouthSmile", "MouthUpperUp")
# of our rotations about y, x and z (x right in the picture, y down, z away from the camera)
SIGNS = (1, -1, -1)
FAIR = ("MouthLowerDown", "BrowOuterUp", "MouthRollUpper")


def direction(shape: str) -> tuple[str, int] | None:
    """The named direction of the face model behind a shape, and its sign; None without one."""
    name = DIRECTIONS.get(shape) or DIRECTIONS.get(_stem(shape))
    if name is None:
        return None
    side = "_l" if shape.endswith("Left") else "_r"
    return name.lstrip("-").replace("*", side), -1 if name.startswith("-") else 1


def reliability(shape: str) -> Reliability:
    """How far a shape can be trusted; see the module."""
    if direction(shape) is None:
        return "none"
    stem = _stem(shape)
    return "good" if stem in GOOD else "fair" if stem in FAIR else "poor"


def _stem(shape: str) -> str:
    return shape.removesuffix("Left").removesuffix("Right")


# columns of the shapes that have one
DIRECTED = {k: found for k, shape in enumerate(SHAPES) if (found := direction(shape)) is not None}


def blendshapes(motion: Motion, model: FaceModel | None = None) -> Floats:
    """The 52 shapes of each frame.

    Args:
        motion: T frames with the coefficients of `model`; its blinks shut the lids as a renderer
            does (`elp.render.blink`).
        model: by default the one that ships.

    Returns:
        (T, 52) float32 in [0, 1], columns `SHAPES`: the share of the direction's full activation.
            Frames that are not valid repeat the last valid one, zeros before the first.

    Raises:
        ElpError: the motion has other coefficients.
    """
    from elp.render.blink import blink_control  # the renderers load when something is written

    model = model or FaceModel.default()
    check(motion, model)
    beta = blink_control(held(motion).beta, motion.blink, model)
    out = np.zeros((len(motion), len(SHAPES)), np.float32)
    rows = [model.index(name) for name, _ in DIRECTED.values()]
    signs = np.array([sign for _, sign in DIRECTED.values()], np.float32)
    out[:, list(DIRECTED)] = signs * beta[:, rows] / model.full[rows]
    return np.clip(out, 0, 1)


def rotations(motion: Motion) -> Floats:
    """(T, 9) float32 radians, columns `ROTATIONS`: the head's, then zeros, for eyes are not known.

    Applied in the order yaw, pitch, roll about axes that turn with the head, with Unreal's signs:
    positive yaw turns the face to the subject's right, positive pitch lifts it, positive roll tilts
    the head to the subject's right shoulder.
    """
    out = np.zeros((len(motion), len(ROTATIONS)), np.float32)
    if len(motion):
        from scipy.spatial.transform import Rotation

        turned = Rotation.from_rotvec(held(motion).pose[:, :3])
        out[:, :3] = turned.as_euler("YXZ") * SIGNS
    return out


def table(motion: Motion) -> pd.DataFrame:
    """Both as a table: T rows, the index their time in seconds; columns `SHAPES` and `ROTATIONS`.

    Raises:
        ElpError: the motion has other coefficients.
    """
    import pandas as pd

    values = np.concatenate([blendshapes(motion), rotations(motion)], 1)
    times = pd.Index(np.arange(len(motion)) / motion.fps, name="time")
    return pd.DataFrame(values, times, [*SHAPES, *ROTATIONS])


def check(motion: Motion, model: FaceModel) -> None:
    """Raises ElpError where a motion's coefficients are not those of the face model."""
    if motion.beta.shape[1] != len(model.expression):
        raise ElpError(
            f"motion: {motion.beta.shape[1]} expression coefficients, the face model has "
            f"{len(model.expression)}: only motions of this face model become shapes"
        )


def held(motion: Motion) -> Motion:
    """The motion with its last valid frame in the place of those that are not valid."""
    at = np.maximum.accumulate(np.where(motion.valid, np.arange(len(motion)), -1))
    seen = (at >= 0)[:, None]
    beta, pose = (np.where(seen, x[at], np.float32(0)) for x in (motion.beta, motion.pose))
    return replace(motion, beta=beta, pose=pose, valid=np.ones(len(motion), bool))


def timecode(frame: int, fps: float) -> str:
    """HH:MM:SS:FF.mmm as Live Link Face writes it, from 00:00:00:00.000 on."""
    rate = round(fps)
    seconds, left = divmod(frame, rate)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{left:02d}.000"


def write_arkit(path: str | Path, motion: Motion) -> None:
    """Write Live Link Face's CSV, whole or not at all: timecode, number of columns, 52 shapes, nine
    rotations in radians, one row a frame at 25 frames per second.

    Raises:
        ElpError: the motion has other coefficients, another ending, or the file cannot be written.
    """
    if Path(path).suffix.lower() != ".csv":
        raise ElpError(f"{path}: blendshapes are written as .csv: give the file that ending")
    values = table(motion)
    with atomic(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["Timecode", "BlendShapeCount", *values.columns])
        for frame, row in enumerate(values.to_numpy().tolist()):
            head = timecode(frame, motion.fps), values.shape[1]
            rows.writerow([*head, *(f"{x:.6f}" for x in row)])
